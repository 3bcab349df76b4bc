"""Turns: ordinary work runs together, a suspect runs with nothing beside it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from ingest.flows.turns import Turns


def test_ordinary_work_runs_side_by_side() -> None:
    turns, both = Turns(), threading.Barrier(2, timeout=10)

    def work(_: int) -> int:
        with turns.shared():
            return both.wait()

    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(work, range(2))) == [0, 1]


def test_nothing_runs_beside_a_suspect() -> None:
    turns = Turns()
    running: list[str] = []
    seen: list[tuple[str, ...]] = []
    begin = threading.Barrier(4, timeout=10)

    def shared(_: int) -> None:
        begin.wait()
        for _ in range(200):
            with turns.shared():
                running.append("shared")
                running.remove("shared")

    def alone() -> None:
        begin.wait()
        for _ in range(50):
            with turns.alone():
                running.append("alone")
                seen.append(tuple(running))
                running.remove("alone")

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda job: job(), [lambda: shared(0), lambda: shared(1), alone, alone]))
    assert set(seen) == {("alone",)}
    assert running == []


def test_a_failure_gives_the_turn_back() -> None:
    turns = Turns()
    for turn in (turns.shared, turns.alone):
        with suppress(KeyError), turn():
            dict[str, int]()["missing"]
    with turns.alone():
        pass
