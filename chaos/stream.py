"""In which order letters leave: a seeded mix of all accounts, some late, some twice, some dropped.

Law: a provider's state moves when something happens there, and not when its letter leaves.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from random import Random

from chaos.accounts.account import Account
from chaos.oracle import Oracle
from chaos.plan import Plan
from chaos.told import Happened, Letter, Thing

MOST_LATE = 60
"""Postings between the time when a letter would leave and the one when it does."""


@dataclass(frozen=True, slots=True)
class Posting:
    """A letter that leaves now. dropped: the sender hangs up before any answer."""

    letter: Letter
    dropped: bool = False


@dataclass(slots=True)
class Stream:
    """All postings of a run. `happen` calls what it is given while that account answers nobody.

    unsure: the things of which a letter was dropped for good: only a listing tells them.
    between: letters that leave at once, beside the plan; any thread may add some.
    told_by: the letters that spoke of a thing, in the order in which it happened.
    """

    plan: Plan
    accounts: Mapping[str, Account]
    happen: Callable[[str, Callable[[], Happened]], Happened]
    oracle: Oracle = field(default_factory=Oracle)
    unsure: set[Thing] = field(default_factory=set)
    between: deque[Letter] = field(default_factory=deque)
    told_by: dict[Thing, list[Letter]] = field(default_factory=dict)
    _waiting: list[tuple[int, int, Posting]] = field(default_factory=list)
    _number: int = 0

    def __iter__(self) -> Iterator[Posting]:
        chance = Random(self.plan.seed)
        for place in range(self.plan.deliveries):
            while not self._is_due(place):
                self._add(place, chance)
            while self.between:
                yield Posting(self.between.popleft())
            yield heapq.heappop(self._waiting)[2]

    def _is_due(self, place: int) -> bool:
        """Whether one leaves at this place: at the end those that are late are all that is left."""
        is_full = place + len(self._waiting) >= self.plan.deliveries
        return bool(self._waiting) and (is_full or self._waiting[0][0] <= place)

    def _add(self, place: int, chance: Random) -> None:
        """Let something happen, and put its letters where they leave."""
        account = self.accounts[chance.choice(sorted(self.accounts))]
        happened = self.happen(account.source_type, account.happens)
        self.oracle.hear(happened.facts)
        for fact in happened.facts:
            self.told_by.setdefault(fact.thing, []).extend(happened.letters)
        for letter in happened.letters:
            self._post(place, letter, happened, chance)

    def _post(self, place: int, letter: Letter, happened: Happened, chance: Random) -> None:
        late = chance.randint(1, MOST_LATE) if chance.random() < self.plan.late else 0
        dropped = chance.random() < self.plan.dropped
        self._put(place + late, Posting(letter, dropped))
        again = chance.random() < (0.5 if dropped else self.plan.twice)
        if again:
            self._put(place + late + chance.randint(1, MOST_LATE), Posting(letter))
        elif dropped:
            self.unsure.update(fact.thing for fact in happened.facts)

    def _put(self, place: int, posting: Posting) -> None:
        self._number += 1
        heapq.heappush(self._waiting, (place, self._number, posting))
