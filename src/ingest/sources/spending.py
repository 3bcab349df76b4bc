"""Who asks a provider just now: somebody who waits, or nobody; out of which budget; how often.

    with spending(budget, background=True) as spent:
        page = client.list_page(request)
    spent.calls

Every request that `Api` sends within the block, whichever client sends it, is counted, and asked
for beforehand of the budget; what the answer's headers say of limits is told to it. Without such a
block nothing is counted. A token that is renewed meanwhile is nobody's page: it is not counted.
Performs no I/O of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from ingest.core.values import JSON
from ingest.sources.limits import Call

if TYPE_CHECKING:
    from ingest.sources.contract import Source


class Budget(Protocol):
    """What one connection may ask of its provider; shared by all processes that ask."""

    def spend(self, call: Call, *, background: bool, begun: bool) -> None:
        """Count a request that is about to be sent.

        background: nobody waits for it. begun: it is not the first one of its page or look-up.
        Raises `BudgetSpent` where there is no more for it; never of a live one.
        """
        ...

    def hear(self, call: Call, headers: Mapping[str, str], now: datetime) -> None:
        """Keep what the headers of its answer, which came at that time, say of limits."""
        ...


class Budgets(Protocol):
    """The budgets of all connections, as a process keeps them."""

    def of(
        self, found: Source, base_url: str, metadata: Mapping[str, JSON], given: str
    ) -> Budget | None:
        """That of a connection to `base_url` with this metadata and this token, as it was given;
        None where its source knows no limits.
        """
        ...


@dataclass(slots=True)
class Spent:
    """One page or look-up, and the requests that were sent for it so far (`calls`).

    background: nobody waits for it.
    """

    budget: Budget | None
    background: bool
    calls: int = 0

    def ask(self, call: Call) -> None:
        """One more request is about to be sent; raises `BudgetSpent`."""
        if self.budget is not None:
            self.budget.spend(call, background=self.background, begun=self.calls > 0)
        self.calls += 1

    def hear(self, call: Call, headers: Mapping[str, str], now: datetime) -> None:
        """Its answer came."""
        if self.budget is not None:
            self.budget.hear(call, headers, now)


_SPENT: ContextVar[Spent | None] = ContextVar("spent", default=None)


@contextmanager
def spending(budget: Budget | None, *, background: bool) -> Iterator[Spent]:
    """What is asked of a provider in this block, by this thread, is spent out of this budget.

    budget: None where there is no limit to keep: then requests are counted and nothing else.
    """
    spent = Spent(budget, background)
    before = _SPENT.set(spent)
    try:
        yield spent
    finally:
        _SPENT.reset(before)


@contextmanager
def uncounted() -> Iterator[None]:
    """What is asked in this block is spent by nobody."""
    before = _SPENT.set(None)
    try:
        yield
    finally:
        _SPENT.reset(before)


def spent_now() -> Spent | None:
    """What this thread is asking for; None where nobody counts."""
    return _SPENT.get()
