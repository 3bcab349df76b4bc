"""Asks for look-ups: writes what deliveries and documents want looked up into their table.

Law: a look-up is asked for in the transaction that needs it, so neither is lost without the other.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from ingest.core.identity import object_id
from ingest.sources.registry import source
from ingest.store import lookups, trails
from ingest.store.lookups import Urgency, Wanted


@dataclass(frozen=True, slots=True)
class WaitingDelivery:
    """A delivery that ends with its look-ups, and the events that are recorded then.

    `lookups` are (connection id, refresh); `events` as `verdicts.told_event` gives them, each told
    by the connection in its place among the `tellers`.
    """

    delivery_id: int
    lookups: Sequence[Wanted]
    events: Sequence[Mapping[str, Any]]
    tellers: Sequence[str]


def request_lookups(
    conn: sa.Connection,
    wanted: Collection[Wanted],
    waiting: Sequence[WaitingDelivery] = (),
    *,
    askers: Collection[tuple[int, Wanted]] = (),
    background: bool = False,
    run_id: int | None = None,
) -> bool:
    """Ask for all of it, and let the deliveries wait; whether there was anything to ask for.

    `wanted` are (connection id, refresh) for which no delivery waits; `askers` are the deliveries
    that ask for some of them all the same, for the trail. Requests of one connection
    for one object share a row; each waits a moment for further events of its object (`gather_s` of
    its source). `background`: nobody waits for any of it, so that what somebody waits for is looked
    up first; `run_id` is the sync run that asks. In the caller's transaction; where it says True,
    the caller rings the queue `fetch` after the commit.
    """
    every = [*wanted, *(one for delivery in waiting for one in delivery.lookups)]
    urgency = Urgency(background, run_id)
    known = lookups.request(conn, every, _gather_s(every), urgency)
    rows: dict[tuple[int, int], dict[str, Any]] = {}
    for delivery in waiting:
        for connection_id, refresh in delivery.lookups:
            row = known[connection_id, object_id(refresh.identity)]
            rows[row.id, delivery.delivery_id] = {
                "lookup_id": row.id,
                "delivery_id": delivery.delivery_id,
                "asked": row.asked,
                "events": list(delivery.events),
                "tellers": list(delivery.tellers),
            }
    lookups.wait(conn, [rows[key] for key in sorted(rows)])
    told = {(delivery_id, known[one, object_id(r.identity)].id) for delivery_id, (one, r) in askers}
    trails.asked(conn, told | {(delivery_id, lookup_id) for lookup_id, delivery_id in rows})
    return bool(every)


def request_further(conn: sa.Connection, further: Collection[tuple[Wanted, Urgency]]) -> None:
    """Ask for what look-ups that end want looked up in their turn, each as urgent as they were."""
    lookups.request_each(conn, further, _gather_s([wanted for wanted, _ in further]))


def _gather_s(wanted: Collection[Wanted]) -> dict[str, float]:
    types = {refresh.identity.source_type for _, refresh in wanted}
    return {type_: source(type_).descriptor.gather_s for type_ in types}
