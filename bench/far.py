"""A database some milliseconds away: what a receiver answers, what a worker and a fetcher do.

A relay before PostgreSQL holds what passes for half of the time in each direction. All else is as
it is in `receiver` and `latency`.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from bench import letters, mix
from bench.load import Order
from bench.receiver import quantile_ms
from bench.rig import Rig, rig, send
from ingest.embedded import processes
from ingest.embedded.stack import Child, Stack
from ingest.sources.notion.demo.fake import make
from ingest.sources.notion.demo.shapes import block, rich
from ingest.testing.fakes import serving

_ROOT = Path(__file__).parent.parent
SETTLED_S = 300.0


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured; the whole is some two minutes. round_trip_s: to the database."""

    round_trip_s: float = 0.03
    seconds: float = 15.0
    connections: int = 128
    most_a_second: int = 2_000
    thin: int = 100

    @classmethod
    def quick(cls) -> Plan:
        """Enough to see that it works, too little to quote."""
        return cls(seconds=3.0, thin=10)


def far(plan: Plan) -> dict[str, object]:
    """Answers a second and their times, documents a second of a full queue, look-ups a second."""
    with _notion(plan) as url, rig({"notion": url}) as place:
        with _away(place, plan) as port:
            heard = send(
                Order(
                    port,
                    place.routes,
                    "fat",
                    int(plan.most_a_second * plan.seconds),
                    seconds=plan.seconds,
                    connections=plan.connections,
                )
            )
            _require(set(heard.statuses) == {200}, f"answers {dict(heard.statuses)}")
            stored = len(heard.took_s)
            drained_s = _until(place, stored)
        with _away(place, plan) as port:
            send(Order(port, place.routes, "thin", plan.thin, connections=plan.connections))
            looked_up_s = _until(place, plan.thin)
    return {
        "round_trip_ms": 1000 * plan.round_trip_s,
        "answers_per_second": round(stored / heard.seconds, 1),
        "answer_p50_ms": quantile_ms(heard.took_s, 0.5),
        "answer_p99_ms": quantile_ms(heard.took_s, 0.99),
        "documents_per_second": round(stored / (heard.seconds + drained_s), 1),
        "look_ups_per_second": round(plan.thin / looked_up_s, 1),
        "connections": plan.connections,
        "seconds": plan.seconds,
    }


@contextmanager
def _notion(plan: Plan) -> Iterator[str]:
    workspace = make()
    said = (block("paragraph", rich(mix.prose(random.Random(1), 600, 1))),)
    for n in range(plan.thin):
        at = "2026-03-02T00:00:00Z"
        workspace.put_page(letters.page_id(n), f"Case {n}", at=at, blocks=said)
    with serving(workspace) as fake:
        yield fake.url


@contextmanager
def _away(place: Rig, plan: Plan) -> Iterator[int]:
    """The port of our receiver, while the database of all our processes is far away."""
    parts, at = urlsplit(place.database_url), processes.free_port()
    told = [str(at), str(parts.port), str(plan.round_trip_s)]
    between = Child("relay", [sys.executable, "-m", "bench.relay", *told], cwd=_ROOT)
    url = parts._replace(netloc=parts.netloc.replace(f":{parts.port}", f":{at}")).geturl()
    log = place.machine.program.settings.data_dir / "relay.log"
    with log.open("wb") as output, Stack((between,), output=output) as stack:
        stack.steady = True
        with place.ours(url) as port:
            yield port


def _until(place: Rig, documents: int) -> float:
    """How long it takes from now until there are so many."""
    began = time.monotonic()
    done = processes.wait_until(lambda: place.documents() >= documents, seconds=SETTLED_S)
    _require(done, f"{place.documents()} of {documents} documents\n{place.state()}")
    return time.monotonic() - began


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise RuntimeError(otherwise)
