"""Checks the subscriptions: whether each provider sends what we need to where we are.

The provider itself is asked, and what its log of failed deliveries brought is told beside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from ingest.core.errors import BadSettings, IngestError, RateLimited, Refused
from ingest.core.times import iso
from ingest.flows.doctor.findings import Finding, failed, fine, note
from ingest.flows.lookups.clients import Clients
from ingest.flows.subscriptions.subscribe import (
    by_hand,
    is_subscribable,
    known_public_url,
    look_at_subscription,
)
from ingest.flows.subscriptions.urls import route_of, webhook_url
from ingest.sources.registry import all_sources, source
from ingest.sources.subscriptions import Observation
from ingest.store import connections, missed, subscriptions
from ingest.store.connections import Connection
from ingest.store.engine import transaction
from ingest.store.subscriptions import StoredSubscription

_FIX = "ingest source doctor {id} --fix"
_WHERE = "ingest source doctor {id} --url https://…"
_LET_ASK = "ingest source credentials {id} --token-env VAR"


@dataclass(frozen=True, slots=True)
class _Subscription:
    """A connection's subscription as the database has it. public: where we are reached."""

    connection: Connection
    public: str | None
    told: StoredSubscription | None
    missed: Mapping[str, Any] | None

    def check(self, what: str) -> str:
        return f"{self.connection.source_type} {self.connection.name!r}: {what}"

    def do(self, command: str) -> str:
        return command.format(id=self.connection.id)


def look_at_subscriptions(engine: sa.Engine, clients: Clients | None) -> Iterator[Finding]:
    """The findings of all active connections whose provider can be asked about its webhooks.

    Each provider is asked with no transaction open; none is without `clients`. Raises
    `TransientError` where the database is away.
    """
    with transaction(engine) as conn:
        found = connections.by_id(conn, [row["id"] for row in connections.listing(conn)])
    for one in found.values():
        if one.is_active and one.source_type in all_sources() and is_subscribable(one):
            yield from _of_one(engine, clients, one)


def look_at_one_subscription(
    engine: sa.Engine, clients: Clients | None, connection: Connection
) -> Iterator[Finding]:
    """The same of one connection, whatever its state; with what a person has to click where its
    provider's API knows no webhooks.
    """
    if source(connection.source_type).subscribe is None:
        one = _read(engine, connection)
        route = route_of(connection.source_type, connection.id)
        said = "its provider's API neither makes a webhook nor shows one"
        yield note(
            one.check("subscription"), said, by_hand(connection.source_type, _url(one) or route)
        )
    elif is_subscribable(connection):
        yield from _of_one(engine, clients, connection)


def _of_one(
    engine: sa.Engine, clients: Clients | None, connection: Connection
) -> Iterator[Finding]:
    one = _read(engine, connection)
    url = _url(one)
    if url is None:
        said = "where providers reach this installation is not known, so nobody can look"
        yield note(one.check("subscription"), said, one.do(_WHERE))
    elif clients is not None:
        yield from _observed(engine, clients, one, url)
    yield from _missed(one)


def _read(engine: sa.Engine, connection: Connection) -> _Subscription:
    public = known_public_url(engine, connection.id)
    with transaction(engine) as conn:
        told = subscriptions.read(conn, connection.id)
        seen = missed.of_connection(conn, connection.id)
    return _Subscription(connection, public, told, seen)


def _url(one: _Subscription) -> str | None:
    if one.public is None:
        return None
    return webhook_url(one.public, one.connection.source_type, one.connection.id)


def _observed(
    engine: sa.Engine, clients: Clients, one: _Subscription, url: str
) -> Iterator[Finding]:
    check = one.check("subscription")
    if one.told is not None and not one.told.answered:
        said = "it was begun to be made, and nobody knows how that ended"
        yield failed(check, said, one.do(_FIX))
    try:
        with transaction(engine) as conn:
            token = clients.tokens(conn, [one.connection.id]).get(one.connection.id)
        found = look_at_subscription(clients, one.connection, token, url)
    except RateLimited as error:
        yield note(check, f"not looked at: {error}")
    except Refused as error:
        yield note(check, f"it cannot be seen with this token: {error}", one.do(_LET_ASK))
    except BadSettings as error:
        yield failed(check, str(error), one.do(_LET_ASK))
    except IngestError as error:
        yield failed(
            check, f"it cannot be looked at: {error}", "mend what it names; then look again"
        )
    else:
        yield from (_finding(check, one, seen) for seen in found)


def _finding(check: str, one: _Subscription, seen: Observation) -> Finding:
    if seen.ok:
        return fine(check, seen.said)
    if seen.ok is None:
        return note(check, seen.said, seen.remedy or None)
    if not seen.mendable:
        return failed(check, seen.said, seen.remedy or "mend it at the provider")
    fix, said = one.do(_FIX), seen.remedy
    is_command = not said or said.startswith("ingest ")
    return failed(check, seen.said, fix if is_command else f"{said}: {fix}")


def _missed(one: _Subscription) -> Iterator[Finding]:
    """What the provider's log brought; nothing where it was never looked into."""
    if one.missed is None:
        return
    check, seen = one.check("missed deliveries"), one.missed
    if seen["last_error"]:
        yield note(check, f"not all of them came in: {seen['last_error']}", "mend what it names")
        return
    came = f"{seen['redelivered']} sent again, {seen['recovered']} read, {seen['lost']} lost"
    waiting = f", {seen['waiting']} waited for" if seen["waiting"] else ""
    said = f"{seen['found']} found until {iso(seen['through'])}: {came}{waiting}"
    yield fine(check, said if seen["found"] else f"none until {iso(seen['through'])}")
