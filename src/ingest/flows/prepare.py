"""What one delivery means, and for whom: routed, normalised, ranked. Pure but for the log.

Tenants are kept apart here: a delivery acts only on connections whose secret verified it and whose
scope its payload names.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import structlog

from ingest.core.errors import PermanentError
from ingest.core.ranks import rank
from ingest.core.retry import MAX_LONE_CRASHES
from ingest.core.values import JSON
from ingest.flows import payload as payloads
from ingest.flows.apply import Work
from ingest.flows.directory import Directory
from ingest.flows.drafts import StoreConfig
from ingest.sources.contract import Message, Normalised, Source
from ingest.sources.registry import source
from ingest.store.connections import DISCONNECTED, Connection
from ingest.store.deliveries import Claimed

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Opened:
    """A delivery with its payload read; `tenant` is the scope that the payload names."""

    row: Claimed
    source: Source
    payload: Mapping[str, JSON]
    tenant: str | None


@dataclass(frozen=True, slots=True)
class Prepared:
    """A delivery ready to be applied.

    `verdict` (status, reason) ends it at once; else each of `targets` gets the event and the work.
    `waiting` says why it has to stay pending all the same: a connection of its is paused.
    """

    row: Claimed
    verdict: tuple[str, str] | None = None
    waiting: str | None = None
    targets: Sequence[Target] = ()
    drift: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Target:
    """One store's share of a delivery."""

    store: StoreConfig
    event: Mapping[str, JSON]
    skip: str | None
    work: tuple[Work, ...]


def open_delivery(row: Claimed) -> Opened | Prepared:
    """Read a delivery's payload; a payload that cannot be read is dead, with the reason."""
    if row.lone_crashes >= MAX_LONE_CRASHES:
        reason = f"took its worker down {row.lone_crashes} times while it was alone"
        return Prepared(row, verdict=("dead", reason))
    try:
        found = source(row.source_type)
        payload = payloads.read(found.descriptor, row.headers, row.body)
        return Opened(row, found, payload, found.descriptor.tenant(row.headers, payload))
    except PermanentError as error:
        return Prepared(row, verdict=("dead", str(error)))


def prepare(opened: Opened, directory: Directory) -> Prepared:
    """Route and normalise one delivery. Whatever it can raise ends this delivery alone."""
    row = opened.row
    try:
        return _prepare(opened, directory)
    except PermanentError as error:
        return Prepared(row, verdict=("dead", str(error)))
    except Exception as error:
        log.exception("delivery_failed_unexpectedly", delivery=row.id, source=row.source_type)
        reason = f"adapter fault: {type(error).__name__}; replay it once the adapter is mended"
        return Prepared(row, verdict=("dead", reason))


def _prepare(opened: Opened, directory: Directory) -> Prepared:
    row = opened.row
    routed = _route(opened, directory)
    if isinstance(routed, Prepared):
        return routed
    if opened.source.normalise is None:
        title = opened.source.descriptor.title
        return Prepared(row, verdict=("skipped", f"{title} has no adapter yet; kept for replay"))
    targets: list[Target] = []
    drift: tuple[str, ...] = ()
    normalised: dict[str, Normalised] = {}
    usable, waiting = routed
    for connection in usable:
        tenant = _tenant(opened, connection)
        if tenant not in normalised:
            message = Message(
                row.headers, opened.payload, row.delivery_key, row.received_at, tenant
            )
            normalised[tenant] = opened.source.normalise(message)
        meaning = normalised[tenant]
        drift = meaning.drift
        stores = directory.stores.get(connection.id, ())
        targets += _targets(meaning, connection, stores, opened.source)
    if not targets and waiting is None:
        return Prepared(row, verdict=("skipped", "the connection feeds no store"))
    return Prepared(row, targets=targets, drift=drift, waiting=waiting)


def _route(
    opened: Opened, directory: Directory
) -> tuple[Sequence[Connection], str | None] | Prepared:
    """The connections that this delivery may act on now, and why it has to wait for others.

    Its end where there is none. One that is paused holds nobody else up.
    """
    row = opened.row
    if row.connection_id is None:
        if opened.tenant is None:
            title = opened.source.descriptor.title
            reason = f"the payload names nothing that a connection to {title} stands for"
            return Prepared(row, verdict=("skipped", reason))
        found = directory.by_tenant.get((row.source_type, opened.tenant), ())
        if not found:
            reason = f"no connection for {opened.tenant[:100]}; connect it and replay"
            return Prepared(row, verdict=("skipped", reason))
    else:
        connection = directory.by_id.get(row.connection_id)
        if connection is None:  # purged after the claim, and its deliveries with it
            return Prepared(row, verdict=("skipped", "the connection is purged"))
        if opened.tenant not in (None, _home(opened.source, connection)):
            return Prepared(row, verdict=("skipped", "outside connection"))
        found = (connection,)
    usable = [c for c in found if c.status != DISCONNECTED]
    if not usable:
        return Prepared(row, verdict=("skipped", "the connection is disconnected"))
    active = [connection for connection in usable if connection.is_active]
    return active, None if len(active) == len(usable) else "the connection is paused"


def _home(found: Source, connection: Connection) -> str:
    return found.descriptor.connection_tenant(connection.metadata)


def _tenant(opened: Opened, connection: Connection) -> str:
    return opened.tenant if opened.tenant is not None else _home(opened.source, connection)


def _targets(
    meaning: Normalised,
    connection: Connection,
    stores: Collection[StoreConfig],
    found: Source,
) -> list[Target]:
    ranks = [rank(change) for change in meaning.changes]
    labels = found.descriptor.connection_filter(connection.metadata)
    return [
        Target(
            store,
            meaning.event,
            meaning.skip,
            tuple(
                Work(
                    store,
                    change,
                    ranked,
                    connection.id,
                    wanted=_wanted(change, labels),
                    filtered=labels is not None,
                )
                for change, ranked in zip(meaning.changes, ranks, strict=True)
            ),
        )
        for store in stores
    ]


def _wanted(change: object, wanted: frozenset[str] | None) -> bool:
    """Whether the change lies inside the filter; what does not say where it lies is inside."""
    labels = getattr(change, "labels", None)
    return wanted is None or labels is None or not wanted.isdisjoint(labels)
