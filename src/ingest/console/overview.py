"""What comes in now and how old the oldest is, how the sources stand, what is to be mended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ingest.console.console_request import ConsolePage, ConsoleRequest
from ingest.console.sources import standing
from ingest.core.queues import FETCH_QUEUE, INGEST_QUEUE, SYNC_QUEUE
from ingest.flows.doctor import State
from ingest.store import delivery_filter
from ingest.store.delivery_filter import DeliveryFilter
from ingest.store.engine import transaction
from ingest.store.gauges import Gauges, Samples

NEWEST = 10
QUEUES: Mapping[str, str] = {
    INGEST_QUEUE: "Deliveries",
    FETCH_QUEUE: "Look-ups",
    SYNC_QUEUE: "Pages of sync runs",
}
_WRONG = (State.FAILED, State.UNREACHABLE)
STATES = ("due", "claimed", "waiting", "held", "paused")


def page(asked: ConsoleRequest) -> ConsolePage:
    """The first page of all."""
    readings = asked.readings
    now, lately = readings.gauges.get(), readings.costly.get()
    with transaction(asked.program.engine, durable=False) as conn:
        newest = delivery_filter.listing(conn, DeliveryFilter(), limit=NEWEST)
        sources = standing(conn)
    findings = readings.findings.get()
    filled = {
        "queues": [_queue(queue, now) for queue in QUEUES],
        "states": STATES,
        "dead": _sum(now["dead"]),
        "stopped": _sum(one for one in now["syncs"] if one[0][1] == "stopped"),
        "outcomes": _by_last(lately["settled"]),
        "visible": _worst(lately["visible_s"]),
        "newest": newest,
        "sources": sources,
        "findings": [one for one in findings if one.state in _WRONG],
        "notes": sum(one.state is State.NOTE for one in findings),
    }
    return ConsolePage("overview.html", filled)


def _queue(queue: str, now: Gauges) -> dict[str, Any]:
    """How many items of it are in which state, and for how long the oldest is due, in seconds."""
    items = dict.fromkeys(STATES, 0)
    for (of, _, state), many in now["items"]:
        if of == queue:
            items[state] = items.get(state, 0) + round(many)
    due = [seconds for (of, _), seconds in now["due_s"] if of == queue]
    return {"title": QUEUES[queue], "items": items, "oldest_s": max(due, default=None)}


def _sum(samples: Iterable[tuple[tuple[str, ...], float]]) -> int:
    return round(sum(many for _, many in samples))


def _by_last(samples: Samples) -> dict[str, int]:
    """Sums by the last label."""
    found: dict[str, int] = {}
    for (*_, label), many in samples:
        found[label] = found.get(label, 0) + round(many)
    return found


def _worst(samples: Samples) -> dict[str, float]:
    """Of all sources the longest, by percentile."""
    found: dict[str, float] = {}
    for (_, percentile), seconds in samples:
        found[percentile] = max(seconds, found.get(percentile, 0.0))
    return found
