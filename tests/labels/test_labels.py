"""Our own labelled texts are sound, and what is found in them is as right as it was measured.

The guideline beside this file says how they were labelled.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from ingest.core.evaluation import KINDS, Evaluation, evaluation_of
from ingest.flows.evaluating import judge
from ingest.sources.registry import source_types

HERE = Path(__file__).parent
FILES = {"dev": "D", "aside": "A", "fresh": "F", "last": "L"}
FEWEST_TEXTS, FEWEST_OF_AN_EDGE, FEWEST_HARD_NEGATIVES = 160, 12, 40
FLOORS = {"dev": (1.0, 1.0), "aside": (1.0, 1.0), "fresh": (0.99, 0.99), "last": (0.99, 0.99)}
"""Precision and recall in total, as measured, rounded down."""


def lines(name: str) -> list[bytes]:
    return (HERE / f"{name}.jsonl").read_bytes().splitlines()


def labels(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines(name)]


def evaluated(name: str) -> Evaluation:
    return evaluation_of([*judge(lines(name))])


@pytest.mark.parametrize("name", FILES)
def test_labels_are_numbered_and_enough(name: str) -> None:
    known = labels(name)
    assert len(known) >= FEWEST_TEXTS
    assert [one["id"] for one in known] == [
        f"{FILES[name]}{number:03}" for number in range(1, len(known) + 1)
    ]
    assert sum("must_not" in one for one in known) >= FEWEST_HARD_NEGATIVES


@pytest.mark.parametrize("name", FILES)
def test_every_source_is_a_place_and_a_target_and_every_edge_has_its_labels(name: str) -> None:
    certain = [one for one in labels(name) if not one.get("ambiguous")]
    places = {one["context"]["source_type"] for one in certain}
    targets = {source for one in certain for source in one["expected"]["mentions"]}
    edges: Counter[str] = Counter()
    for one in certain:
        edges.update({kind: len(keys) for kind, keys in one["expected"]["graph"].items()})
    assert places == targets == {*source_types()}
    assert {kind for kind, count in edges.items() if count >= FEWEST_OF_AN_EDGE} == {*KINDS[1:]}


@pytest.mark.parametrize("name", FILES)
def test_the_target_of_an_edge_is_mentioned_and_nothing_is_both_expected_and_forbidden(
    name: str,
) -> None:
    for one in labels(name):
        mentions = one["expected"]["mentions"]
        said = {f"{source}:{key}" for source, keys in mentions.items() for key in keys}
        pointed = {target for keys in one["expected"]["graph"].values() for target in keys}
        assert pointed <= said, one["id"]
        forbidden = {*one.get("must_not", ())}
        assert not forbidden & {key for keys in mentions.values() for key in keys}, one["id"]


def test_no_text_stands_twice() -> None:
    texts = [one["text"].split() for name in FILES for one in labels(name)]
    assert len({" ".join(words) for words in texts}) == len(texts)


@pytest.mark.parametrize("name", FILES)
def test_what_is_found_is_as_right_as_it_was_measured(name: str) -> None:
    total = evaluated(name).total
    precision, recall = FLOORS[name]
    assert total.precision >= precision
    assert total.recall >= recall
