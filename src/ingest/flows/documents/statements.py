"""What a connection says, told or seen, as work for its stores: ranked, inside its filter or not.

Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime

from ingest.core.bounds import bounded
from ingest.core.changes import Change, Upsert, Withdraw
from ingest.core.ranks import TOLD, Origin, Seen, made, rank
from ingest.core.revisions import revision
from ingest.flows.documents.apply import Work
from ingest.flows.documents.render import StoreConfig
from ingest.sources.contract import Source
from ingest.store.connections import Connection


def weigh(
    found: Source,
    connection: Connection,
    changes: Collection[Change],
    origin: Origin = TOLD,
    *,
    heard_at: datetime | None = None,
    can_ask: bool = False,
) -> list[Callable[[StoreConfig], Work]]:
    """What a connection says, as the work of any of its stores: within the bounds, ranked, and
    inside its filter. `heard_at` is when it was received, or the provider asked.
    """
    labels = found.descriptor.connection_filter(connection.metadata)
    made_by = revision(found.revision)
    compared = can_ask or isinstance(origin, Seen)

    def work(told: Change) -> Callable[[StoreConfig], Work]:
        within = bounded(told)
        change = within.change
        ranked = rank(change, origin)
        digest = made(change) if compared else None
        doubt = found.again(change) if can_ask and isinstance(change, Upsert) else None

        def of(store: StoreConfig) -> Work:
            return Work(
                store,
                change,
                ranked,
                connection.id,
                wanted=_wanted(change, labels),
                revision=made_by,
                made=digest,
                heard_at=heard_at,
                again=doubt,
                cuts=within.cuts,
            )

        return of

    return [work(change) for change in changes]


def _wanted(change: Change, wanted: frozenset[str] | None) -> bool:
    """Whether the change lies inside the filter; what does not say where it lies is inside."""
    if isinstance(change, Withdraw):
        return False
    labels = getattr(change, "labels", None)
    return wanted is None or labels is None or not wanted.isdisjoint(labels)
