"""The figures of a run, for people and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from chaos.plan import Plan
from chaos.rows import Delivery, Rows
from chaos.sender import Sender
from chaos.told import Letter, Thing
from chaos.verdict import Verdict

MOST_TOLD = 50
MOST_SLOW = 5
MENDS_S = 2.0
"""So long after its end a fault counts as the reason of what arrives."""


@dataclass(slots=True)
class Struck:
    """A fault and its times, in seconds since 1970."""

    name: str
    began_at: float
    ended_at: float = 0.0


def report(
    plan: Plan,
    sender: Sender,
    struck: Sequence[Struck],
    rows: Rows,
    found: Verdict,
    **more: Any,
) -> dict[str, Any]:
    """Counts, delays and what is at fault, MOST_TOLD sentences of each kind at most."""
    told = {"lost": found.lost, "doubled": found.doubled, "wrong": found.wrong}
    return {
        "seed": plan.seed,
        "again": plan.command(),
        "sent": sender.sent,
        "answered": sender.answered,
        "hung_up_on": sender.dropped,
        "stored": len(rows.deliveries),
        "settled": dict(Counter(row.status for row in rows.deliveries)),
        "documents": len(rows.documents),
        "faults": len(struck),
        **{name: len(sentences) for name, sentences in told.items()},
        "longest_delay_s": _delays(struck, rows.deliveries),
        "slowest": _slowest(rows.deliveries),
        "answers": dict(sender.statuses),
        **more,
        "told": {name: sentences[:MOST_TOLD] for name, sentences in told.items()},
    }


def _slowest(deliveries: Iterable[Delivery]) -> list[str]:
    """Those that took the longest, for people."""
    ended = [one for one in deliveries if one.settled_at is not None]
    ended.sort(key=lambda one: one.received_at - (one.settled_at or 0.0))
    return [
        f"{one.source_type} row {one.id}: {(one.settled_at or 0.0) - one.received_at:.1f} s,"
        f" {one.attempts} attempts, {one.setbacks} setbacks, {one.reason}, {one.last_error}"
        for one in ended[:MOST_SLOW]
    ]


def trails_of(
    things: Iterable[Thing], told_by: Mapping[Thing, Sequence[Letter]], rows: Rows
) -> dict[str, list[str]]:
    """Of each thing the letters that spoke of it, as it happened, and where their rows stand."""
    stored = {(row.source_type, row.delivery_key): row for row in rows.deliveries}
    return {
        " ".join(thing): [
            _step(letter, stored.get((letter.source_type, letter.key)))
            for letter in told_by.get(thing, ())
        ]
        for thing in sorted(things)[:MOST_TOLD]
    }


def _step(letter: Letter, row: Delivery | None) -> str:
    what = letter.payload.get("type") or letter.headers.get("x-github-event") or ""
    action = letter.payload.get("action") or ""
    if row is None:
        return f"{what} {action} {letter.key}: not stored"
    took = "" if row.settled_at is None else f" in {row.settled_at - row.received_at:.2f} s"
    at = datetime.fromtimestamp(row.received_at, UTC).strftime("%H:%M:%S.%f")[:-3]
    return f"{what} {action} {letter.key}: row {row.id} of {at}, {row.status}{took}, {row.reason}"


def _delays(struck: Sequence[Struck], deliveries: Iterable[Delivery]) -> dict[str, float]:
    """By fault: the longest time from receipt to end of what arrived while it lasted."""
    longest: dict[str, float] = {}
    ended = [(one.received_at, one.settled_at) for one in deliveries if one.settled_at is not None]
    for fault in struck:
        until = (fault.ended_at or fault.began_at) + MENDS_S
        took = (end - begin for begin, end in ended if fault.began_at <= begin <= until)
        longest[fault.name] = round(max(longest.get(fault.name, 0.0), *took, 0.0, 0.0), 2)
    return dict(sorted(longest.items()))
