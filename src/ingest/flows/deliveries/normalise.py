"""What one delivery means, and for whom: routed, normalised, ranked. Pure but for the log.

Tenants are kept apart here: a delivery acts only on connections whose secret verified it and whose
scope its payload names.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import structlog

from ingest.core.bounds import MAX_CHANGES, bounded_event
from ingest.core.changes import Change, Delete, Refresh
from ingest.core.errors import BadPayload, PermanentError
from ingest.core.ranks import Told
from ingest.core.retry import MAX_LONE_CRASHES
from ingest.core.slugs import bounded_key
from ingest.core.values import JSON
from ingest.flows.connections.directory import Directory
from ingest.flows.documents.apply import Work
from ingest.flows.documents.owned_keys import unclaimed
from ingest.flows.documents.render import StoreConfig
from ingest.flows.documents.statements import weigh
from ingest.flows.lookups import request as asking
from ingest.flows.lookups.request import Ask
from ingest.flows.receiving.payload import read_payload
from ingest.sources.contract import Message, Normalised, Source
from ingest.sources.registry import source
from ingest.store.claiming import Claimed
from ingest.store.connections import DISCONNECTED, Connection

log = structlog.get_logger(__name__)

TOKENLESS = "no token; set one with `ingest source credentials`, and this is replayed"


@dataclass(frozen=True, slots=True)
class Opened:
    """A delivery with its payload read; `tenants` is what it names of what it belongs to."""

    row: Claimed
    source: Source
    payload: Mapping[str, JSON]
    tenants: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A delivery ready to be applied.

    `verdict` (status, reason) ends it at once; else each of `targets` gets the event and the work.
    `waiting` are the connections for which it has to stay pending all the same: they are paused.
    `withdrawn` are connections that the provider says are revoked, with its reason.
    """

    row: Claimed
    verdict: tuple[str, str] | None = None
    waiting: Collection[str] = ()
    targets: Sequence[Target] = ()
    drift: tuple[str, ...] = ()
    withdrawn: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class Target:
    """One store's share of a delivery.

    `asks` are the look-ups that its connection has to make. Where there is no `work` beside them,
    the event is recorded with what they find. `once`: of one body the earliest time counts.
    `remark` is what the delivery's reason says beside its end.
    """

    store: StoreConfig
    connection_id: str
    event: Mapping[str, JSON]
    event_key: str
    skip: str | None
    work: tuple[Work, ...]
    asks: tuple[Ask, ...] = ()
    once: bool = False
    remark: str = ""

    @property
    def waits(self) -> bool:
        """Whether nothing is known before the look-ups are done."""
        return bool(self.asks) and not self.work


def open_delivery(row: Claimed) -> Opened | Prepared:
    """Read a delivery's payload; a payload that cannot be read is dead, with the reason."""
    if row.lone_crashes >= MAX_LONE_CRASHES:
        reason = f"took its worker down {row.lone_crashes} times while it was alone"
        return Prepared(row, verdict=("dead", reason))
    try:
        found = source(row.source_type)
        payload = read_payload(found.descriptor, row.headers, row.body)
        tenants = found.descriptor.tenants(row.headers, payload)
        if len(tenants) > MAX_CHANGES:
            raise BadPayload("$", f"names more than {MAX_CHANGES:,} tenants")
        return Opened(row, found, payload, tenants)
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
    targets: list[Target] = []
    drift: tuple[str, ...] = ()
    withdrawn: list[tuple[str, str]] = []
    usable, waiting = routed
    for connection in usable:
        taken = directory.taken.get(connection.id, frozenset())
        meaning = opened.source.normalise(_message(opened, connection, taken))
        drift = meaning.drift
        if meaning.withdraws is not None:
            withdrawn.append((connection.id, meaning.withdraws))
        targets += _targets(opened, meaning, connection, directory)
    if not targets and not waiting:
        return Prepared(row, verdict=("skipped", "the connection feeds no store"))
    return Prepared(row, targets=targets, drift=drift, waiting=waiting, withdrawn=withdrawn)


def _route(
    opened: Opened, directory: Directory
) -> tuple[Sequence[Connection], Collection[str]] | Prepared:
    """The connections that this delivery may act on now, and those for which it has to wait.

    Its end where there is none. One that is paused holds nobody else up.
    """
    row = opened.row
    if row.connection_id is None:
        if not opened.tenants:
            title = opened.source.descriptor.title
            reason = f"the payload names nothing that a connection to {title} stands for"
            return Prepared(row, verdict=("skipped", reason))
        found = _standing_for(opened, directory)
        if not found:
            reason = f"no connection for {opened.tenants[0][:100]}; connect it and replay"
            return Prepared(row, verdict=("skipped", reason))
    else:
        connection = directory.by_id.get(row.connection_id)
        if connection is None:  # purged after the claim, and its deliveries with it
            return Prepared(row, verdict=("skipped", "the connection is purged"))
        if not _is_own(opened, connection):
            return Prepared(row, verdict=("skipped", "outside connection"))
        found = (connection,)
    usable = [c for c in found if c.status != DISCONNECTED]
    if not usable:
        return Prepared(row, verdict=("skipped", "the connection is disconnected"))
    active = [connection for connection in usable if connection.is_active]
    return active, [connection.id for connection in usable if not connection.is_active]


def _standing_for(opened: Opened, directory: Directory) -> Sequence[Connection]:
    """The connections that stand for any of what the payload names, each once."""
    found = {
        connection.id: connection
        for tenant in opened.tenants
        for connection in directory.by_tenant.get((opened.row.source_type, tenant), ())
    }
    return tuple(found.values())


def _is_own(opened: Opened, connection: Connection) -> bool:
    """Whether a payload that came on the connection's own route speaks of what is its.

    One secret may sign for several accounts, and two of them have things of one name.
    """
    descriptor, metadata = opened.source.descriptor, connection.metadata
    tenants = opened.tenants
    if not tenants or not set(tenants).isdisjoint(descriptor.connection_tenants(metadata)):
        return True
    if descriptor.own_names(metadata).isdisjoint(tenants):
        return False
    told, own = descriptor.accounts(opened.payload), descriptor.connection_accounts(metadata)
    return not (told and own) or not told.isdisjoint(own)


def _message(opened: Opened, connection: Connection, taken: frozenset[str]) -> Message:
    """The delivery as that connection's: identities lie in the scope that it stands for."""
    row, descriptor = opened.row, opened.source.descriptor
    own = descriptor.connection_tenants(connection.metadata)
    named = next((tenant for tenant in opened.tenants if tenant in own), own[0])
    return Message(
        row.headers,
        opened.payload,
        row.delivery_key,
        row.received_at,
        descriptor.scope(named, connection.metadata),
        connection.metadata,
        taken,
    )


def _to_be_confirmed(meaning: Normalised) -> tuple[tuple[Change, ...], tuple[Refresh, ...]]:
    """What is told and what is asked where somebody can be asked: nothing is for good unasked."""
    told = meaning.told
    confirmed = [c for c in told if isinstance(c, Delete) and c.final and c.confirm is not None]
    changes = tuple(replace(c, final=False) if c in confirmed else c for c in told)
    return changes, (*meaning.asked, *(c.confirm for c in confirmed if c.confirm is not None))


def _targets(
    opened: Opened, meaning: Normalised, connection: Connection, directory: Directory
) -> list[Target]:
    """A share for each store of the connection; with a token its look-ups stand in for guesses."""
    can_ask = connection.has_token and opened.source.connect is not None
    told, asked = _to_be_confirmed(meaning) if can_ask else (meaning.untokened, ())
    asks = asking.asks(opened.source, connection, asked)
    skip = meaning.skip
    if skip is None and not told and not asks:
        skip = TOKENLESS
    key = bounded_key(meaning.event_key) if meaning.event_key else opened.row.delivery_key
    if len(told) + len(asks) > MAX_CHANGES:
        raise BadPayload("$", f"speaks of more than {MAX_CHANGES:,} things")
    told, remark = unclaimed(opened.source, told, directory.taken.get(connection.id, frozenset()))
    origin = Told(opened.row.body_hash.hex())
    heard_at = opened.row.received_at
    words = weigh(opened.source, connection, told, origin, heard_at=heard_at, can_ask=can_ask)
    event = bounded_event(meaning.event)
    return [
        Target(
            store,
            connection.id,
            event,
            key,
            skip,
            tuple(word(store) for word in words),
            asks,
            meaning.once,
            remark,
        )
        for store in directory.stores.get(connection.id, ())
    ]
