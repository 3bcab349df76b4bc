"""The law of time: twice the input takes no more than three times the processor time.

What is measured is the process's own time, the best of several; a suspicion is measured anew, and
judged over twice two: a square takes sixteen times as long there, where nine are the most.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from random import Random

from fuzz import trees
from fuzz.target import Finding, Target, Value, judged, size

MOST_TIMES = 3.0
FLOOR_S = 0.01
"""Below that a clock says little."""
LARGE = 2**19
"""Characters; an input is not made larger to see how it grows."""
_TRIES = (1, 1, 3)
_SIZES = (1, 2, 4)


def growth(target: Target, rng: Random, value: Value) -> Finding | None:
    """The finding where the time grows faster than one place of the input; None where it does not.

    The place is drawn; what stands there is repeated until it takes long enough to be measured.
    """
    path = trees.growing(rng, value)
    if path is None or size(value) > LARGE:
        return None

    def grown(times: int) -> Value:
        return trees.longer(value, path, times)

    times = 1
    while once(target, grown(times)) < FLOOR_S:
        times *= 2
        if size(trees.at(value, path)) * times > LARGE:
            return None
    return _compared(target, lambda more: grown(times * more), path)


def _compared(target: Target, grown: Callable[[int], Value], path: trees.Path) -> Finding | None:
    took: list[float] = []
    for tries in _TRIES:
        took = [best(target, grown(more), tries) for more in _SIZES]
        if took[2] <= MOST_TIMES**2 * max(took[0], FLOOR_S / 2):
            return None
    sizes = [size(grown(more)) for more in _SIZES]
    both = zip(sizes, took, strict=True)
    told = ", ".join(f"{n:,} characters {s * 1000:.0f} ms" for n, s in both)
    place = ".".join(map(str, path)) or "$"
    return Finding(f"grows at {place}", f"grows faster than what stands there: {told}", grown(1))


def best(target: Target, value: Value, tries: int) -> float:
    """The shortest of several runs, in seconds of processor time."""
    return min(once(target, value) for _ in range(tries))


def once(target: Target, value: Value) -> float:
    """One run; whatever it ends in, that is for others to judge."""
    began = time.process_time()
    judged(target, value)
    return time.process_time() - began
