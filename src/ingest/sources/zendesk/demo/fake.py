"""Zendesk's API for one invented account: tickets with comments, users, articles and webhooks.

Law: each edit moves `updated_at` to the time that is passed in, as Zendesk would; what the exports
go by, and `updated_at` does not say, moves by the account's own clock. `answers` has what the API
says, `exports` its lists, `hooks` its webhooks.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from ingest.core.times import parse_time
from ingest.core.values import JSON
from ingest.sources.zendesk.demo import answers, shapes
from ingest.sources.zendesk.demo.history import History, Lazy
from ingest.sources.zendesk.demo.hooks import Hooks
from ingest.sources.zendesk.demo.shapes import Object
from ingest.testing.fake_tokens import FakeTokens
from ingest.testing.fakes import Answer, Asked

_LIMIT_PER_MINUTE = 700
_MOST_ON_A_PAGE = 100
_UNKNOWN = {"error": "Couldn't authenticate you"}


@dataclass(slots=True)
class Zendesk:
    """One account. `help_center` is whether it has one; `page_size` the most on a page.

    `tokens` are those of its OAuth client, if there is one; their clock is the account's. `role` is
    that of the token's user, of whom the exports want an admin; None: the token is nobody's, as
    Zendesk answers it.
    export_size: the most on a page of an export. exports_a_minute: their limit, ten at Zendesk;
    None: none. blind_s: how much of the past the tickets' export does not show yet; a minute at
    Zendesk, and 0 here, so that who changes something may list at once. includes: whether articles
    come with translations where somebody asks for them.
    """

    token: str = "agent@brindle.example/token:a-token-of-the-demo"  # noqa: S105 -- it opens this fake alone
    subdomain: str = "brindle"
    tokens: FakeTokens = field(default_factory=FakeTokens)
    role: str | None = "admin"
    help_center: bool = True
    page_size: int = _MOST_ON_A_PAGE
    export_size: int = 1_000
    exports_a_minute: int | None = None
    blind_s: float = 0.0
    includes: bool = True
    cursors: int = 0
    """Which cursors are live: those made since it was raised last."""
    tickets: Lazy[Object] = field(default_factory=Lazy)
    deleted: dict[int, Object] = field(default_factory=dict)
    scrubbed: dict[int, Object] = field(default_factory=dict)
    comments: Lazy[list[Object]] = field(default_factory=Lazy)
    logs: dict[int, list[Object]] = field(default_factory=dict)
    users: dict[int, Object] = field(default_factory=dict)
    articles: dict[int, Object] = field(default_factory=dict)
    translations: dict[int, dict[str, Object]] = field(default_factory=dict)
    sections: dict[int, Object] = field(default_factory=dict)
    hooks: Hooks = field(default_factory=Hooks)
    moves: History = field(init=False)
    article_moves: History = field(init=False)
    exported_at: list[float] = field(default_factory=list)
    _asked: tuple[int, int] = (0, 0)
    """The minute, and how many requests came in it: that limit is told and not held here."""

    def __post_init__(self) -> None:
        self.moves, self.article_moves = History(self.now), History(self.now)

    @property
    def site(self) -> str:
        return f"https://{self.subdomain}.zendesk.com"

    def now(self) -> datetime:
        """The account's clock."""
        return self.tokens.now()

    # What happens in the account.

    def put_user(self, id_: int, name: str, role: str = "end-user") -> None:
        """Whoever has the id is called so from now on; that moves no ticket."""
        url = f"{self.site}/api/v2/users/{id_}.json"
        self.users[id_] = {"id": id_, "url": url, "name": name, "role": role, "active": True}

    def put_ticket(
        self, id_: int, subject: str, description: str, *, by: int, at: str, **fields: JSON
    ) -> Object:
        """A new ticket; its description is its first comment."""
        made = shapes.ticket(self.site, id_, subject, description, by=by, at=at)
        self.tickets[id_] = {**made, **fields}
        self.comments[id_] = []
        self.add_comment(
            id_, description, by=by, at=at, public=fields.get("is_public") is not False
        )
        return self.tickets[id_]

    def fill_tickets(
        self,
        count: int,
        *,
        first: int,
        by: int,
        at: str,
        comments: int = 1,
        text: Callable[[int], str] = lambda id_: f"What ticket {id_} is about.",
    ) -> None:
        """So many tickets that moved `at` last, with so many comments each; `text` is what one is
        about, by its id.

        They cost nothing until somebody asks for them.
        """
        ids = range(first, first + count)

        def ticket(id_: int) -> Object:
            made = shapes.ticket(self.site, id_, f"Ticket {id_}", text(id_), by=by, at=at)
            return {**made, "status": "open"}

        def conversation(id_: int) -> list[Object]:
            said = [text(id_), *(f"Word {n}." for n in range(1, comments))]
            numbered = enumerate(said, id_ * 10_000 + 1)
            return [shapes.comment(number, body, by=by, at=at) for number, body in numbered]

        self.tickets.fill(ids, ticket)
        self.comments.fill(ids, conversation)
        self.moves.filled(ids, parse_time(at))

    def edit_ticket(self, id_: int, *, at: str, **fields: JSON) -> Object:
        self.tickets[id_] = {**self.tickets[id_], **fields, "updated_at": at}
        self.moves.moved(id_)
        return self.tickets[id_]

    def touch_ticket(self, id_: int) -> None:
        """An update of the system's own: it moves the export, and `updated_at` not."""
        self.moves.moved(id_)

    def add_comment(
        self,
        ticket: int,
        body: str,
        *,
        by: int,
        at: str,
        public: bool = True,
        html: str | None = None,
    ) -> Object:
        """`html` is the form that the author wrote; `body` what is left of it as a plain text."""
        said = self.comments[ticket]
        id_ = ticket * 10_000 + len(said) + 1
        made = shapes.comment(id_, body, by=by, at=at, public=public, html=html)
        self.comments[ticket] = [*said, made]
        self.edit_ticket(ticket, at=at)
        return made

    def say(self, ticket: int, text: str, *, by: str, at: str) -> None:
        """A message of the chat that the ticket is made of: it stands in no comment."""
        log = self.logs.setdefault(ticket, [])
        log.append(shapes.message(f"{ticket}-{len(log)}", text, by=by, at=at))

    def delete_ticket(self, id_: int, *, at: str | None = None) -> None:
        """Into the list of deleted tickets; not every deletion moves `updated_at`."""
        ticket = self.tickets.pop(id_)
        self.deleted[id_] = {**ticket, "updated_at": at or ticket["updated_at"]}
        self.moves.moved(id_)

    def restore_ticket(self, id_: int, *, at: str | None = None) -> None:
        ticket = self.deleted.pop(id_)
        self.tickets[id_] = {**ticket, "updated_at": at or ticket["updated_at"]}
        self.moves.moved(id_)

    def scrub_ticket(self, id_: int) -> None:
        """Deleted for good: the export goes on to show that it was."""
        gone = {"subject": "SCRUBBED", "raw_subject": "SCRUBBED", "description": "X"}
        self.scrubbed[id_] = {**self.deleted.pop(id_), **gone}
        self.comments.pop(id_)
        self.moves.moved(id_)

    def put_section(self, id_: int, name: str) -> None:
        self.sections[id_] = {"id": id_, "name": name, "locale": "en-us"}

    def put_article(
        self, id_: int, title: str, body: str, *, section: int, at: str, **fields: JSON
    ) -> Object:
        """`body` is HTML."""
        made = shapes.article(self.site, id_, title, body, section=section, at=at)
        self.articles[id_] = {**made, **fields}
        self.translations.setdefault(id_, {})
        self.article_moves.moved(id_)
        return self.articles[id_]

    def edit_article(self, id_: int, *, at: str, **fields: JSON) -> Object:
        self.articles[id_] |= {**fields, "updated_at": at}
        self.article_moves.moved(id_)
        return self.articles[id_]

    def put_translation(
        self, article: int, locale: str, title: str, body: str, *, at: str, **fields: JSON
    ) -> Object:
        """A text in a further language, or another one in the article's own.

        Neither moves the article's own time, nor its export: text is not its own data.
        """
        if locale == self.articles[article]["locale"]:
            self.articles[article] |= {"title": title, "body": body, "edited_at": at, **fields}
            return self.articles[article]
        known = self.translations[article]
        id_ = article * 100 + len(known) + 1
        made = shapes.translation(self.site, id_, article, locale, title=title, body=body, at=at)
        known[locale] = {**made, **fields}
        return known[locale]

    def delete_translation(self, article: int, locale: str) -> None:
        del self.translations[article][locale]

    def vote(self, id_: int, by: int) -> None:
        """Votes leave `updated_at` alone."""
        article = self.articles[id_]
        article["vote_sum"] = int(str(article["vote_sum"])) + by

    def delete_article(self, id_: int) -> None:
        """Into the archive, with its translations: no list shows it any more."""
        del self.articles[id_]
        self.translations.pop(id_, None)

    # What the API says.

    def answer(self, asked: Asked) -> Answer:
        """Fulfils `fake.Provider`."""
        minute = int(self.now().timestamp() // 60)
        self._asked = (minute, self._asked[1] + 1 if self._asked[0] == minute else 1)
        answer = self._answer(asked)
        left = max(1, _LIMIT_PER_MINUTE - self._asked[1])
        limits = {"x-rate-limit": str(_LIMIT_PER_MINUTE), "x-rate-limit-remaining": str(left)}
        return Answer(answer.status, answer.body, {**limits, **answer.headers})

    def _answer(self, asked: Asked) -> Answer:
        if (asked.method, asked.path) == ("POST", "/oauth/tokens"):
            return self.tokens.sell(asked.body)
        if not self._is_let_in(asked.headers.get("authorization", "")):
            return Answer(401, _UNKNOWN, {"www-authenticate": 'Basic realm="Web Password"'})
        hook = self.hooks.answer(asked, is_admin=self.role == "admin")
        return answers.answer(self, asked) if hook is None else hook

    def _is_let_in(self, authorization: str) -> bool:
        basic = b64encode(self.token.encode()).decode()
        wanted = f"Basic {basic}" if "/token:" in self.token else f"Bearer {self.token}"
        return authorization == wanted or self.tokens.lets_in(authorization)


def make() -> Zendesk:
    """An account without anything in it."""
    return Zendesk()
