"""`make fuzz`, a short one over every target; and that it sees what it is to see."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from random import Random

import pytest

from fuzz import trees
from fuzz.every import every
from fuzz.growth import growth
from fuzz.reached import Reached
from fuzz.run import run
from fuzz.target import Target, Value, judged, written
from ingest.core.times import parse_time

INPUTS = 20
"""Of each target beyond those that it begins with; `make fuzz` judges many more."""


@pytest.mark.parametrize("name", every())
def test_hostile_inputs_end_as_they_may(name: str) -> None:
    target = every()[name]()
    if target is None:
        pytest.skip("the source looks nothing up")
    seeds = target.seeds[:: 1 + len(target.seeds) // INPUTS]
    few = Target(target.name, seeds, target.bend, target.check, grows=False)
    result = run(few, 1, lambda so_far: so_far.inputs < INPUTS + len(seeds), is_traced=False)
    assert [(one.told, written(one.value)) for _, one in result.findings.values()] == []


def _bent(rng: Random, value: Value, others: Sequence[Value]) -> Value:
    return trees.bent(rng, value, others)


def _deep(value: Value) -> None:
    """Refuses one thing, three steps inside."""
    held = value.get("a")
    if isinstance(held, list) and held and held[0] is None:
        raise KeyError("a")


TARGET = Target("a test", [{"a": [1, 2], "b": "text"}], _bent, _deep)


def test_what_an_input_breaks_is_found_and_made_small() -> None:
    result = run(TARGET, 1, lambda so_far: so_far.inputs < 3_000)
    (found,) = result.findings.values()
    assert found[1].value == {"a": [None]}
    assert "KeyError" in found[1].told


def test_a_seed_makes_the_same_inputs_again() -> None:
    first, second = _made(7), _made(7)
    assert first == second
    assert len({*first}) > 100
    assert _made(8) != first


def _made(seed: int) -> list[str]:
    made: list[str] = []

    def note(value: Value) -> None:
        made.append(written(value))

    target = Target("a test", TARGET.seeds, _bent, note, grows=False)
    run(target, seed, lambda so_far: so_far.inputs < 200, is_traced=False)
    return made


def test_an_input_that_reaches_a_line_anew_is_news_once() -> None:
    reached = Reached()
    assert reached.by(lambda: parse_time("2026-03-02T12:00:00Z")) > 0
    assert reached.by(lambda: parse_time("2026-03-02T12:00:00Z")) == 0


def test_time_that_grows_with_the_square_is_found_and_a_straight_line_is_not() -> None:
    square = Target("a square", ["ab"], _bent, _square)
    line = Target("a line", ["ab"], _bent, _line)
    assert growth(square, Random(1), "ab" * 50) is not None
    assert growth(line, Random(1), "ab" * 2_000) is None


def _square(value: str) -> None:
    for _ in value:
        for _ in value:
            pass


def _line(value: str) -> None:
    re.findall("a", value)


def test_what_takes_too_long_is_ended() -> None:
    def never_ends(_value: Value) -> None:
        while True:
            pass

    found = judged(Target("a test", [1], _bent, never_ends), 1, longest_s=0.1)
    assert found is not None
    assert found.kind == "endless"


def test_what_is_bent_leaves_the_value_that_was_given() -> None:
    value = {"a": [1, {"b": "text"}], "c": None}
    before = json.dumps(value)
    for number in range(500):
        trees.bent(Random(number), value, [value])
    assert json.dumps(value) == before


def test_a_number_that_is_multiplied_again_and_again_stays_one_that_can_be_written() -> None:
    """Bug: a run ended with an OverflowError of its own."""
    for seed in range(200):
        rng, value = Random(seed), 10**300
        for _ in range(50):
            bent = trees.leaf(rng, value)
            value = bent if isinstance(bent, int) and bent else value
            assert str(value)
