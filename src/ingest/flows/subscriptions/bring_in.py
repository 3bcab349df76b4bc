"""Brings in one delivery that a provider failed to make: sent again by it, or read from its log.

Law: what comes again is verified as any other; what is read nobody signed, and it is marked so. It
has the key of its webhook, so that it is in the queue once, whichever comes first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import structlog

from ingest.core.errors import PermanentError
from ingest.flows.receiving.requests import Incoming
from ingest.flows.receiving.verify import vouched_for
from ingest.sources.quiet_subscriptions import QuietSubscriptions
from ingest.sources.registry import source
from ingest.store.connections import Connection
from ingest.store.deliveries import Arrival
from ingest.store.missed import MissedDelivery

log = structlog.get_logger(__name__)

AGAIN_S = 600.0
"""How long a delivery that is sent again is waited for."""
MOST_REDELIVERED = 3
"""A delivery that failed again so often is read."""
MOST_TRIES = 6
"""A delivery by which a source fails so often is given up."""
Way = Literal["redeliver", "read", "give up"]


@dataclass(frozen=True, slots=True)
class Brought:
    """What became of it.

    again: the provider sends it again. arrival: it was read, and is to be stored. Neither: it
    cannot be had, and `said` is why.
    """

    again: bool = False
    arrival: Arrival | None = None
    said: str = ""


def way_of(missed: MissedDelivery, *, receiver_is_there: bool) -> Way:
    """How a delivery is to be had. Pure."""
    if missed.tries > MOST_TRIES:
        return "give up"
    again = receiver_is_there and missed.tries <= MOST_REDELIVERED
    return "redeliver" if again else "read"


def bring(
    provider: QuietSubscriptions, connection: Connection, missed: MissedDelivery, way: Way
) -> Brought:
    """Have it sent again, or read it. Raises what a client raises that may succeed later.

    Blocks; no transaction is open meanwhile.
    """
    if way == "give up":
        return Brought(said=f"{missed.delivery_key}: given up after {MOST_TRIES} tries")
    try:
        if way == "redeliver" and provider.redeliver(missed.handle):
            return Brought(again=True)
        return _read(provider, connection, missed)
    except PermanentError as error:
        return Brought(said=f"{missed.delivery_key}: {error}")


def _read(provider: QuietSubscriptions, connection: Connection, missed: MissedDelivery) -> Brought:
    """Received when its provider tried to send it, for order is judged by that."""
    found = provider.read(missed.handle)
    if found is None:
        return Brought(said=f"{missed.delivery_key}: the provider's log does not hold it any more")
    headers = {name.lower(): value for name, value in found.headers.items()}
    incoming = Incoming(
        connection.source_type, connection.id, headers, found.body, missed.missed_at
    )
    arrival = vouched_for(incoming, source(connection.source_type).descriptor)
    if arrival is None:
        return Brought(said=f"{missed.delivery_key}: it is a handshake, and nothing to do")
    return Brought(arrival=arrival)
