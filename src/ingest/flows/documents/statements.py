"""Makes of each change the statement of one connection: bounded, ranked, inside its filter or not.

Pure. A `Change` is what a source makes of a payload or an answer; a `Statement` is that change as
one connection says it, with its place in the total order.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from ingest.core.bounds import bounded
from ingest.core.changes import Change, Refresh, Upsert, Withdraw
from ingest.core.folding import Statement
from ingest.core.identity import Identity
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


def unplaced(
    found: Source, connection: Connection, changes: Collection[Change]
) -> frozenset[Identity]:
    """Of what is told, those objects of which nothing says whether the connection's filter wants
    them: somebody has to be asked, and until then they stay out.
    """
    if found.descriptor.connection_filter(connection.metadata) is None:
        return frozenset()
    told = (change for change in changes if isinstance(change, Upsert))
    return frozenset(change.identity for change in told if change.labels is None)


def asked_for(
    found: Source,
    told: tuple[Change, ...],
    asked: tuple[Refresh, ...],
    lost: Collection[Identity],
) -> tuple[tuple[Change, ...], tuple[Refresh, ...]]:
    """What a filter needs and a payload does not tell is asked for before anything is stored."""
    kept: list[Change] = []
    asks = [*asked]
    for change in told:
        is_lost = isinstance(change, Upsert) and change.identity in lost
        ask = found.again(change) if is_lost and isinstance(change, Upsert) else None
        if ask is None:
            kept.append(change)
        else:
            asks.append(ask)
    return tuple(kept), tuple(asks)


def _wanted(change: Change, wanted: frozenset[str] | None) -> bool:
    """Whether the change lies inside the filter; what does not say where it lies is outside, until
    it is proven to be in. Of what is gone nobody asks.
    """
    if isinstance(change, Withdraw):
        return False
    if wanted is None or not isinstance(change, Upsert):
        return True
    return change.labels is not None and not wanted.isdisjoint(change.labels)
