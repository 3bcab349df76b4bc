"""Processes that ask a provider whose only limit is the test's, and what they were let through."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime

from ingest.broker.broker import broker_of
from ingest.budget.line import tallies_of
from ingest.budget.shared import SharedBudgets
from ingest.budget.trust import Trust
from ingest.core.errors import BudgetSpent
from ingest.sources.contract import Source
from ingest.sources.limits import Call, Limit, LimitReading, RateLimits, whole
from ingest.sources.registry import source
from ingest.sources.spending import Budget

BASE = "https://api.halcyon.invalid"
CALL = Call("GET", "/things")
PER_S = 1
LIMIT = Limit("requests", 40, PER_S, share=0.7)
SHARE, BEGUN = 28, 34
SLACK_S = 0.2
"""Between the moment in which a request is counted and that in which the test writes it down."""


def limited_by(*limits: Limit) -> Source:
    """A source whose headers say `left: 3`, and for how many seconds (`for`)."""

    def read(_call: Call, headers: object, _now: datetime) -> tuple[LimitReading, ...]:
        told = dict(headers) if isinstance(headers, dict) else {}
        left, resets = whole(told.get("left")), whole(told.get("for"))
        if left is None or resets is None:
            return ()
        return (LimitReading(limits[0].name, left, float(resets), whole(told.get("of"))),)

    return replace(source("notion"), limits=RateLimits(limits, read))


@contextmanager
def asking(*urls: str, limits: Sequence[Limit] = (LIMIT,), given: str = "t") -> Iterator[Budget]:
    """The budget of one connection, as a process of its own has it."""
    budgets = SharedBudgets(lambda: tallies_of(broker_of(";".join(urls))), trust=Trust(0.2))
    budget = budgets.of(limited_by(*limits), BASE, {}, given)
    assert budget is not None
    try:
        yield budget
    finally:
        budgets.close()


def may(budget: Budget, *, begun: bool = False, background: bool = True) -> bool:
    """Whether a request may leave."""
    with suppress(BudgetSpent):
        budget.spend(CALL, background=background, begun=begun)
        return True
    return False


def told(budget: Budget, **headers: str | int) -> None:
    """An answer came, with these headers (a leading underscore apart)."""
    named = {name.strip("_"): str(value) for name, value in headers.items()}
    budget.hear(CALL, named, datetime.now(UTC))


def ask_for(url: str, seconds: float) -> list[float]:
    """The times at which one process was let through, which asks as often as it can."""
    with asking(url) as budget:
        return let_through(budget, seconds=seconds)


def let_through(*budgets: Budget, seconds: float) -> list[float]:
    """The times at which these were let through, which ask in turn as often as they can."""
    times: list[float] = []
    until = time.time() + seconds
    while time.time() < until:
        for budget in budgets:
            if may(budget):
                times.append(time.time())
            else:
                time.sleep(0.01)
    return times


def most_within(times: Sequence[float], seconds: float) -> int:
    """The most of them in any stretch of so many seconds."""
    ordered, most, first = sorted(times), 0, 0
    for last, at in enumerate(ordered):
        while at - ordered[first] >= seconds:
            first += 1
        most = max(most, last - first + 1)
    return most
