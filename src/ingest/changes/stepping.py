"""What comes next for whoever stands somewhere in the feed: a page of what stands, or what is told.

Reads in the caller's transaction and writes nothing.
"""

from __future__ import annotations

from dataclasses import replace

import sqlalchemy as sa

from ingest.changes.merging import as_standing, merged
from ingest.changes.places import require_kept
from ingest.changes.told import ChangeBatch
from ingest.store import outbox
from ingest.store.change_consumers import ChangeConsumer
from ingest.store.outbox import SnapshotDocument

FIRST_PAGE = ("", "")
"""Behind nothing: of a snapshot whose beginning is noted, and of which nothing was acknowledged."""
WINDOWS = 20
"""Of what a filter leaves nothing of, so much is passed over at once."""


def next_batch(conn: sa.Connection, at: ChangeConsumer, limit: int) -> ChangeBatch:
    """About so many changes behind where a consumer stands; none where there are no more.

    Raises `FellBehind` where what it needs is deleted.
    """
    return _page(conn, at, limit) if at.snapshot else _told(conn, at, limit)


def _told(conn: sa.Connection, at: ChangeConsumer, limit: int) -> ChangeBatch:
    position = at.position
    for _ in range(WINDOWS):
        through = outbox.window(conn, after=position, documents=limit)
        rows = [] if through is None else _rows(conn, at, position, through)
        require_kept(conn, at, position)
        if through is None:
            break
        after, position = position, through
        changes = merged(
            rows, after=after, through=through, stores=at.stores, source_types=at.source_types
        )
        if changes:
            return ChangeBatch(tuple(changes), position, replace(at, position=position))
    return ChangeBatch((), position, replace(at, position=position))


def _rows(
    conn: sa.Connection, at: ChangeConsumer, after: int, through: int
) -> list[outbox.OutboxRow]:
    return outbox.read(
        conn, after=after, through=through, stores=at.stores, source_types=at.source_types
    )


def _page(conn: sa.Connection, at: ChangeConsumer, limit: int) -> ChangeBatch:
    found = _standing(conn, at, limit)
    ends = len(found) < limit
    page = None if ends else (found[-1].store_id, found[-1].slug)
    return ChangeBatch(
        tuple(as_standing(one, at.position) for one in found),
        at.position,
        replace(at, snapshot=not ends, page=page),
        snapshot=True,
        begins=at.page in {None, FIRST_PAGE},
        ends=ends,
    )


def _standing(conn: sa.Connection, at: ChangeConsumer, limit: int) -> list[SnapshotDocument]:
    after = at.page or FIRST_PAGE
    if at.stores is None:
        return outbox.standing(
            conn, after=after, store_id=None, source_types=at.source_types, limit=limit
        )
    found: list[SnapshotDocument] = []
    for store_id in sorted(at.stores):
        if store_id < after[0]:
            continue
        found += outbox.standing(
            conn,
            after=(store_id, after[1] if store_id == after[0] else ""),
            store_id=store_id,
            source_types=at.source_types,
            limit=limit - len(found),
        )
        if len(found) == limit:
            break
    return found
