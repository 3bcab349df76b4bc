"""Says what a delivery waits for, and what to do where it did less than somebody hoped for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from ingest.flows.connections.filters import filters_shown, widening
from ingest.flows.connections.inactive import waits_inactive
from ingest.sources.contract import OUTSIDE_FILTER
from ingest.sources.registry import all_sources
from ingest.store import conditions, connections, heartbeats
from ingest.store.connections import Connection
from ingest.store.engine import transaction
from ingest.store.reasons import DENIED, OUTSIDE, PARKED, TOKENLESS

UNHEARD = timedelta(seconds=5)
"""So long it may be due before nobody seems to be there to take it."""
NO_WORKER = (
    "a worker: is one running? (`ingest up`, or a Celery worker of the queue `ingest`); see: "
    "ingest doctor"
)
LOOK_UPS = "its look-ups (below): is a fetcher running, and its provider well? See: ingest doctor"

_Remedy = Callable[[int, Connection | None], str]


@dataclass(frozen=True, slots=True)
class Hindrance:
    """What a delivery waits for, and what to do where it ended without what somebody wanted; None
    where that is nothing.
    """

    waits_for: str | None = None
    remedy: str | None = None


def hindrance_of(engine: sa.Engine, row: Mapping[str, Any]) -> Hindrance:
    """The same of a delivery as `queue_admin.show` has it. Raises `TransientError` where the
    database is away.
    """
    id_: str | None = row["connection_id"]
    with transaction(engine, durable=False) as conn:
        connection = connections.by_id(conn, [id_] if id_ else []).get(id_ or "")
        problem = conditions.read(conn, id_).get("problem") if id_ else None
        now = heartbeats.now(conn)
    if row["status"] == "pending":
        return Hindrance(_waits_for(row, connection, problem, now))
    return Hindrance(remedy=_remedy(row, connection))


def _waits_for(
    row: Mapping[str, Any], connection: Connection | None, problem: str | None, now: datetime
) -> str | None:
    if connection is not None and not connection.is_active:
        return waits_inactive(connection.id, connection.status, problem)
    if row["lease_until"] is not None and row["lease_until"] > now:
        return None
    if row["last_error"] == PARKED:
        return LOOK_UPS
    due_at: datetime = row["next_attempt_at"]
    if due_at > now:
        wait_s = (due_at - now).total_seconds()
        return f"{wait_s:.0f} s, to be tried again: {row['last_error'] or 'as it was told'}"
    return NO_WORKER if now - due_at > UNHEARD else None


def _remedy(row: Mapping[str, Any], connection: Connection | None) -> str | None:
    reason = row["reason"] or ""
    found = next((remedy for words, remedy in _REMEDIES if words in reason), None)
    if found is None and row["status"] == "dead":
        found = _once_more
    return found(row["id"], connection) if found is not None else None


def _widen(_id: int, connection: Connection | None) -> str:
    source = all_sources().get(connection.source_type) if connection is not None else None
    if connection is None or source is None:
        return "widen the connection's filter: ingest source update ID --filter NAME=VALUE"
    shown = filters_shown(source.descriptor, connection.metadata) or "the source's own"
    return f"its filter is {shown}; to want more: {widening(source.descriptor, connection.id)}"


def _connect(_id: int, connection: Connection | None) -> str:
    stands = f"ingest source show {connection.id} names what it stands for" if connection else ""
    return "; ".join(filter(None, ("connect what it speaks of: ingest source connect", stands)))


def _give_token(_id: int, connection: Connection | None) -> str:
    return f"ingest source credentials {connection.id if connection else 'ID'} --token-env VAR"


def _let_read(id_: int, connection: Connection | None) -> str:
    named = connection.id if connection else "ID"
    return (
        f"give the token that right, then: ingest source resume {named}; or another token: "
        f"{_give_token(id_, connection)}"
    )


def _once_more(id_: int, _connection: Connection | None) -> str:
    return f"once the cause is mended: ingest deliveries replay {id_}"


_REMEDIES: tuple[tuple[str, _Remedy], ...] = (
    (OUTSIDE_FILTER, _widen),
    (OUTSIDE, _connect),
    (TOKENLESS, _give_token),
    (DENIED, _let_read),
)
"""By words of the reason, the first that fits."""
