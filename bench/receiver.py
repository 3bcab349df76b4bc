"""How many signed webhooks a second one receiver process answers, beside a bare handler.

Alternating runs on one pair of servers, the median of each; both with a worker that is busy with
what comes in. Law: an answer of ours is a row that PostgreSQL has on the disk, so it is counted.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from statistics import median

from bench.letters import Routes
from bench.load import Heard, Order
from bench.rig import Rig, rig, send
from ingest.embedded import processes

WARM_S = 30.0


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured; the whole is some four minutes."""

    runs: int = 5
    seconds: float = 8.0
    most_a_second: int = 5000  # so many letters are prepared; a run that needs more ends early
    connections: int = 32
    warm: int = 200

    @classmethod
    def quick(cls) -> Plan:
        """Enough to see that it works, too little to quote."""
        return cls(runs=1, seconds=3.0)


@dataclass(frozen=True, slots=True)
class Run:
    """One crew's run: answers a second, seconds of an answer, documents a second meanwhile."""

    rate: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    documents: float


def receiver(plan: Plan) -> dict[str, object]:
    """The figures: ours, naive and their ratio, and what the generator could have sent."""
    with rig({}) as place:
        ceiling = _ceiling(place, plan)
        probed = {how: _run(place, place.naive(how), plan).rate for how in ("inline", "threads")}
        delay = max(probed, key=lambda how: probed[how])
        ours, naive = [], []
        for _ in range(plan.runs):
            ours.append(_run(place, place.ours(), plan, stored=True))
            naive.append(_run(place, place.naive(delay), plan))
    mine, theirs = _median(ours), _median(naive)
    return {
        "ours": mine.rate,
        "naive": theirs.rate,
        "ratio": round(mine.rate / theirs.rate, 2),
        **_figures("ours", mine),
        **_figures("naive", theirs),
        "naive_delay": delay,
        **{f"naive_probe_{how}": rate for how, rate in probed.items()},
        "generator_ceiling": ceiling,
        "connections": plan.connections,
        "seconds": plan.seconds,
        "runs": plan.runs,
    }


def _ceiling(place: Rig, plan: Plan) -> float:
    with place.trivial() as port:
        heard = send(_order(port, place.routes, plan, plan.most_a_second, repeat=True))
    return _judge(heard).rate


def _run(place: Rig, crew: AbstractContextManager[int], plan: Plan, *, stored: bool = False) -> Run:
    """Warm until documents come out, then measure."""
    with crew as port:
        send(_order(port, place.routes, plan, plan.warm))
        warm = processes.wait_until(lambda: place.documents() >= plan.warm, seconds=WARM_S)
        if not warm:
            raise RuntimeError("the worker did nothing; what it says stands in its log")
        count = int(plan.most_a_second * plan.seconds)
        heard = send(_order(port, place.routes, plan, count, first=plan.warm))
        made = place.documents() - plan.warm
        missing = heard.statuses[200] + plan.warm - place.deliveries()
        if stored and missing > 0:
            raise RuntimeError(f"{missing} deliveries were answered and are not stored")
    return _judge(heard, made)


def _order(
    port: int, routes: Routes, plan: Plan, count: int, *, first: int = 0, repeat: bool = False
) -> Order:
    return Order(
        port,
        routes,
        "fat",
        count,
        first=first,
        seconds=plan.seconds,
        connections=plan.connections,
        repeat=repeat,
    )


def _judge(heard: Heard, documents: int = 0) -> Run:
    """Any answer but 200 is a fault of the run, and no figure."""
    if set(heard.statuses) != {200}:
        raise RuntimeError(f"answers that are not 200: {dict(heard.statuses)}")
    return Run(
        round(len(heard.took_s) / heard.seconds, 1),
        quantile_ms(heard.took_s, 0.5),
        quantile_ms(heard.took_s, 0.99),
        quantile_ms(heard.took_s, 1.0),
        round(documents / heard.seconds, 1),
    )


def quantile_ms(seconds: list[float], share: float) -> float:
    """The time that this share of them does not exceed."""
    ordered = sorted(seconds)
    return round(1000 * ordered[min(int(share * len(ordered)), len(ordered) - 1)], 2)


def _median(runs: list[Run]) -> Run:
    """Each figure's own median; of the longest answers the longest."""
    return Run(
        median(run.rate for run in runs),
        median(run.p50_ms for run in runs),
        median(run.p99_ms for run in runs),
        max(run.max_ms for run in runs),
        median(run.documents for run in runs),
    )


def _figures(name: str, run: Run) -> dict[str, float]:
    return {
        f"{name}_p50_ms": run.p50_ms,
        f"{name}_p99_ms": run.p99_ms,
        f"{name}_max_ms": run.max_ms,
        f"{name}_documents_a_second": run.documents,
    }
