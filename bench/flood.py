"""What one tenant's flood costs the others: their deliveries beside it, and without it.

The flood stands before theirs in the queue. `large` are bodies of twenty megabytes that are full of
references, `small` are very many ordinary deliveries. One worker process; the ratio is what counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from statistics import median

import psycopg

from bench import mix
from bench.stage import Stage, fill, stage
from bench.throughput import timed
from ingest.store.deliveries import Arrival

FLOODED = "linear"


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured; the whole is some three minutes."""

    runs: int = 3
    honest: int = 2_000
    large: int = 4
    large_bytes: int = 20_000_000
    small: int = 20_000

    @classmethod
    def quick(cls) -> Plan:
        """Enough to see that it works, too little to quote."""
        return cls(runs=1, honest=500, large=2, large_bytes=5_000_000, small=4_000)


def flood(plan: Plan) -> dict[str, object]:
    """Seconds until the others' last delivery has ended, alone and beside each flood."""
    with stage() as place:
        alone, large, small = [], [], []
        for _ in range(plan.runs):
            alone.append(_served(place, plan, ()))
            large.append(_served(place, plan, _large(place, plan)))
            small.append(_served(place, plan, _small(place, plan)))
    return {
        "alone_s": _of(alone, "others_s"),
        "beside_large_s": _of(large, "others_s"),
        "large_itself_s": _of(large, "flood_s"),
        "beside_small_s": _of(small, "others_s"),
        "small_itself_s": _of(small, "flood_s"),
        "times_beside_large": round(_of(large, "others_s") / _of(alone, "others_s"), 2),
        "times_beside_small": round(_of(small, "others_s") / _of(alone, "others_s"), 2),
        "peak_mib": {"alone": _of(alone, "peak_mib"), "large": _of(large, "peak_mib")},
    }


def _large(place: Stage, plan: Plan) -> Iterable[Arrival]:
    return mix.flood(plan.large, plan.large_bytes, "see #{0} and SHOP-{0}, ", place.connections)


def _small(place: Stage, plan: Plan) -> Iterable[Arrival]:
    every = mix.arrivals(2 * plan.small, mix.MIX, place.connections)
    return (one for one in every if one.source_type == FLOODED)


def _served(place: Stage, plan: Plan, before: Iterable[Arrival]) -> dict[str, float]:
    """One run; every delivery has to end as a document of its own."""
    every = mix.arrivals(2 * plan.honest, mix.MIX, place.connections, first=2_000_000)
    honest = (one for one in every if one.source_type != FLOODED)
    sent = fill(place, chain(before, honest))
    timing = timed("ours", place)
    ends: dict[str, float] = {}
    with psycopg.connect(place.database_url) as conn:
        ends.update(conn.execute(_ENDS).fetchall())
        counted = conn.execute("SELECT count(*) FROM lightfast_docs_documents").fetchone()
    assert (timing.deliveries, counted) == (sent, (sent,)), (timing, counted, sent)
    began = max(ends.values()) - timing.seconds
    return {
        "others_s": ends["github"] - began,
        "flood_s": ends.get(FLOODED, began) - began,
        "peak_mib": timing.peak_mib,
    }


def _of(runs: list[dict[str, float]], name: str) -> float:
    return round(median(run[name] for run in runs), 2)


_ENDS = """
SELECT CAST(source_type AS text), CAST(extract(epoch FROM max(settled_at)) AS double precision)
FROM lightfast_webhook_deliveries WHERE status = 'processed' GROUP BY 1
"""
