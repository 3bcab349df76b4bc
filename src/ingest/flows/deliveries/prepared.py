"""A delivery on its way to its end: opened, prepared, with a share for each store."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ingest.core.changes import Refresh
from ingest.core.folding import Statement
from ingest.core.values import JSON
from ingest.flows.documents.apply import StoreStatement
from ingest.flows.documents.render import StoreConfig
from ingest.sources.contract import Source
from ingest.store.claiming import ClaimedDelivery


@dataclass(frozen=True, slots=True)
class Opened:
    """A delivery with its payload read; `tenants` is what it names of what it belongs to."""

    row: ClaimedDelivery
    source: Source
    payload: Mapping[str, JSON]
    tenants: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A delivery ready to be settled.

    `verdict` (status, reason) ends it at once; else each of `targets` gets the event and what is
    said. `waiting` are the connections for which it has to stay pending all the same: they are
    paused. `withdrawn` are connections that the provider says are revoked, with its reason.
    """

    row: ClaimedDelivery
    verdict: tuple[str, str] | None = None
    waiting: Collection[str] = ()
    targets: Sequence[Target] = ()
    drift: tuple[str, ...] = ()
    withdrawn: Sequence[tuple[str, str]] = ()

    @property
    def said(self) -> Iterable[StoreStatement]:
        """All that it says, in whichever store."""
        return (one for target in self.targets for one in target.said)


@dataclass(frozen=True, slots=True)
class Target:
    """One store's share of a delivery.

    `lookups` are what its connection has to look up. Where there are no `statements` beside them,
    the event is recorded with what they find. `once`: of one body the earliest time counts.
    `remark` is what the delivery's reason says beside its end.
    """

    store: StoreConfig
    connection_id: str
    event: Mapping[str, JSON]
    event_key: str
    skip: str | None
    statements: tuple[Statement, ...]
    lookups: tuple[Refresh, ...] = ()
    once: bool = False
    remark: str = ""

    @property
    def waits(self) -> bool:
        """Whether nothing is known before the look-ups are done."""
        return bool(self.lookups) and not self.statements

    @property
    def said(self) -> list[StoreStatement]:
        """What it says in its store."""
        return [(self.store, statement) for statement in self.statements]
