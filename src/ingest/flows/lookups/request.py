"""What deliveries and documents want looked up, on its way into the table of look-ups.

Law: a look-up is asked for in the transaction that needs it, so neither is lost without the other.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from ingest.core.changes import Refresh
from ingest.core.identity import object_id
from ingest.sources.contract import Source
from ingest.store import lookups
from ingest.store.connections import Connection
from ingest.store.lookups import Request

Ask = Request
"""One object that one connection has to look up."""


@dataclass(frozen=True, slots=True)
class Wait:
    """A delivery that ends with its look-ups, and the events that are recorded then, each told by
    the connection in its place among the `tellers`.
    """

    delivery_id: int
    asks: Sequence[Ask]
    events: Sequence[Mapping[str, Any]]
    tellers: Sequence[str]


def asks(found: Source, connection: Connection, wanted: Iterable[Refresh]) -> tuple[Ask, ...]:
    """The look-ups of one connection."""
    return tuple(ask(found, connection.id, refresh) for refresh in wanted)


def ask(found: Source, connection_id: str, wanted: Refresh) -> Ask:
    """One look-up; it waits a moment for further events of its object."""
    identity = wanted.identity
    return Request(
        connection_id,
        object_id(identity),
        identity.scope,
        identity.kind,
        identity.id,
        wanted.hint,
        found.descriptor.gather_s,
        wanted.patience_s,
        wanted.gone,
    )


def request(conn: sa.Connection, wanted: Collection[Ask], waits: Sequence[Wait] = ()) -> bool:
    """Ask for all of it, and let the deliveries wait; whether there was anything to ask for."""
    every = [*wanted, *(one for wait in waits for one in wait.asks)]
    known = lookups.request(conn, every)
    rows: dict[tuple[int, int], dict[str, Any]] = {}
    for wait in waits:
        for one in wait.asks:
            row = known[one.connection_id, one.object]
            rows[row.id, wait.delivery_id] = {
                "lookup_id": row.id,
                "delivery_id": wait.delivery_id,
                "asked": row.asked,
                "events": list(wait.events),
                "tellers": list(wait.tellers),
            }
    lookups.wait(conn, [rows[key] for key in sorted(rows)])
    return bool(every)
