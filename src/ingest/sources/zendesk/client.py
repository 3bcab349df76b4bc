"""Zendesk's API for one account: tickets with their comments, articles. The room with a network.

Law: a 404 is an end only where the token's user is known and may read; comments are read to their
last page or not at all; what is refused beside an object that is shown is no refusal of the token.
Sources: developer.zendesk.com/api-reference, …/introduction (auth, limits,
pagination), …/ticketing/tickets and …/help_center/help-center-api.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass

from ingest.core.errors import BadPayload, PermanentError, Refused
from ingest.core.values import JSON
from ingest.sources.answers import DEFAULT_WAIT_S, Absent, Refusal, Response, Rules
from ingest.sources.contract import Access, Lookup, Sight
from ingest.sources.forms import DIGITS, segment
from ingest.sources.http import Api, Params
from ingest.sources.renewing import tokens_of
from ingest.sources.zendesk.tokens import RENEWAL, base_of_account, is_api_token

_PAGE_SIZE = 100
_MOST_PAGES = 60
"""A ticket has 5,000 comments at most; a cursor that goes on for ever is not followed for ever."""
_MOST_BYTES = 64 * 2**20
"""Of the comments of a ticket, as they come: three times their text, which anybody may mail."""
_RESETS = ("ratelimit-reset", "rate-limit-reset")
_NO_AGENT = frozenset({"end-user"})
_FORBIDDEN = 403


def connect(access: Access) -> ZendeskClient:
    """A client for one connection."""
    tokens = tokens_of(access, RENEWAL)
    headers = {"accept": "application/json"}
    if tokens is None:
        headers["authorization"] = _authorization(access.token)
    rules = Rules(
        wait_s=_limited,
        refused=frozenset({401}),
        absent=frozenset({_FORBIDDEN, 404, 410}),
        later=frozenset({408, 409, 425}),
    )
    api = Api(
        "Zendesk",
        f"{base_of_account(access)}/api/v2",
        access.now,
        headers,
        rules,
        resolve=access.resolve,
        mask=access.mask,
        tokens=tokens,
    )
    return ZendeskClient(api)


def _authorization(token: str) -> str:
    """…/introduction/security-and-auth: `email/token:api_token` is Basic, all else OAuth."""
    if is_api_token(token):
        return f"Basic {b64encode(token.encode()).decode()}"
    return f"Bearer {token}"


def _limited(refusal: Refusal) -> float | None:
    """…/introduction/rate-limits: `Retry-After`, else the seconds until the limit's reset."""
    if refusal.status != 429:
        return None
    told = refusal.retry_after_s()
    if told is not None:
        return told
    resets = (refusal.headers.get(name, "") for name in _RESETS)
    return next((float(s) for s in resets if s.isascii() and s.isdigit()), DEFAULT_WAIT_S)


@dataclass(slots=True)
class ZendeskClient:
    """Fulfils `contract.Client`."""

    api: Api

    def fetch_one(self, lookup: Lookup) -> Sight:
        """A ticket as {ticket, comments, users}, an article as {article}."""
        kind = lookup.identity.kind
        id_ = segment(lookup.identity.id, f"the id of a Zendesk {kind}", DIGITS)
        look = self._article if kind == "article" else self._ticket
        try:
            return Sight(look(id_))
        except Absent as absent:
            if absent.status == _FORBIDDEN:
                raise Refused(f"{absent}: the token's user may not read this") from absent
            self._prove_readable(kind)
            return Sight(None)

    def check(self) -> str:
        """Who the token's user is."""
        try:
            return f"reads as {self._role()}"
        except Absent as absent:
            raise Refused(f"{absent}: Zendesk shows no account to the token") from absent

    def close(self) -> None:
        self.api.close()

    def _ticket(self, id_: str) -> JSON:
        """A comment that is written meanwhile makes an event of its own, and a next look-up."""
        ticket = self._get(f"tickets/{id_}.json").get("ticket")
        try:
            return {"ticket": ticket, **self._conversation(id_)}
        except Absent as absent:
            if absent.status != _FORBIDDEN:  # it may have been deleted in between
                ticket = self._get(f"tickets/{id_}.json").get("ticket")
            return {"ticket": ticket}

    def _conversation(self, id_: str) -> dict[str, JSON]:
        """The comments of a ticket, and who wrote them."""
        comments: list[JSON] = []
        users: dict[JSON, JSON] = {}
        after: str | None = None
        size = 0
        for _ in range(_MOST_PAGES):
            answer = self.api.get(f"tickets/{id_}/comments.json", params=_paged(after))
            size += len(answer.body)
            if size > _MOST_BYTES:
                raise PermanentError(
                    f"the comments of Zendesk's ticket {id_} are over {_MOST_BYTES} bytes, and are "
                    "not read"
                )
            page = _object(answer)
            comments += _listed(page, "comments")
            users |= {str(_id(user)): user for user in _listed(page, "users")}
            after = _next(page, after)
            if after is None:
                return {"comments": comments, "users": [*users.values()]}
        raise PermanentError(f"Zendesk lists the comments of ticket {id_} without an end")

    def _article(self, id_: str) -> JSON:
        return {"article": self._get(f"help_center/articles/{id_}.json").get("article")}

    def _prove_readable(self, kind: str) -> None:
        """Raises `Refused` where a 404 may mean that nothing at all can be read."""
        try:
            if kind == "article":
                self._get("help_center/articles.json", {"page[size]": 1})
            else:
                self._role()
        except Absent as absent:
            what = "help center" if kind == "article" else "account"
            raise Refused(
                f"Zendesk shows no {what} to the token: check the subdomain in the connection's "
                "metadata, and what the token's user may read"
            ) from absent

    def _role(self) -> str:
        """…/ticketing/users, "Show Self": an unknown user is answered too, with an id of null."""
        known = _user(self.api.get("users/me.json", knows=_shows_a_user))
        role = known.get("role")
        if known.get("id") is None:
            raise Refused("Zendesk does not know the token's user; give a token of an agent")
        if role in _NO_AGENT:
            raise Refused("the token is an end user's, who reads no tickets; give an agent's")
        return role if isinstance(role, str) and role else "a user"

    def _get(self, path: str, params: Params | None = None) -> dict[str, JSON]:
        return _object(self.api.get(path, params=params))


def _object(answer: Response) -> dict[str, JSON]:
    told = answer.json()
    if not isinstance(told, dict):
        raise BadPayload("$", "not an object")
    return told


def _user(answer: Response) -> dict[str, JSON]:
    user = _object(answer).get("user")
    return user if isinstance(user, dict) else {}


def _shows_a_user(answer: Response) -> bool:
    return _user(answer).get("id") is not None


def _paged(after: str | None) -> Params:
    told: dict[str, str | int | list[str]] = {"page[size]": _PAGE_SIZE, "include": "users"}
    return told if after is None else {**told, "page[after]": after}


def _listed(page: dict[str, JSON], name: str) -> list[JSON]:
    found = page.get(name)
    return found if isinstance(found, list) else []


def _id(user: JSON) -> JSON:
    return user.get("id") if isinstance(user, dict) else None


def _next(page: dict[str, JSON], after: str | None) -> str | None:
    """The cursor of the next page. `links.next` has it too, but on the account's own host."""
    meta = page.get("meta")
    if not isinstance(meta, dict) or meta.get("has_more") is not True:
        return None
    cursor = meta.get("after_cursor")
    if not isinstance(cursor, str) or not cursor or cursor == after:
        raise PermanentError("Zendesk says that there are more comments, but not where")
    return cursor
