"""Says whether a request may leave, by what all processes asked and what the provider says is left.

A live request always leaves, and is counted. One that nobody waits for leaves only within its share
of each limit that it takes from; otherwise it is due later (`BudgetSpent`), in its row: nothing
waits here, but for the pace of a second within a page that has begun.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

import orjson

from ingest.budget.tally import AWAY, OwnTally, Remains, SharedTally, Window, free_s, take
from ingest.budget.trust import Trust
from ingest.core.errors import BudgetSpent
from ingest.core.values import JSON
from ingest.sources.contract import Source
from ingest.sources.limits import Call, Limit, RateLimits
from ingest.sources.listing import MOST_CALLS
from ingest.sources.spending import Budget

PACE_S = 1.5
"""A page that has begun is not thrown away for a shorter wait, as of a limit that counts by the
second: it would be asked for again as a whole, and never come to its end.
"""
OWN_PART = 4
"""Of a share one process takes this part, where it knows nothing of the others."""


@dataclass(frozen=True, slots=True)
class _Draw:
    """What a request takes of one limit, and in which window that is counted."""

    limit: Limit
    window: Window
    weight: int


@dataclass(slots=True)
class SharedBudgets:
    """Fulfils `spending.Budgets`; the budgets of one process, safe for threads.

    open: the counts in the Redis servers that there are, when first asked, in the order in which
        they are tried; empty where there is none.
    clock: monotonic, in seconds. sleep: how a page keeps its pace.
    """

    open: Callable[[], Sequence[SharedTally]]
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    trust: Trust = field(default_factory=Trust)
    _own: OwnTally = field(init=False)
    _known: Sequence[SharedTally] | None = field(init=False, default=None)
    _turn: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self._own = OwnTally(self.clock)

    def of(
        self, found: Source, base_url: str, metadata: Mapping[str, JSON], given: str
    ) -> Budget | None:
        """The budget of one connection; see `spending.Budgets`. Of a token no more than a digest
        is kept.
        """
        limits = found.limits
        if limits is None:
            return None
        source_type = found.descriptor.source_type
        windows = {
            limit.name: Window(_key(source_type, base_url, limit, metadata, given), limit.per_s)
            for limit in limits.each
        }
        return ConnectionBudget(self, found.descriptor.title, limits, windows)

    def close(self) -> None:
        """Let go of Redis."""
        for shared in self._known or ():
            shared.close()

    def look(self, owned: Sequence[_Draw]) -> list[Remains]:
        """What the providers said of these limits."""
        keys = [one.window.key for one in owned]
        shared = self._reach()
        if shared is not None:
            try:
                epoch, told = shared.look(keys)
            except AWAY as error:
                self._lose(error)
            else:
                self.trust.find(epoch, self.clock())
                return told
        return [self._own.look(key) for key in keys]

    def count(self, one: _Draw, amount: int) -> None:
        """Count a request that leaves whatever is left."""
        if not self.trust.is_whole(one.limit.per_s, self.clock()):
            take(self._own.counts, one.window, one.weight, amount)
        shared = self._reach()
        if shared is not None:
            try:
                take(shared.counts, one.window, one.weight, amount)
            except AWAY as error:
                self._lose(error)

    def refused_s(self, one: _Draw, most: int) -> float | None:
        """Count a request for which nobody waits, if no more than `most` is counted then; None, or
        in how many seconds to try again.
        """
        now, per_s = self.clock(), one.limit.per_s
        rest_s = self.trust.rest_s(per_s, now)
        if rest_s > 0.0:
            return rest_s
        if not self.trust.is_whole(per_s, now):
            part = max(1, one.weight, most // OWN_PART)
            if not take(self._own.counts, one.window, one.weight, part):
                return free_s(self._own.counts, one.window, one.weight, part)
        shared = self._reach()
        if shared is not None:
            try:
                if not take(shared.counts, one.window, one.weight, most):
                    return free_s(shared.counts, one.window, min(MOST_CALLS, most // 2), most)
            except AWAY as error:
                self._lose(error)
                return self.refused_s(one, most)
        return None

    def keep(self, key: str, remaining: int, resets_s: float, amount: int | None) -> None:
        """Remember what a provider says."""
        self._own.keep(key, remaining, resets_s, amount)
        shared = self._reach()
        if shared is not None:
            try:
                shared.keep(key, remaining, resets_s, amount)
            except AWAY as error:
                self._lose(error)

    def least(self, source_type: str, limit: Limit) -> Remains | None:
        """What was last said of the one, of all whose limit it is, that has the least left; None
        where that is not known, or Redis is away.
        """
        shared = self._reach()
        if shared is None:
            return None
        try:
            return shared.least(_family(source_type, limit))
        except AWAY as error:
            self._lose(error)
            return None

    def _reach(self) -> SharedTally | None:
        """The count in the server that is in use; None while it is not to be asked."""
        if not self.trust.may_ask(self.clock()):
            return None
        if self._known is None:
            self._known = self.open()
        if not self._known:
            self.trust.lose(self.clock(), "no Redis is known")
            return None
        return self._known[self._turn % len(self._known)]

    def _lose(self, error: Exception) -> None:
        """What another server counts is not what this one did, which its mark tells."""
        self._turn += 1
        self.trust.lose(self.clock(), f"Redis is away: {type(error).__name__}")


def _key(
    source_type: str, base_url: str, limit: Limit, metadata: Mapping[str, JSON], given: str
) -> str:
    owner = limit.owner(metadata, given)
    told = [base_url, "token", given] if owner is None else [base_url, "owner", owner]
    digest = sha256(orjson.dumps([source_type, *told])).hexdigest()[:24]
    return f"{_family(source_type, limit)}:{digest}"


def _family(source_type: str, limit: Limit) -> str:
    return f"{source_type}:{limit.name.replace(' ', '-')}"


@dataclass(frozen=True, slots=True)
class ConnectionBudget:
    """Fulfils `spending.Budget`. windows: by the limit's name, under whose key it is counted."""

    budgets: SharedBudgets
    title: str
    limits: RateLimits
    windows: Mapping[str, Window]

    def spend(self, call: Call, *, background: bool, begun: bool) -> None:
        """See `spending.Budget`."""
        owned = self._owned(call)
        if not owned:
            return
        if not background:
            for one, told in zip(owned, self.budgets.look(owned), strict=True):
                amount = told.amount or one.limit.amount
                if one.weight and amount:
                    self.budgets.count(one, max(amount, one.weight))
            return
        waited_s, counted = 0.0, set[str]()
        while (refused := self._refused(owned, counted, begun=begun)) is not None:
            limit, wait_s = refused
            waited_s += wait_s
            if not begun or waited_s > PACE_S:
                raise BudgetSpent(
                    f"of {self.title}'s limit ({limit.name}) what nobody waits for has had its "
                    "share; it goes on when there is more",
                    retry_after_s=wait_s,
                )
            self.budgets.sleep(wait_s)

    def hear(self, call: Call, headers: Mapping[str, str], now: datetime) -> None:
        """See `spending.Budget`. No reset lies further away than its window is long."""
        for reading in self.limits.read(call, headers, now):
            window = self.windows.get(reading.limit)
            resets_s = min(reading.resets_s, float(window.per_s)) if window is not None else 0.0
            if window is not None and resets_s > 0.0:
                self.budgets.keep(window.key, reading.remaining, resets_s, reading.amount)

    def _owned(self, call: Call) -> list[_Draw]:
        """What it takes from, the shortest windows first: they are refused most often."""
        found = [
            _Draw(limit, self.windows[limit.name], weight)
            for limit in self.limits.each
            if (weight := limit.counts(call)) is not None
        ]
        return sorted(found, key=lambda one: one.limit.per_s)

    def _refused(
        self, owned: Sequence[_Draw], counted: set[str], *, begun: bool
    ) -> tuple[Limit, float] | None:
        """The limit that has no more, and for how many seconds; None where it may leave, and is
        counted: then, or in `counted` before, with each limit once.
        """
        told = self.budgets.look(owned)
        for one, last in zip(owned, told, strict=True):
            wait_s = _dry_s(one, last, begun=begun)
            if wait_s is not None:
                return one.limit, wait_s
        for one, last in zip(owned, told, strict=True):
            amount = last.amount or one.limit.amount
            if one.weight and amount and one.limit.name not in counted:
                most = max(one.weight, one.limit.background(amount, begun=begun))
                wait_s = self.budgets.refused_s(one, most)
                if wait_s is not None:
                    return one.limit, wait_s
                counted.add(one.limit.name)
        return None


def _dry_s(one: _Draw, told: Remains, *, begun: bool) -> float | None:
    """In how many seconds the provider has more than is reserved for live requests; None where it
    has it now, or does not say.
    """
    limit, amount = one.limit, told.amount or one.limit.amount
    if told.remaining is None or not amount:
        return None
    reserve = amount - limit.background(amount, begun=begun)
    wanted = reserve + max(one.weight, 1)
    back_per_s = amount / limit.per_s if limit.refills else 0.0
    left = told.remaining + told.age_s * back_per_s
    if left >= wanted:
        return None
    if not back_per_s:
        return told.resets_s
    more = min(MOST_CALLS, amount - wanted)
    return min(told.resets_s, (wanted + max(more, 0) - left) / back_per_s)
