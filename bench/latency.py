"""From the answer to the visible document, at 20 deliveries a second, beside the naive way.

An open loop: letters are sent at the times of a seeded Poisson process, whatever becomes of them.
A poller asks PostgreSQL for the documents every few milliseconds, so a figure is too long by up to
`poll_ms`, and never too short. Thin events, which have to be looked up, stand apart: among others
of their connection, which are gathered, and where it was quiet.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from statistics import median

import psycopg

from bench import letters, mix
from bench.load import Order
from bench.receiver import quantile_ms
from bench.rig import Rig, rig, send
from ingest.sources.notion.demo.fake import make
from ingest.sources.notion.demo.shapes import block, rich
from ingest.sources.registry import source
from ingest.testing.fakes import serving

POLL_S = 0.003
SEEN_WITHIN_S = 30.0
PER_SECOND_AT_LEAST = 5
PROVIDER_S = 0.05


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured; the whole is some four minutes.

    quiet_per_second: of thin events of which most find their connection quiet.
    """

    runs: int = 2
    seconds: float = 30.0
    per_second: float = 20.0
    connections: int = 32
    warm: int = 60
    quiet_per_second: float = 0.2
    quiet_seconds: float = 75.0

    @classmethod
    def quick(cls) -> Plan:
        """Enough to see that it works, too little to quote."""
        return cls(runs=1, seconds=6.0, warm=20, quiet_seconds=10.0)

    @property
    def quiet(self) -> Plan:
        """As this, for thin events that come one by one."""
        return replace(self, per_second=self.quiet_per_second, seconds=self.quiet_seconds, warm=1)

    @property
    def count(self) -> int:
        """Deliveries of one run."""
        return int(self.seconds * self.per_second)


@dataclass(slots=True)
class Waits:
    """Seconds from the answer to the document, of each delivery, and between looks of the poller.

    A document that was there before its answer counts as 0.
    """

    shown_s: list[float] = field(default_factory=list)
    looks_s: list[float] = field(default_factory=list)
    answers_s: list[float] = field(default_factory=list)


def latency(plan: Plan) -> dict[str, object]:
    """The figures in milliseconds: ours, naive, and ours where a look-up is needed."""
    ours, naive, lookup, quiet = Waits(), Waits(), Waits(), Waits()
    with _notion(plan) as url, rig({"notion": url}) as place:
        for run in range(plan.runs):
            _run(place, place.ours(), plan, "fat", ours, seed=run)
            _run(place, place.naive("inline"), plan, "fat", naive, seed=run)
        _run(place, place.ours(), plan, "thin", lookup, seed=0)
        _run(place, place.ours(), plan.quiet, "thin", quiet, seed=0)
    looks = ours.looks_s + naive.looks_s + lookup.looks_s
    return {
        **_figures("ours", ours),
        **_figures("naive", naive),
        **_figures("lookup", lookup),
        **_figures("quiet_lookup", quiet),
        "lookup_debounce_ms": 1000 * source("notion").descriptor.gather_s,
        "lookup_provider_ms": 1000 * PROVIDER_S,
        "poll_ms": round(1000 * median(looks), 2),
        "poll_p99_ms": quantile_ms(looks, 0.99),
        "per_second": plan.per_second,
        "seconds": plan.seconds,
        "runs": plan.runs,
    }


@contextmanager
def _notion(plan: Plan) -> Iterator[str]:
    """Notion's API, with the page of each thin event; it answers as late as a real one."""
    workspace = make()
    said = (block("paragraph", rich(mix.prose(random.Random(1), 600, 1))),)
    for n in range(plan.warm + plan.count):
        at = "2026-03-02T00:00:00Z"
        workspace.put_page(letters.page_id(n), f"Case {n}", at=at, blocks=said)
    with serving(workspace) as fake:
        fake.latency_s = PROVIDER_S
        yield fake.url


def _run(
    place: Rig,
    crew: AbstractContextManager[int],
    plan: Plan,
    kind: str,
    into: Waits,
    *,
    seed: int,
) -> None:
    """Some deliveries to get warm, then those that count."""
    with crew as port:
        warm = _order(port, place, plan, kind, first=0, count=plan.warm, seed=seed)
        _watch(place, warm, Waits())
        counts = _order(port, place, plan, kind, first=plan.warm, count=plan.count, seed=seed)
        _watch(place, counts, into)


def _order(
    port: int, place: Rig, plan: Plan, kind: str, *, first: int, count: int, seed: int
) -> Order:
    return Order(
        port,
        place.routes,
        kind,
        count,
        first=first,
        connections=plan.connections,
        per_second=plan.per_second,
        seed=seed,
    )


def _watch(place: Rig, order: Order, into: Waits) -> None:
    """Send, look for the documents meanwhile, and match the two; one clock for both processes."""
    key: Callable[[int], str] = letters.page_id if order.kind == "thin" else mix.source_id
    expected = [key(n) for n in range(order.first, order.first + order.count)]
    seen: dict[str, float] = {}
    looking = threading.Thread(target=_look, args=(place, order, expected, seen, into.looks_s))
    looking.start()
    heard = send(order)
    looking.join()
    if set(heard.statuses) != {200} or len(seen) < order.count:
        told = f"answers {heard.statuses}, {len(seen)} of {order.count} documents"
        raise RuntimeError(f"{told}\n{place.state()}")
    into.answers_s += heard.took_s
    into.shown_s += [
        max(0.0, seen[one] - answered_at)
        for one, answered_at in zip(expected, heard.answered_at, strict=True)
    ]


def _look(
    place: Rig, order: Order, expected: list[str], seen: dict[str, float], looks_s: list[float]
) -> None:
    """Note when each document is there for the first time."""
    waiting = set(expected)
    per_second = min(order.per_second or PER_SECOND_AT_LEAST, PER_SECOND_AT_LEAST)
    until = time.monotonic() + len(expected) / per_second + SEEN_WITHIN_S
    with psycopg.connect(place.database_url, autocommit=True) as conn:
        looked_at = time.monotonic()
        while waiting and looked_at < until:
            time.sleep(POLL_S)
            found = [row[0] for row in conn.execute(_THERE, [list(waiting)])]
            now = time.monotonic()
            looks_s.append(now - looked_at)
            looked_at = now
            waiting.difference_update(found)
            seen.update(dict.fromkeys(found, now))


_THERE = "SELECT source_id FROM lightfast_docs_documents WHERE source_id = ANY(%s)"


def _figures(name: str, waits: Waits) -> dict[str, float]:
    return {
        f"{name}_p50_ms": quantile_ms(waits.shown_s, 0.5),
        f"{name}_p99_ms": quantile_ms(waits.shown_s, 0.99),
        f"{name}_max_ms": quantile_ms(waits.shown_s, 1.0),
        f"{name}_answer_p99_ms": quantile_ms(waits.answers_s, 0.99),
    }
