"""What the fake's API says of single objects and of plain lists; `exports` has the exports."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ingest.core.values import JSON
from ingest.sources.zendesk.demo import exports
from ingest.sources.zendesk.demo.history import cursor_of, parts_of
from ingest.sources.zendesk.demo.shapes import ME, Object
from ingest.testing.fakes import Answer, Asked

if TYPE_CHECKING:
    from ingest.sources.zendesk.demo.fake import Zendesk

_MOST_ON_A_PAGE = 100
MISSING = {"error": "RecordNotFound", "description": "Not found"}
_NO_ENDPOINT = {"error": "InvalidEndpoint", "description": "Not found"}
_NO_CURSOR = Answer(400, {"error": "InvalidPaginationParameter"})
_TOO_MANY = {
    "error": "TooManyValues",
    "description": "Parameter ids cannot specify more than 100 values",
    "max_count": 100,
}


def answer(account: Zendesk, asked: Asked) -> Answer:
    """The answer of the path that is asked for."""
    for path, answers in _ROUTES.items():
        found = path.fullmatch(asked.path)
        if found is not None:
            return answers(account, asked, *(int(part) for part in found.groups()))
    return Answer(404, _NO_ENDPOINT)


def _me(account: Zendesk, _asked: Asked) -> Answer:
    known = account.role is not None
    me = {"id": ME if known else None, "name": "Agent", "role": account.role or "end-user"}
    return Answer(body={"user": me})


def _ticket(account: Zendesk, asked: Asked, id_: int) -> Answer:
    ticket = account.tickets.get(id_)
    if ticket is None:
        return Answer(404, MISSING)
    count = {"comment_count": len(account.comments[id_])}
    counted = "comment_count" in asked.one("include")
    told: Object = {"ticket": {**ticket, **(count if counted else {})}}
    if "users" in asked.one("include"):
        told["users"] = _named(account, [ticket["requester_id"], ticket["submitter_id"]])
    return Answer(body=told)


def _many(account: Zendesk, asked: Asked) -> Answer:
    ids = [int(one) for one in asked.one("ids").split(",") if one.isdigit()]
    if len(ids) > _MOST_ON_A_PAGE:
        return Answer(400, _TOO_MANY)
    found = [account.tickets[id_] for id_ in ids if id_ in account.tickets]
    body = {"tickets": found, "next_page": None, "previous_page": None, "count": len(found)}
    return Answer(body=body)


def _comments(account: Zendesk, asked: Asked, id_: int) -> Answer:
    if id_ not in account.tickets:
        return Answer(404, MISSING)
    return _page(account, asked, "comments", account.comments[id_])


def _log(account: Zendesk, asked: Asked, id_: int) -> Answer:
    if id_ not in account.tickets:
        return Answer(404, MISSING)
    return _page(account, asked, "events", account.logs.get(id_, []))


def _deleted(account: Zendesk, asked: Asked) -> Answer:
    gone: list[Object] = [
        {"id": id_, "subject": of["subject"], "deleted_at": of["updated_at"]}
        for id_, of in sorted(account.deleted.items())
    ]
    return _page(account, asked, "deleted_tickets", gone)


def _article(account: Zendesk, asked: Asked, id_: int) -> Answer:
    if not account.help_center or id_ not in account.articles:
        return Answer(404, MISSING)
    named = _LOCALE.search(asked.path)
    further = account.translations.get(id_, {})
    if named is None or named[1] == account.articles[id_]["locale"]:
        return Answer(body={"article": exports.shown_article(account, asked, id_)})
    if named[1] not in further:
        return Answer(404, MISSING)
    return Answer(body={"article": {**account.articles[id_], **further[named[1]], "id": id_}})


def _translations(account: Zendesk, asked: Asked, id_: int) -> Answer:
    if not account.help_center or id_ not in account.articles:
        return Answer(404, MISSING)
    return _page(account, asked, "translations", exports.texts(account, id_))


def _articles(account: Zendesk, asked: Asked) -> Answer:
    """By their creation, where it is asked for, and else by their ids; a cursor names the last one.

    So what is archived meanwhile moves nothing.
    """
    if not account.help_center:
        return Answer(404, _NO_ENDPOINT)
    by_age = asked.one("sort_by") == "created_at"
    keys = sorted(
        (str(of["created_at"]) if by_age else "", id_) for id_, of in account.articles.items()
    )
    begin = 0
    if after := asked.one("page[after]"):
        parts = parts_of(after, 3)
        if parts is None or parts[0] != str(account.cursors):
            return _NO_CURSOR
        begin = bisect_right(keys, (parts[1], int(parts[2])))
    page = keys[begin : begin + _size(account, asked)]
    more = begin + len(page) < len(keys)
    cursor = cursor_of(account.cursors, *page[-1]) if more and page else None
    shown = [exports.shown_article(account, asked, id_) for _, id_ in page]
    return Answer(body=_listed(asked, account, "articles", shown, cursor))


def _sections(account: Zendesk, asked: Asked) -> Answer:
    return _page(account, asked, "sections", [of for _, of in sorted(account.sections.items())])


def _page(account: Zendesk, asked: Asked, name: str, rows: Sequence[Object]) -> Answer:
    """Cursor pagination over rows that keep their places."""
    cursor = asked.one("page[after]", "0")
    if not cursor.isdigit():
        return _NO_CURSOR
    begin, size = int(cursor), _size(account, asked)
    more = begin + size < len(rows)
    after = str(begin + size) if more else None
    told = _listed(asked, account, name, rows[begin : begin + size], after)
    return Answer(body=told)


def _size(account: Zendesk, asked: Asked) -> int:
    return min(int(asked.one("page[size]", "100")), account.page_size, _MOST_ON_A_PAGE)


def _listed(
    asked: Asked, account: Zendesk, name: str, page: Sequence[Object], after: str | None
) -> dict[str, Any]:
    """`meta`, and `links` on the account's own host."""
    follow = f"{account.site}{asked.path}?page%5Bafter%5D={after}" if after else None
    told: dict[str, Any] = {
        name: list(page),
        "meta": {"has_more": after is not None, "after_cursor": after},
        "links": {"prev": None, "next": follow},
    }
    if "users" in asked.one("include"):
        told["users"] = _named(account, [row.get("author_id") for row in page])
    return told


def _named(account: Zendesk, ids: Sequence[JSON]) -> list[JSON]:
    known = {id_ for id_ in ids if isinstance(id_, int)} & account.users.keys()
    return [account.users[id_] for id_ in sorted(known)]


_LOCALE = re.compile(r"/help_center/([a-z-]{2,8})/articles/\d")
_CENTER = r"help_center/(?:[a-z-]{2,8}/)?"
_ROUTES: Mapping[re.Pattern[str], Callable[..., Answer]] = {
    re.compile(rf"/api/v2/{path}(?:\.json)?"): answers
    for path, answers in (
        (r"users/me", _me),
        (r"tickets/(\d+)", _ticket),
        (r"tickets/show_many", _many),
        (r"tickets/(\d+)/comments", _comments),
        (r"tickets/(\d+)/conversation_log", _log),
        (r"deleted_tickets", _deleted),
        (r"incremental/tickets/cursor", exports.tickets),
        (rf"{_CENTER}incremental/articles", exports.articles),
        (rf"{_CENTER}articles/(\d+)", _article),
        (rf"{_CENTER}articles/(\d+)/translations", _translations),
        (rf"{_CENTER}articles", _articles),
        (rf"{_CENTER}sections", _sections),
    )
}
