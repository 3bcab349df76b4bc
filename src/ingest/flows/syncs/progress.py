"""How far a sync run is. Pure.

The estimate is honest: there is one only where the provider said how much there is, and it is what
the run has taken so far for what it has seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ingest.flows.syncs.control import has_ended

LEAST_SEEN = 20
"""Objects, before an estimate is made."""


def progress(run: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """How far a run is: counts, and `left_s` where that can be told. Pure.

    `expected` is None where the provider does not say how much there is; `waits_s` is how long its
    next page is not due, where all of them wait; `waits_for` is why it does not go on.
    """
    return {
        "run": run["id"],
        "state": run["state"],
        "seen": run["seen"],
        "expected": run["expected"],
        "changed": run["changed"],
        "deleted": run["deleted"],
        "errors": run["errors"],
        "pages": run["pages"],
        "calls": run["calls"],
        "left_s": _left_s(run, now),
        "waits_s": _waits_s(run, now),
        "waits_for": run.get("waits_for"),
    }


def _left_s(run: Mapping[str, Any], now: datetime) -> int | None:
    """Seconds until all is seen, at the pace so far; None where nobody knows how much there is."""
    expected, seen, began = run["expected"], run["seen"], run["started_at"]
    if not expected or began is None or seen < min(LEAST_SEEN, expected) or has_ended(run["state"]):
        return None
    took_s: float = (now - began).total_seconds()
    left: int = round(took_s * (expected - seen) / max(seen, 1))
    return max(0, left)


def _waits_s(run: Mapping[str, Any], now: datetime) -> int | None:
    due = run["due_at"]
    waits = (due - now).total_seconds() if due is not None else 0.0
    return round(waits) if waits >= 1.0 else None
