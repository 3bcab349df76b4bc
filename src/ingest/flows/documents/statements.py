"""Makes of each change the statement of one connection: bounded, ranked, inside its filter or not.

Pure. A `Change` is what a source makes of a payload or an answer; a `Statement` is that change as
one connection says it, with its place in the total order.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from ingest.core.bounds import bounded
from ingest.core.changes import Change, Upsert, Withdraw
from ingest.core.folding import Statement
from ingest.core.ranks import TOLD, Origin, Seen, made, rank
from ingest.core.revisions import revision
from ingest.sources.contract import Source
from ingest.store.connections import Connection


def statements_of(
    found: Source,
    connection: Connection,
    changes: Collection[Change],
    origin: Origin = TOLD,
    *,
    heard_at: datetime | None = None,
    can_ask: bool = False,
) -> tuple[Statement, ...]:
    """What a connection says: one statement for each change, in their order.

    origin: `Told` with the digest of the signed body, or `Seen` with the look-up's fence; it ends
        the rank (`core.ranks`, docs/decisions/0018).
    heard_at: when it was received, or the provider asked.
    can_ask: the connection has a token, so that doubts can be settled by a look-up; without it, of
        what is told no digest is kept and no `again`.
    """
    labels = found.descriptor.connection_filter(connection.metadata)
    code = revision(found.revision)
    learned = found.descriptor.learned
    compared = can_ask or isinstance(origin, Seen)

    def state(told: Change) -> Statement:
        within = bounded(told)
        change = within.change
        asks = can_ask and isinstance(change, Upsert)
        return Statement(
            change,
            rank(change, origin),
            connection.id,
            wanted=_wanted(change, labels),
            revision=code,
            made=made(change) if compared else None,
            heard_at=heard_at,
            again=found.again(change) if asks and isinstance(change, Upsert) else None,
            cuts=within.cuts,
            teaches=isinstance(change, Upsert) and bool(learned(connection.metadata, change)),
        )

    return tuple(map(state, changes))


def _wanted(change: Change, wanted: frozenset[str] | None) -> bool:
    """Whether the change lies inside the filter; what does not say where it lies is inside."""
    if isinstance(change, Withdraw):
        return False
    labels = getattr(change, "labels", None)
    return wanted is None or labels is None or not wanted.isdisjoint(labels)
