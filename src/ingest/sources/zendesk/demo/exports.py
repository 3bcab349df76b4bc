"""The exports of the fake: its tickets by a cursor, its articles by a time; with Zendesk's limits.

Source: developer.zendesk.com/api-reference/ticketing/ticket-management/incremental_exports.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingest.sources.zendesk.demo.history import cursor_of, parts_of
from ingest.sources.zendesk.demo.shapes import Object, own_translation
from ingest.testing.fakes import Answer, Asked

if TYPE_CHECKING:
    from ingest.sources.zendesk.demo.fake import Zendesk

_MOST = 1_000
_MINUTE_S = 60.0
_FORBIDDEN = {"error": "Forbidden", "description": "You do not have access to this page"}
_TOO_RECENT = {"error": "StartTimeTooRecent", "description": "Too recent start_time"}
_NO_CURSOR = {"error": "InvalidCursor", "description": "The cursor is invalid"}
_NO_START = {"error": "InvalidValue", "description": "start_time or cursor is missing"}


def tickets(account: Zendesk, asked: Asked) -> Answer:
    """Tickets in the order of their last move, the deleted and the scrubbed ones among them."""
    refused = _refused(account, needed=frozenset({"admin"}))
    if refused is not None:
        return refused
    begin = _begin(account, asked)
    if isinstance(begin, Answer):
        return begin
    end = account.moves.end_at(account.now().timestamp() - account.blind_s)
    size = min(int(asked.one("per_page", "1000")), account.export_size, _MOST)
    rows: list[Object] = []
    last = begin - 1
    more = False
    for place, id_ in account.moves.from_(begin, end):
        row = _ticket(account, id_)
        more = len(rows) >= size
        if more:
            break
        last = place
        rows.append({**row, "generated_timestamp": account.moves.time_of(place)})
    after = cursor_of(account.cursors, last + 1) if last >= 0 else asked.one("cursor") or None
    path = f"{account.site}/api/v2/incremental/tickets/cursor.json"
    body = {
        "tickets": rows,
        "after_url": f"{path}?cursor={after}" if after else None,
        "after_cursor": after,
        "before_url": None,
        "before_cursor": None,
        "end_of_stream": not more,
    }
    return Answer(body=body)


def _begin(account: Zendesk, asked: Asked) -> int | Answer:
    """The place from which an export is asked."""
    cursor, start = asked.one("cursor"), asked.one("start_time")
    if bool(cursor) == bool(start):
        return Answer(400, _NO_START)
    if cursor:
        parts = parts_of(cursor, 2)
        known = parts is not None and parts[0] == str(account.cursors)
        return int(parts[1]) if parts and known else Answer(400, _NO_CURSOR)
    too_recent = _too_recent(account, start)
    return account.moves.first_at(int(start)) if too_recent is None else too_recent


def _ticket(account: Zendesk, id_: int) -> Object:
    if id_ in account.tickets:
        return account.tickets[id_]
    gone = account.deleted.get(id_) or account.scrubbed[id_]
    return {**gone, "status": "deleted"}


def articles(account: Zendesk, asked: Asked) -> Answer:
    """Articles whose own data moved, by time alone: the last second of a page comes again."""
    if not account.help_center:
        return Answer(404, {"error": "InvalidEndpoint", "description": "Not found"})
    refused = _refused(account, needed=frozenset({"admin", "agent"}))
    if refused is not None:
        return refused
    start = asked.one("start_time")
    too_recent = _too_recent(account, start)
    if too_recent is not None:
        return too_recent
    moves = account.article_moves
    end = moves.end_at(account.now().timestamp())
    size = min(account.export_size, _MOST)
    rows: list[Object] = []
    end_time, more = int(start), False
    for place, id_ in moves.from_(moves.first_at(int(start)), end):
        at = moves.time_of(place)
        more = len(rows) >= size and at > end_time
        if more:
            break
        if id_ in account.articles:
            rows.append(shown_article(account, asked, id_))
            end_time = at
    path = f"{account.site}/api/v2/help_center/incremental/articles.json"
    follow = f"{path}?start_time={end_time}" if rows else None
    body = {"articles": rows, "next_page": follow, "end_time": end_time, "count": len(rows)}
    return Answer(body=body)


def shown_article(account: Zendesk, asked: Asked, id_: int) -> Object:
    """An article, with its translations where they are asked for."""
    article = account.articles[id_]
    if not account.includes or "translations" not in asked.one("include"):
        return article
    return {**article, "translations": [*texts(account, id_)]}


def texts(account: Zendesk, id_: int) -> list[Object]:
    """The texts of an article in every locale, its own first."""
    return [own_translation(account.articles[id_]), *account.translations.get(id_, {}).values()]


def _refused(account: Zendesk, needed: frozenset[str]) -> Answer | None:
    if account.role not in needed:
        return Answer(403, _FORBIDDEN)
    if account.exports_a_minute is None:
        return None
    now = account.now().timestamp()
    recent = [at for at in account.exported_at if at > now - _MINUTE_S]
    if len(recent) >= account.exports_a_minute:
        wait_s = int(recent[0] + _MINUTE_S - now) + 1
        told = f"total={account.exports_a_minute}; remaining=0; resets={wait_s}"
        headers = {"retry-after": str(wait_s), "zendesk-ratelimit-incremental-exports": told}
        return Answer(429, {"error": "APIRateLimitExceeded"}, headers)
    account.exported_at[:] = [*recent, now]
    return None


def _too_recent(account: Zendesk, start: str) -> Answer | None:
    if not start.isdigit():
        return Answer(400, _NO_START)
    return Answer(400, _TOO_RECENT) if int(start) > account.now().timestamp() - _MINUTE_S else None
