"""The loop: an input is bent, judged, kept where it reaches what none before it did.

Law: the inputs of a target come from the seed and the target's name alone, so that the same seed
makes the same inputs in the same order, however long it goes on.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from fuzz.growth import growth
from fuzz.reached import Reached
from fuzz.shrink import shrunk
from fuzz.target import Finding, Target, Value, judged, size, written

LARGEST = 2**20
"""Characters of JSON of one input."""
MOST_FINDINGS = 8
"""Of one target; then it stops."""
ALL_TRACED = 2_000
THEN_EVERY = 4
"""From which input on one in how many is traced."""
GROWN_EVERY = 150
"""Each so manieth is looked at for how its time grows."""


@dataclass
class Result:
    """What came of a target. lines: of the program, reached. kept: inputs that were new in that."""

    target: str
    inputs: int = 0
    kept: int = 0
    lines: int = 0
    seconds: float = 0.0
    slowest_s: float = 0.0
    slowest: str = ""
    grown: int = 0
    findings: dict[str, tuple[int, Finding]] = field(default_factory=dict)


def run(
    target: Target,
    seed: int,
    goes_on: Callable[[Result], bool],
    *,
    is_traced: bool = True,
) -> Result:
    """Inputs until `goes_on` says no, or there are too many findings."""
    result, reached = Result(target.name), Reached()
    corpus = [*target.seeds]
    began = time.process_time()
    for value in target.seeds:
        _try(target, value, result, reached if is_traced else None)
    while goes_on(result) and len(result.findings) < MOST_FINDINGS:
        number = result.inputs + 1
        rng = Random(f"{seed} {target.name} {number}")
        value = _drawn(target, rng, corpus)
        traced = is_traced and (number < ALL_TRACED or number % THEN_EVERY == 0)
        news = _try(target, value, result, reached if traced else None)
        if news:
            corpus.append(value)
            result.kept += 1
        if target.grows and number % GROWN_EVERY == 0:
            result.grown += 1
            _note(target, growth(target, rng, value), result)
        result.seconds = time.process_time() - began
    result.lines = reached.lines
    return result


def _drawn(target: Target, rng: Random, corpus: list[Value]) -> Value:
    """One of the corpus bent once to four times; the younger ones more often."""
    among = corpus[-50:] if rng.random() < 0.3 else corpus
    value = rng.choice(among)
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 4))):
        bent = target.bend(rng, value, corpus)
        if size(bent) <= LARGEST:
            value = bent
    return value


def _try(target: Target, value: Value, result: Result, reached: Reached | None) -> int:
    """Judge one input; how many lines of the program it was the first to reach."""
    result.inputs += 1
    began = time.process_time()
    found: list[Finding | None] = []

    def judge() -> None:
        found.append(judged(target, value))

    news = reached.by(judge) if reached is not None else 0
    if reached is None:
        judge()
    took = time.process_time() - began
    if took > result.slowest_s:
        result.slowest_s, result.slowest = took, written(value)
    _note(target, found[0], result)
    return news


def _note(target: Target, found: Finding | None, result: Result) -> None:
    """Keep the first of each kind, made as small as it gets."""
    if found is None or found.kind in result.findings:
        return
    kind = found.kind

    def is_same(value: Value) -> bool:
        again = judged(target, value)
        return again is not None and again.kind == kind

    if is_same(found.value):
        found = judged(target, shrunk(found.value, is_same)) or found
    result.findings[kind] = (result.inputs, found)
