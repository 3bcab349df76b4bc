"""The faults of a run: each strikes before a certain posting, and ends after its time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from random import Random

from chaos.faults.draw import FAULTS, absent, drawn
from chaos.plan import Plan
from chaos.report import Struck
from chaos.site import Site


@dataclass(slots=True)
class Storm:
    """One fault at a time. struck: those that did, with their times in seconds since 1970."""

    plan: Plan
    site: Site
    say: Callable[[str], None]
    struck: list[Struck] = field(default_factory=list)
    _coming: Iterator[tuple[str, Random]] = field(init=False)
    _held: ExitStack = field(default_factory=ExitStack)
    _until: float | None = None

    def __post_init__(self) -> None:
        without = absent(self.plan, is_pooled=self.site.is_pooled)
        self._coming = drawn(self.plan.seed, self.plan.only, without)

    def turn(self, sent: int) -> None:
        """End what has lasted long enough, and begin what is due after so many postings."""
        if self._until is not None and time.monotonic() >= self._until:
            self._calm()
        due = len(self.struck) < self.plan.faults
        if self._until is None and due and sent >= self.plan.strikes_at(len(self.struck)):
            self._strike(*next(self._coming))

    def end(self) -> None:
        """No more of it; those that did not come in time come now, one after the other."""
        while self._until is not None or len(self.struck) < self.plan.faults:
            self.turn(self.plan.deliveries)
            self.site.tend()
            time.sleep(0.05)

    def _strike(self, name: str, chance: Random) -> None:
        self.struck.append(Struck(name, time.time()))
        lasts_s = self._held.enter_context(FAULTS[name](self.site, chance))
        self.say(f"fault {len(self.struck)}: {name}, {lasts_s:.1f} s")
        self._until = time.monotonic() + lasts_s

    def _calm(self) -> None:
        self._held.close()
        self._until = None
        self.struck[-1].ended_at = time.time()
