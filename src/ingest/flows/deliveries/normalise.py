"""Works out what one delivery means to each connection and store: an event, and statements.

Pure but for the log.
"""

from __future__ import annotations

from dataclasses import replace

import structlog

from ingest.core.bounds import MAX_CHANGES, bounded_event
from ingest.core.changes import Change, Delete, Refresh
from ingest.core.errors import BadPayload, PermanentError
from ingest.core.naming import Called, NameTold, Rename
from ingest.core.ranks import Told
from ingest.core.slugs import bounded_key
from ingest.core.times import to_micros
from ingest.flows.connections.directory import Directory
from ingest.flows.deliveries.prepared import Opened, Prepared, Target
from ingest.flows.deliveries.route import Routed, route
from ingest.flows.documents.called import Names, fits, joined
from ingest.flows.documents.owned_keys import unclaimed
from ingest.flows.documents.render import StoreConfig
from ingest.flows.documents.statements import statements_of
from ingest.sources.contract import Message, Normalised
from ingest.store.connections import Connection
from ingest.store.reasons import TOKENLESS
from ingest.store.space_names import Space

log = structlog.get_logger(__name__)


def prepare(opened: Opened, directory: Directory) -> Prepared:
    """Route and normalise one delivery. Whatever it can raise ends this delivery alone.

    Never raises: a `PermanentError` becomes the verdict `dead` with its message, anything else is
    logged as a fault of the adapter and says so there. `directory` has to hold what
    `route.names_of` tells of the delivery.
    """
    row = opened.row
    try:
        routed = route(opened, directory)
        return routed if isinstance(routed, Prepared) else _normalise(opened, routed, directory)
    except PermanentError as error:
        return Prepared(row, verdict=("dead", str(error)))
    except Exception as error:
        log.exception("delivery_failed_unexpectedly", delivery=row.id, source=row.source_type)
        reason = f"adapter fault: {type(error).__name__}; replay it once the adapter is mended"
        return Prepared(row, verdict=("dead", reason))


def _normalise(opened: Opened, routed: Routed, directory: Directory) -> Prepared:
    row = opened.row
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


def _message(opened: Opened, connection: Connection, taken: frozenset[str]) -> Message:
    """The delivery as that connection's: identities lie in the scope that it stands for."""
    row = opened.row
    return Message(
        row.headers,
        opened.payload,
        row.delivery_key,
        row.received_at,
        _scope(opened, connection),
        connection.metadata,
        taken,
    )


def _scope(opened: Opened, connection: Connection) -> str:
    descriptor = opened.source.descriptor
    own = descriptor.connection_tenants(connection.metadata)
    named = next((tenant for tenant in opened.tenants if tenant in own), own[0])
    return descriptor.scope(named, connection.metadata)


def _fits(rename: Rename) -> bool:
    return all(fits(Called(rename.space, name)) for name in (rename.name, rename.before))


def _renamed(
    opened: Opened, meaning: Normalised, connection: Connection, store: StoreConfig
) -> Names:
    """What is told of names in a store: each had happened when it was received."""
    received_at = to_micros(opened.row.received_at)
    scope = _scope(opened, connection) if meaning.renames else ""
    found: dict[Space, tuple[NameTold, ...]] = {}
    for one in filter(_fits, meaning.renames):
        space = Space(store.id, opened.row.source_type, scope, one.space)
        told = NameTold(one.name, one.before, one.at, received_at)
        found |= joined({space: found.get(space, ())}, {space: (told,)})
    return found


def _to_be_confirmed(meaning: Normalised) -> tuple[tuple[Change, ...], tuple[Refresh, ...]]:
    """What is told and what is asked where there is a token.

    A final deletion is told as one that may be lifted, and looked up: only that makes it final.
    """
    told = meaning.told
    confirmed = [c for c in told if isinstance(c, Delete) and c.final and c.confirm is not None]
    changes = tuple(replace(c, final=False) if c in confirmed else c for c in told)
    return changes, (*meaning.asked, *(c.confirm for c in confirmed if c.confirm is not None))


def _targets(
    opened: Opened, meaning: Normalised, connection: Connection, directory: Directory
) -> list[Target]:
    """A share for each store of the connection.

    Without a token there are no look-ups, but what the source says in their place (`otherwise`).
    """
    row, found = opened.row, opened.source
    can_ask = connection.has_token and found.connect is not None
    told, asked = _to_be_confirmed(meaning) if can_ask else (meaning.untokened, ())
    if len(told) + len(asked) > MAX_CHANGES:
        raise BadPayload("$", f"speaks of more than {MAX_CHANGES:,} things")
    tokenless = meaning.skip is None and not (told or asked or meaning.renames)
    told, remark = unclaimed(found, told, directory.taken.get(connection.id, frozenset()))
    origin = Told(row.body_hash.hex())
    statements = statements_of(
        found, connection, told, origin, heard_at=row.received_at, can_ask=can_ask
    )
    event = bounded_event(meaning.event)
    return [
        Target(
            store,
            connection.id,
            event,
            bounded_key(meaning.event_key) if meaning.event_key else row.delivery_key,
            TOKENLESS if tokenless else meaning.skip,
            statements,
            asked,
            meaning.once,
            remark,
            _renamed(opened, meaning, connection, store),
        )
        for store in directory.stores.get(connection.id, ())
    ]
