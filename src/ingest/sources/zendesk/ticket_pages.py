"""The pages of the tickets' export, with the conversation of each ticket that has moved.

The export tells a thousand tickets a request and no comments, and has a limit of its own, of ten
requests a minute for the whole account. So each of its pages is asked for once; the tickets of it
that have to be read stand in the cursor, and are told some twenty requests at a time. Law: the
export's order is `generated_timestamp`, which every change moves; `updated_at` is no cursor.
Source: developer.zendesk.com/api-reference/ticketing/ticket-management/incremental_exports.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ingest.core.changes import Refresh
from ingest.core.errors import BadPayload, Denied, PermanentError
from ingest.core.identity import Identity
from ingest.core.values import JSON
from ingest.sources.answers import Absent
from ingest.sources.listing import MOST_CALLS, Listed, Page, PageRequest
from ingest.sources.zendesk.api import FORBIDDEN, Answered, answered, rows_of
from ingest.sources.zendesk.documents import GONE
from ingest.sources.zendesk.payloads import whole_id
from ingest.sources.zendesk.place import TICKET, Place
from ingest.sources.zendesk.positions import MOST_RESTARTS, ExportEnd, ExportPosition
from ingest.sources.zendesk.reading import Reader
from ingest.sources.zendesk.relations import hides_target

PER_PAGE = 500
_PATH = "incremental/tickets/cursor.json"
_MOST_BYTES = 64 * 2**20
_FIRST = 1
_MARGIN_S = 600
"""So much of what was shown is not relied on, and asked for again where a cursor is refused."""
_BLIND_S = 90
"""`start_time` has to lie more than a minute back."""
RETOLD_DAYS = 7
"""A ticket that has not moved is told again by a full run once in so many days: what is in its
document and moves no ticket (who wrote a comment has another name) comes right by that.
"""
_MOST_MANY = 100
_CALLS_OF_A_TICKET = 2
_SCRUBBED = "SCRUBBED"


@dataclass(slots=True)
class _Told:
    """What is told of tickets, while `calls` are left; then `left` are their ids."""

    calls: int
    listed: list[Listed] = field(default_factory=list)
    wanted: list[Refresh] = field(default_factory=list)
    left: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class TicketPages:
    """Lists the tickets of one account."""

    reader: Reader
    place: Place

    def page(self, request: PageRequest) -> Page:
        """One page of the export, or of what an earlier one left to be told."""
        position = ExportPosition.read(request.cursor)
        if position is not None and position.todo:
            return self._rest(position, request.most_calls)
        first = position is None
        return self._export(position or _begin(request), request.most_calls, first=first)

    def _rest(self, position: ExportPosition, most_calls: int) -> Page:
        """Some of the tickets of the export's last page, as they are now: one at least."""
        told = _Told(max(most_calls - 1, _CALLS_OF_A_TICKET))
        some = position.todo[: min(told.calls, _MOST_MANY)]
        self._tell(some, self._many(some), told)
        todo = [*told.left, *position.todo[len(some) :]]
        return _closed(replace(position, todo=todo), told)

    def _export(self, position: ExportPosition, most_calls: int, *, first: bool) -> Page:
        position, answer = self._asked(position)
        rows = rows_of(answer, "tickets")
        if first and not rows:
            self.reader.prove_account()
        present: list[Identity] = []
        moved: dict[int, JSON] = {}
        told = _Told(most_calls - 1)
        for place_in_page, row in enumerate(rows):
            id_ = whole_id(row.get("id"))
            if id_ is None:
                raise BadPayload(f"tickets[{place_in_page}].id", "not an id")
            identity, is_gone = self.place.identity(TICKET, id_), _status(row) in GONE
            if _is_known(row, id_, position):
                present += [] if is_gone else [identity]
            elif is_gone:
                told.listed.append(Listed(identity, {"ticket": _plain(row)}))
            elif row.get("subject") == _SCRUBBED:
                told.wanted.append(Refresh(identity))
            else:
                moved[id_] = _plain(row)
        self._tell(list(moved), moved, told)
        page = _closed(replace(_moved(position, answer, rows), todo=told.left), told)
        return replace(page, present=tuple(present))

    def _asked(self, position: ExportPosition) -> tuple[ExportPosition, Answered]:
        """The export's page; where its cursor is refused, from the time that it had come to."""
        try:
            answer = self._ask(position)
            return (position if position.after is None else replace(position, restarts=0)), answer
        except BadPayload:
            raise
        except PermanentError:
            if position.after is None or position.restarts >= MOST_RESTARTS:
                raise
        start = _at_least((position.shown or position.start) - _MARGIN_S)
        again = replace(position, after=None, start=start, restarts=position.restarts + 1)
        return again, self._ask(again)

    def _ask(self, position: ExportPosition) -> Answered:
        from_: dict[str, str | int | list[str]] = (
            {"start_time": position.start} if position.after is None else {"cursor": position.after}
        )
        params = {"per_page": PER_PAGE, "support_type_scope": "all", **from_}
        try:
            return answered(self.reader.api.get(_PATH, params=params, max_bytes=_MOST_BYTES))
        except Absent as absent:
            self.reader.prove_account()
            raise Denied(
                f"{absent}: Zendesk's export of tickets is for admins; give the token of an admin, "
                "or of an OAuth client that an admin made, and may read tickets"
            ) from absent

    def _many(self, ids: Sequence[int]) -> dict[int, JSON]:
        """Those of the tickets that are told together; the others are asked for by themselves."""
        params = {"ids": ",".join(map(str, ids)), "support_type_scope": "all"}
        try:
            rows = rows_of(self.reader.get("tickets/show_many.json", params), "tickets")
        except Absent:
            return {}
        found = ((whole_id(row.get("id")), _plain(row)) for row in rows)
        return {id_: row for id_, row in found if id_ is not None}

    def _tell(self, ids: Sequence[int], rows: Mapping[int, JSON], told: _Told) -> None:
        """The tickets, each with its conversation, as far as the calls reach."""
        for place_in_ids, id_ in enumerate(ids):
            row = rows.get(id_)
            needs = 0 if _status(row) in GONE else 1 + (row is None)
            if told.calls < needs:
                told.left += ids[place_in_ids:]
                return
            raw = self._raw(id_, row, told)
            if raw is None or hides_target(raw):
                told.wanted.append(self._refresh(id_))
            else:
                told.listed.append(Listed(self.place.identity(TICKET, id_), raw))

    def _raw(self, id_: int, row: JSON, told: _Told) -> JSON:
        """What a look-up shows of the ticket; None where one has to find out."""
        try:
            if row is None:
                told.calls -= 1
                row = self.reader.get(f"tickets/{id_}.json").get("ticket")
            if _status(row) in GONE:
                return {"ticket": row}
            told.calls -= 1
            talk = self.reader.conversation(str(id_), row, MOST_CALLS)
        except Absent as absent:
            return {"ticket": row} if row is not None and absent.status == FORBIDDEN else None
        except BadPayload:
            raise
        except PermanentError:  # of this one ticket, the others are listed all the same
            return None
        told.calls -= talk.calls - 1
        return talk.of(row)

    def _refresh(self, id_: int) -> Refresh:
        return Refresh(self.place.identity(TICKET, id_))


def _begin(request: PageRequest) -> ExportPosition:
    """Where a listing begins: at the first ticket, at the cursor of the last one, or at a time."""
    kept, began = ExportEnd.read(request.kept), int(request.sent_at.timestamp())
    if request.since is None:
        known, day = kept.until if kept else None, request.sent_at.toordinal()
        return ExportPosition(_FIRST, began, known=known, whole=True, day=day)
    since = int(request.since.timestamp())
    if kept is None:
        return ExportPosition(_at_least(min(since, began - _BLIND_S)), began)
    start = _at_least(min(since, kept.until or since, began - _BLIND_S))
    return ExportPosition(start, began, after=kept.after, whole=kept.until is not None)


def _at_least(start: int) -> int:
    return max(_FIRST, start)


def _is_known(row: Answered, id_: int, position: ExportPosition) -> bool:
    """Whether an earlier listing has shown the ticket as it is now, and its turn is another day."""
    at = row.get("generated_timestamp")
    if position.known is None or not isinstance(at, int):
        return False
    has_turn = id_ % RETOLD_DAYS == position.day % RETOLD_DAYS
    return at < position.known - _MARGIN_S and not has_turn


def _moved(position: ExportPosition, answer: Answered, rows: Sequence[Answered]) -> ExportPosition:
    """Behind this page of the export."""
    ended, after = answer.get("end_of_stream"), answer.get("after_cursor")
    if not isinstance(ended, bool):
        raise BadPayload("end_of_stream", "neither true nor false")
    after = after if isinstance(after, str) and after else None
    if not ended and (after is None or after == position.after):
        raise BadPayload("after_cursor", "leads nowhere, and there is more")
    told = [at for row in rows if isinstance(at := row.get("generated_timestamp"), int)]
    shown = max([*told, *([position.shown] if position.shown is not None else [])], default=None)
    return replace(position, after=after or position.after, ended=ended, shown=shown)


def _closed(position: ExportPosition, told: _Told) -> Page:
    listed, wanted = tuple(told.listed), tuple(told.wanted)
    if position.todo or not position.ended:
        return Page(listed, wanted=wanted, cursor=position.json)
    if position.after is None:
        return Page(listed, wanted=wanted)
    until = position.began if position.whole else None
    return Page(listed, wanted=wanted, kept=ExportEnd(position.after, until).json)


def _status(row: JSON) -> str:
    told = row.get("status") if isinstance(row, dict) else None
    return told.lower() if isinstance(told, str) else ""


def _plain(row: Answered) -> JSON:
    """The ticket as the API shows it alone."""
    return {name: told for name, told in row.items() if name != "generated_timestamp"}
