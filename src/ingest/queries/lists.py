"""Documents in the lists that people are shown: of any store, a page at a time, with their kind.

Law: nothing is written. What serves one tenant's program is `Documents`, which sees one store.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from ingest.core.errors import BadInput, NotFound
from ingest.queries.documents import Documents, Related, ResultPage
from ingest.queries.position import parts_of, position, time_of
from ingest.queries.states import state_field
from ingest.store import reading
from ingest.store.querying import Direction, Moment

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a list of documents is of; what is None is not asked.

    state: a word of the source's, which is given then too. since, until: aware times of `moment`;
    the second is not included.
    """

    store_id: str | None = None
    source_type: str | None = None
    kind: str | None = None
    state: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    moment: Moment = "created_at"


def listed(
    conn: sa.Connection, asked: Wanted, *, limit: int, after: str | None = None
) -> ResultPage[Row]:
    """Documents by store, source and that time; the columns of `reading.listing`, and `title`.

    Raises `BadInput` for a state without a source, and for a position that is none.
    """
    given: dict[str, object] = {
        name: getattr(asked, name) for name in ("store_id", "source_type", "kind", "since", "until")
    }
    if asked.state is not None:
        if asked.source_type is None:
            raise BadInput("a state is a word of its source's own: say which source, too")
        given[state_field(asked.source_type)] = asked.state
    what = f"listed by {asked.moment}"
    if after is not None:
        store, source, time, id_ = parts_of(after, what, 4)
        given |= {"after_store": store, "after_source": source}
        given |= {"after": time_of(time), "after_id": id_}
    rows = reading.listing(conn, given, limit=limit + 1, moment=asked.moment)
    page = _page(rows, limit, what, asked.moment, ("store_id", "source_type"))
    return ResultPage(titled(conn, page.rows), page.after)


def children(
    conn: sa.Connection, document_id: str, *, limit: int, after: str | None = None
) -> ResultPage[Row]:
    """The documents right below one, as they came to be; as `listed` has them."""
    what = "children of one"
    behind: dict[str, Any] = {}
    if after is not None:
        time, id_ = parts_of(after, what, 2)
        behind = {"after": time_of(time), "after_id": id_}
    rows = reading.children(conn, document_id, limit=limit + 1, **behind)
    page = _page(rows, limit, what, "created_at", ())
    return ResultPage(titled(conn, page.rows), page.after)


def titled(conn: sa.Connection, rows: Sequence[Row]) -> tuple[Row, ...]:
    """Rows of documents with their `title`; None of what has no text."""
    titles = reading.titles(conn, [row["id"] for row in rows])
    return tuple({**row, "title": titles.get(row["id"])} for row in rows)


def related(
    conn: sa.Connection,
    document_id: str,
    direction: Direction,
    *,
    limit: int,
    after: str | None = None,
) -> ResultPage[Row]:
    """What a document points at, or is pointed at by, and the words that say so.

    `id`, `source_type`, `source_id`: of the document at the other end; None where that is not
    there. Raises `NotFound` where there is no such document.
    """
    store = reading.store_of(conn, document_id)
    if store is None:
        raise NotFound(f"there is no document {document_id}; `ingest docs find KEY` looks by key")
    found = Documents(conn, store).related(document_id, direction, after=after, limit=limit)
    return ResultPage(tuple(_shown(one) for one in found.rows), found.after)


def _shown(one: Related) -> Row:
    other = one.document
    return {
        "kind": one.kind,
        "target_source": one.target_source,
        "target_key": one.target_key,
        "origin": one.origin,
        "evidence": one.evidence,
        "id": other.id if other else None,
        "source_type": other.source_type if other else None,
        "source_id": other.source_id if other else None,
    }


def _page(
    rows: Sequence[Row], limit: int, what: str, moment: Moment, place: Sequence[str]
) -> ResultPage[Row]:
    kept = tuple(rows[:limit])
    if len(rows) <= limit:
        return ResultPage(kept)
    last = kept[-1]
    told = [*(last[name] for name in place), f"{last[moment].isoformat()}Z", last["id"]]
    return ResultPage(kept, position(what, told))
