"""The forms of a delivery between claim and end: opened; prepared, with a share of each store."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ingest.core.changes import Refresh
from ingest.core.folding import Statement
from ingest.core.lean import lean
from ingest.core.values import JSON
from ingest.flows.documents.called import Names
from ingest.flows.documents.render import StoreConfig
from ingest.flows.documents.subjects import StoreStatement
from ingest.sources.contract import Notice, Source
from ingest.store.claiming import ClaimedDelivery


@dataclass(frozen=True, slots=True)
class Opened:
    """A delivery with its payload read.

    `tenants` is what the payload names that a connection can stand for, in the source's order.
    """

    row: ClaimedDelivery
    source: Source
    payload: Mapping[str, JSON]
    tenants: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A delivery ready to be settled.

    verdict: (status, reason) that ends it at once; else each of `targets` gets the event and what
        is said.
    waiting: ids of the connections for which it has to stay pending all the same: they are paused.
    drift: fields that the adapter does not know, as `<object>.<field>`.
    notices: (connection id, what the provider says of it); its receipt stands in for a time.
    """

    row: ClaimedDelivery
    verdict: tuple[str, str] | None = None
    waiting: Collection[str] = ()
    targets: Sequence[Target] = ()
    drift: tuple[str, ...] = ()
    notices: Sequence[tuple[str, Notice]] = ()

    @property
    def said(self) -> Iterable[StoreStatement]:
        """All its statements, each with its store; target by target."""
        return (one for target in self.targets for one in target.said)


@lean
class Target:
    """One store's share of a delivery, as one of its connections brings it.

    event, event_key: the row of the event log: its metadata, and the key (255 characters at most)
        that is unique with store and source type.
    skip: why the event is recorded as skipped; None where it is not.
    lookups: what its connection has to look up. Where there are no `statements` beside them, the
        event is recorded with what they find.
    once: nobody signs the time, so of one body the earliest counts (`unsigned_times`).
    remark: what the delivery's reason says beside its end; may be empty.
    renamed: what it tells of names, beside its statements.
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
    renamed: Names = field(default_factory=dict)

    @property
    def waits(self) -> bool:
        """Whether nothing is known before the look-ups are done."""
        return bool(self.lookups) and not self.statements

    @property
    def said(self) -> list[StoreStatement]:
        """Its statements, each with its store."""
        return [(self.store, statement) for statement in self.statements]
