"""Zendesk's API for one invented account: tickets with comments, users, articles and sections.

Law: each edit moves `updated_at` to the time that is passed in, as Zendesk would; answers, errors
and headers have the shapes of Zendesk's own.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ingest.core.values import JSON
from ingest.testing.fake_tokens import FakeTokens
from ingest.testing.fakes import Answer, Asked

Object = dict[str, JSON]

_LIMIT_PER_MINUTE = 700
_MOST_ON_A_PAGE = 100
_ME = 361000000900
_MISSING = {"error": "RecordNotFound", "description": "Not found"}
_UNKNOWN = {"error": "Couldn't authenticate you"}


@dataclass(slots=True)
class Zendesk:
    """One account. `help_center` is whether it has one; `page_size` the most on a page.

    `tokens` are those of its OAuth client, if there is one. `role` is that of the token's user;
    None: the token is nobody's, as Zendesk answers it.
    """

    token: str = "agent@brindle.example/token:a-token-of-the-demo"  # noqa: S105 -- it opens this fake alone
    subdomain: str = "brindle"
    tokens: FakeTokens = field(default_factory=FakeTokens)
    role: str | None = "agent"
    help_center: bool = True
    page_size: int = _MOST_ON_A_PAGE
    tickets: dict[int, Object] = field(default_factory=dict)
    deleted: dict[int, Object] = field(default_factory=dict)
    comments: dict[int, list[Object]] = field(default_factory=dict)
    users: dict[int, Object] = field(default_factory=dict)
    articles: dict[int, Object] = field(default_factory=dict)
    sections: dict[int, Object] = field(default_factory=dict)
    _asked: int = 0

    @property
    def site(self) -> str:
        return f"https://{self.subdomain}.zendesk.com"

    # What happens in the account.

    def put_user(self, id_: int, name: str, role: str = "end-user") -> None:
        url = f"{self.site}/api/v2/users/{id_}.json"
        self.users[id_] = {"id": id_, "url": url, "name": name, "role": role, "active": True}

    def put_ticket(
        self, id_: int, subject: str, description: str, *, by: int, at: str, **fields: JSON
    ) -> Object:
        """A new ticket; its description is its first comment."""
        self.tickets[id_] = {
            **_TICKET,
            "url": f"{self.site}/api/v2/tickets/{id_}.json",
            "id": id_,
            "created_at": at,
            "updated_at": at,
            "subject": subject,
            "raw_subject": subject,
            "description": description,
            "requester_id": by,
            "submitter_id": by,
            **fields,
        }
        self.comments[id_] = []
        self.add_comment(
            id_, description, by=by, at=at, public=fields.get("is_public") is not False
        )
        return self.tickets[id_]

    def edit_ticket(self, id_: int, *, at: str, **fields: JSON) -> Object:
        self.tickets[id_] |= {**fields, "updated_at": at}
        return self.tickets[id_]

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
        id_ = ticket * 10_000 + len(self.comments[ticket]) + 1
        made: Object = {
            "id": id_,
            "type": "Comment",
            "author_id": by,
            "body": body,
            "html_body": html or f'<div class="zd-comment" dir="auto"><p>{body}</p></div>',
            "plain_body": body,
            "public": public,
            "attachments": [],
            "audit_id": id_ + 1,
            "via": {"channel": "web", "source": {"from": {}, "to": {}, "rel": None}},
            "created_at": at,
            "metadata": {"system": {}, "custom": {}},
        }
        self.comments[ticket].append(made)
        self.tickets[ticket]["updated_at"] = at
        return made

    def delete_ticket(self, id_: int, *, at: str | None = None) -> None:
        """Into the list of deleted tickets; not every deletion moves `updated_at`."""
        ticket = self.tickets.pop(id_)
        self.deleted[id_] = {**ticket, "updated_at": at or ticket["updated_at"]}

    def restore_ticket(self, id_: int, *, at: str | None = None) -> None:
        ticket = self.deleted.pop(id_)
        self.tickets[id_] = {**ticket, "updated_at": at or ticket["updated_at"]}

    def scrub_ticket(self, id_: int) -> None:
        """Deleted for good."""
        self.deleted.pop(id_)
        self.comments.pop(id_)

    def put_section(self, id_: int, name: str) -> None:
        self.sections[id_] = {"id": id_, "name": name, "locale": "en-us"}

    def put_article(
        self, id_: int, title: str, body: str, *, section: int, at: str, **fields: JSON
    ) -> Object:
        """`body` is HTML."""
        slug = re.sub(r"[^A-Za-z0-9]+", "-", title).strip("-")
        self.articles[id_] = {
            **_ARTICLE,
            "id": id_,
            "url": f"{self.site}/api/v2/help_center/en-us/articles/{id_}.json",
            "html_url": f"{self.site}/hc/en-us/articles/{id_}-{slug}",
            "section_id": section,
            "created_at": at,
            "updated_at": at,
            "edited_at": at,
            "name": title,
            "title": title,
            "body": body,
            **fields,
        }
        return self.articles[id_]

    def edit_article(self, id_: int, *, at: str, **fields: JSON) -> Object:
        self.articles[id_] |= {**fields, "updated_at": at}
        return self.articles[id_]

    def vote(self, id_: int, by: int) -> None:
        """Votes leave `updated_at` alone."""
        article = self.articles[id_]
        article["vote_sum"] = int(str(article["vote_sum"])) + by

    def delete_article(self, id_: int) -> None:
        del self.articles[id_]

    # What the API says.

    def answer(self, asked: Asked) -> Answer:
        """Fulfils `fake.Provider`."""
        self._asked += 1
        answer = self._answer(asked)
        left = max(0, _LIMIT_PER_MINUTE - self._asked)
        limits = {"x-rate-limit": str(_LIMIT_PER_MINUTE), "x-rate-limit-remaining": str(left)}
        return Answer(answer.status, answer.body, {**limits, **answer.headers})

    def _answer(self, asked: Asked) -> Answer:
        if (asked.method, asked.path) == ("POST", "/oauth/tokens"):
            return self.tokens.sell(asked.body)
        if not self._is_let_in(asked.headers.get("authorization", "")):
            return Answer(401, _UNKNOWN, {"www-authenticate": 'Basic realm="Web Password"'})
        for path, answers in _ROUTES.items():
            found = path.fullmatch(asked.path)
            if found is not None:
                return answers(self, asked, *(int(part) for part in found.groups()))
        return Answer(404, {"error": "InvalidEndpoint", "description": "Not found"})

    def _is_let_in(self, authorization: str) -> bool:
        basic = b64encode(self.token.encode()).decode()
        wanted = f"Basic {basic}" if "/token:" in self.token else f"Bearer {self.token}"
        return authorization == wanted or self.tokens.lets_in(authorization)

    def _me(self, _asked: Asked) -> Answer:
        known = self.role is not None
        me = {"id": _ME if known else None, "name": "Agent", "role": self.role or "end-user"}
        return Answer(body={"user": me})

    def _ticket(self, asked: Asked, id_: int) -> Answer:
        ticket = self.tickets.get(id_)
        if ticket is None:
            return Answer(404, _MISSING)
        count = {"comment_count": len(self.comments[id_])}
        counted = "comment_count" in asked.one("include")
        told: Object = {"ticket": {**ticket, **(count if counted else {})}}
        if "users" in asked.one("include"):
            told["users"] = self._named([ticket["requester_id"], ticket["submitter_id"]])
        return Answer(body=told)

    def _comments_of(self, asked: Asked, id_: int) -> Answer:
        if id_ not in self.tickets:
            return Answer(404, _MISSING)
        return self._page(asked, "comments", self.comments[id_])

    def _deleted(self, asked: Asked) -> Answer:
        gone: list[Object] = [
            {"id": id_, "subject": of["subject"], "deleted_at": of["updated_at"]}
            for id_, of in sorted(self.deleted.items())
        ]
        return self._page(asked, "deleted_tickets", gone)

    def _article(self, _asked: Asked, id_: int) -> Answer:
        article = self.articles.get(id_) if self.help_center else None
        return Answer(404, _MISSING) if article is None else Answer(body={"article": article})

    def _articles(self, asked: Asked) -> Answer:
        if not self.help_center:
            return Answer(404, {"error": "InvalidEndpoint", "description": "Not found"})
        return self._page(asked, "articles", [of for _, of in sorted(self.articles.items())])

    def _sections(self, asked: Asked) -> Answer:
        return self._page(asked, "sections", [of for _, of in sorted(self.sections.items())])

    def _page(self, asked: Asked, name: str, rows: Sequence[Object]) -> Answer:
        """Cursor pagination: `meta`, and `links` on the account's own host."""
        size = min(int(asked.one("page[size]", "100")), self.page_size, _MOST_ON_A_PAGE)
        cursor = asked.one("page[after]", "0")
        if not cursor.isdigit():
            return Answer(400, {"error": "InvalidPaginationParameter"})
        begin = int(cursor)
        page = rows[begin : begin + size]
        more = begin + size < len(rows)
        after = str(begin + size) if more else None
        follow = f"{self.site}{asked.path}?page%5Bafter%5D={after}" if more else None
        told: dict[str, Any] = {
            name: list(page),
            "meta": {"has_more": more, "after_cursor": after, "before_cursor": cursor},
            "links": {"prev": None, "next": follow},
        }
        if "users" in asked.one("include"):
            told["users"] = self._named([row.get("author_id") for row in page])
        return Answer(body=told)

    def _named(self, ids: Sequence[JSON]) -> list[JSON]:
        known = {id_ for id_ in ids if isinstance(id_, int)} & self.users.keys()
        return [self.users[id_] for id_ in sorted(known)]


_ROUTES: Mapping[re.Pattern[str], Callable[..., Answer]] = {
    re.compile(rf"/api/v2/{path}(?:\.json)?"): answers
    for path, answers in (
        (r"users/me", Zendesk._me),
        (r"tickets/(\d+)", Zendesk._ticket),
        (r"tickets/(\d+)/comments", Zendesk._comments_of),
        (r"deleted_tickets", Zendesk._deleted),
        (r"help_center/(?:[a-z-]{2,8}/)?articles/(\d+)", Zendesk._article),
        (r"help_center/(?:[a-z-]{2,8}/)?articles", Zendesk._articles),
        (r"help_center/(?:[a-z-]{2,8}/)?sections", Zendesk._sections),
    )
}

_TICKET: Mapping[str, JSON] = {
    "external_id": None,
    "via": {"channel": "web", "source": {"from": {}, "to": {}, "rel": None}},
    "type": None,
    "priority": None,
    "status": "new",
    "recipient": None,
    "assignee_id": None,
    "organization_id": None,
    "group_id": None,
    "collaborator_ids": [],
    "problem_id": None,
    "has_incidents": False,
    "is_public": True,
    "due_at": None,
    "tags": [],
    "custom_fields": [],
    "satisfaction_rating": None,
    "followup_ids": [],
    "brand_id": 360000000010,
    "allow_channelback": False,
}
_ARTICLE: Mapping[str, JSON] = {
    "author_id": _ME,
    "comments_disabled": True,
    "draft": False,
    "promoted": False,
    "position": 0,
    "vote_sum": 0,
    "vote_count": 0,
    "source_locale": "en-us",
    "locale": "en-us",
    "outdated": False,
    "label_names": [],
    "user_segment_id": None,
    "permission_group_id": 1,
}


def make() -> Zendesk:
    """An account without anything in it."""
    return Zendesk()
