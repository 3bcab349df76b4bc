"""Counts for sync runs what the look-ups came to that they asked for, and records the events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from ingest.core.identity import object_id
from ingest.flows.documents.changed import ChangedDocument, changed
from ingest.flows.documents.plan import Entry
from ingest.flows.documents.record import resync_events
from ingest.flows.lookups.outcome import LookedUp
from ingest.store import events, sync_parts

_NOT_READ = frozenset({"denied", "hopeless"})


def count_for_runs(
    conn: sa.Connection, ended: Sequence[LookedUp], entries: Iterable[Entry]
) -> None:
    """In the transaction that ends the look-ups: of each run that asked for any of them.

    entries: what became of documents. A look-up that a delivery waits for as well has its event
    from that, and one from the run.
    """
    asked = [one for one in ended if one.held.row.run_id is not None]
    if not asked:
        return
    what = [*changed(entries)]
    by_run: dict[int, list[LookedUp]] = {}
    for one in asked:
        by_run.setdefault(one.held.row.run_id or 0, []).append(one)
    for run_id, looked_up in sorted(by_run.items()):
        _count(conn, run_id, looked_up, _of(looked_up, what))


def _of(looked_up: Iterable[LookedUp], what: Iterable[ChangedDocument]) -> list[ChangedDocument]:
    spoken = {
        object_id(statement.change.identity)
        for one in looked_up
        for statement in one.outcome.statements
    }
    return [one for one in what if object_id(one.identity) in spoken]


def _count(
    conn: sa.Connection,
    run_id: int,
    looked_up: Sequence[LookedUp],
    what: Sequence[ChangedDocument],
) -> None:
    became = Counter(one.became for one in what)
    events.record(conn, [*resync_events(what, run_id)])
    sync_parts.count(
        conn,
        run_id,
        changed=len(what),
        deleted=became["deleted"],
        errors=sum(one.outcome.kind in _NOT_READ for one in looked_up),
        calls=sum(one.outcome.calls for one in looked_up),
    )
