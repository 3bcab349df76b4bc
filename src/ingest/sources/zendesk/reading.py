"""Zendesk's objects, each read whole: a ticket with its conversation, an article in every locale.

Look-ups and lists read them here, so that both show the same. Law: comments are read to their last
page or not at all; what is refused beside an object that is shown is no refusal of the token.
Sources: developer.zendesk.com/api-reference/ticketing (tickets, ticket_comments, conversation_log,
users) and …/help_center/help-center-api (articles, translations).
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace

from ingest.core.errors import PermanentError, Refused
from ingest.core.values import JSON
from ingest.sources.answers import Absent, Response
from ingest.sources.http import Api, Params
from ingest.sources.wire import at, items, mapping, text
from ingest.sources.zendesk.api import FORBIDDEN, Answered, answered, next_of, rows_of

PAGE_SIZE = 100
MOST_PAGES = 60
"""A ticket has 5,000 comments at most; a cursor that goes on for ever is not followed for ever."""
_MOST_BYTES = 64 * 2**20
"""Of the comments of a ticket, as they come: three times their text, which anybody may mail."""
_NO_AGENT = frozenset({"end-user"})
_TRANSLATIONS = "translations"


class TooLong(PermanentError):
    """A ticket has more comments than are read at once."""


# The messages of a chat are in none of its ticket's comments, but in the log of the conversation.
# developer.zendesk.com/documentation/ticketing/reference-guides/via-types.
_CHAT_LIST = """
    apple_business_chat business_messaging_slack_connect chat google_business_messages google_rcs
    instagram_dm kakaotalk line mailgun messagebird_sms messaging native_messaging
    sunshine_conversations_api sunshine_conversations_apple_business_chat
    sunshine_conversations_facebook_messenger sunshine_conversations_twitter_dm telegram
    twilio_sms viber wechat whatsapp
"""
_CHATS = frozenset(_CHAT_LIST.split())


@dataclass(frozen=True, slots=True)
class Conversation:
    """The comments of a ticket and who wrote them, and how many requests that took.

    log: of a chat also its conversation's.
    """

    comments: list[JSON]
    users: list[JSON]
    calls: int
    log: list[JSON] | None = None

    def of(self, ticket: JSON) -> Answered:
        """What a look-up shows of the ticket."""
        told: Answered = {"ticket": ticket, "comments": self.comments, "users": self.users}
        return told if self.log is None else {**told, "log": self.log}


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads one account; raises what `Api.get` raises, `Absent` among it."""

    api: Api

    def get(self, path: str, params: Params | None = None) -> Answered:
        return answered(self.api.get(path, params=params))

    def ticket(self, id_: str) -> JSON:
        """A comment that is written meanwhile makes an event of its own, and a next look-up."""
        ticket = self.get(f"tickets/{id_}.json").get("ticket")
        try:
            return self.conversation(id_, ticket).of(ticket)
        except Absent as absent:
            if absent.status != FORBIDDEN:  # it may have been deleted in between
                ticket = self.get(f"tickets/{id_}.json").get("ticket")
            return {"ticket": ticket}

    def conversation(self, id_: str, ticket: JSON, most_pages: int = MOST_PAGES) -> Conversation:
        """The comments of a ticket, who wrote them, and the messages of the chat that it was.

        Raises `TooLong` where there are more than so many pages of them, or too many bytes.
        """
        talk = self._comments(id_, most_pages)
        if not _is_chat(ticket):
            return talk
        log, calls = self._log(id_, most_pages)
        return replace(talk, log=log, calls=talk.calls + calls)

    def _log(self, id_: str, most_pages: int) -> tuple[list[JSON], int]:
        """The log of a conversation, and the requests that it took; nothing where none is shown."""
        found: list[JSON] = []
        after: str | None = None
        for calls in range(1, most_pages + 1):
            try:
                page = self.get(f"tickets/{id_}/conversation_log.json", _sized(after))
                found += rows_of(page, "events")
                after = next_of(page, after)
            except (Absent, PermanentError):  # the ticket is shown all the same
                return [], calls
            if after is None:
                return found, calls
        raise TooLong(f"Zendesk lists the conversation of ticket {id_} without an end")

    def _comments(self, id_: str, most_pages: int) -> Conversation:
        comments: list[JSON] = []
        users: dict[JSON, JSON] = {}
        after: str | None = None
        size = 0
        for calls in range(1, most_pages + 1):
            answer = self.api.get(f"tickets/{id_}/comments.json", params=_paged(after))
            size += len(answer.body)
            if size > _MOST_BYTES:
                raise TooLong(
                    f"the comments of Zendesk's ticket {id_} are over {_MOST_BYTES} bytes, and are "
                    "not read"
                )
            page = answered(answer)
            comments += rows_of(page, "comments")
            users |= {str(user.get("id")): user for user in _beside(page, "users")}
            after = next_of(page, after)
            if after is None:
                return Conversation(comments, [*users.values()], calls)
        raise TooLong(f"Zendesk lists the comments of ticket {id_} without an end")

    def article(self, id_: str, locale: str | None = None) -> JSON:
        """An article with its translations; without them where they may not be read.

        locale: a language that it shall be told in too, as far as it is shown by itself.
        """
        path = f"help_center/articles/{id_}"
        told = self.get(f"{path}.json", {"include": _TRANSLATIONS})
        article = told.get("article")
        if not isinstance(article, dict):
            return {"article": article}
        shown = with_translations(article, told) or {"article": article}
        if _TRANSLATIONS not in shown:
            with suppress(Absent):
                shown = {**shown, _TRANSLATIONS: self._translations(path)}
        known = {text(one, "locale") for one in (article, *items(shown, _TRANSLATIONS))}
        if locale is None or locale in known:
            return shown
        return self._also_in(locale, shown, id_)

    def _also_in(self, locale: str, shown: Answered, id_: str) -> JSON:
        """The article with what it says in one more language, of which the list does not tell.

        `some`: the list is closed, and there may be others.
        """
        some: Answered = {} if _TRANSLATIONS in shown else {"some": True, _TRANSLATIONS: []}
        try:
            told = self.get(f"help_center/{locale}/articles/{id_}.json").get("article")
        except Absent as absent:
            return shown if absent.status == FORBIDDEN else {**some, **shown}
        if not isinstance(told, dict) or told.get("locale") != locale:
            return shown
        one = {"updated_at": at(shown, "article", "updated_at"), **told}
        return {**some, **shown, _TRANSLATIONS: [*items(shown, _TRANSLATIONS), one]}

    def _translations(self, path: str) -> JSON:
        found: list[JSON] = []
        after: str | None = None
        for _ in range(MOST_PAGES):
            page = self.get(f"{path}/translations.json", _sized(after))
            found += rows_of(page, _TRANSLATIONS)
            after = next_of(page, after)
            if after is None:
                return found
        raise PermanentError("Zendesk lists the translations of an article without an end")

    def role(self) -> str:
        """…/ticketing/users, "Show Self": an unknown user is answered too, with an id of null.

        Raises `Refused` for whom Zendesk does not know, and for an end user.
        """
        known = _user(self.api.get("users/me.json", knows=_shows_a_user))
        role = known.get("role")
        if known.get("id") is None:
            raise Refused("Zendesk does not know the token's user; give a token of an agent")
        if role in _NO_AGENT:
            raise Refused("the token is an end user's, who reads no tickets; give an agent's")
        return role if isinstance(role, str) and role else "a user"

    def prove_account(self) -> None:
        """Raise `Refused` where the token's user is nobody that could read tickets."""
        try:
            self.role()
        except Absent as absent:
            raise _unseen("account", absent) from absent

    def prove_tickets(self) -> None:
        """Raise `Refused` where the list of tickets is refused: the token has no scope for any."""
        try:
            self.api.get("tickets.json", params={"page[size]": 1})
        except Absent as absent:
            if absent.status == FORBIDDEN:
                raise Refused(
                    f"{absent}: the token may read no tickets; give one of an agent, and of an "
                    "OAuth client the scope `read` or `tickets:read`"
                ) from absent

    def prove_help_center(self) -> None:
        """The same of articles. Their list is answered to anybody, so it proves no token."""
        self.prove_account()
        try:
            self.get("help_center/articles.json", {"page[size]": 1})
        except Absent as absent:
            raise _unseen("help center", absent) from absent


def _is_chat(ticket: JSON) -> bool:
    via = mapping(at(ticket, "via"))
    return at(ticket, "from_messaging_channel") is True or text(via, "channel") in _CHATS


def _unseen(what: str, absent: Absent) -> Refused:
    return Refused(
        f"{absent}: Zendesk shows no {what} to the token: check the subdomain in the connection's "
        "metadata, and what the token's user may read"
    )


def with_translations(article: Answered, page: Answered) -> Answered | None:
    """What a look-up shows of an article, out of an answer that was asked to include translations.

    They stand within the article, or beside all of them; None where the answer has none.
    """
    within = article.get(_TRANSLATIONS)
    if isinstance(within, list):
        alone = {name: told for name, told in article.items() if name != _TRANSLATIONS}
        return {"article": alone, _TRANSLATIONS: within}
    if isinstance(page.get(_TRANSLATIONS), list):
        beside = [one for one in _beside(page, _TRANSLATIONS) if _belongs(one, article)]
        return {"article": article, _TRANSLATIONS: [*beside]}
    return None


def _belongs(translation: Answered, article: Answered) -> bool:
    return translation.get("source_id") == article.get("id")


def _user(answer: Response) -> Answered:
    user = answered(answer).get("user")
    return user if isinstance(user, dict) else {}


def _shows_a_user(answer: Response) -> bool:
    return _user(answer).get("id") is not None


def _sized(after: str | None) -> dict[str, str | int | list[str]]:
    told: dict[str, str | int | list[str]] = {"page[size]": PAGE_SIZE}
    return told if after is None else {**told, "page[after]": after}


def _paged(after: str | None) -> Params:
    return {**_sized(after), "include": "users"}


def _beside(page: Answered, name: str) -> list[Answered]:
    """What an answer was asked to include, without what makes no sense."""
    found = page.get(name)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
