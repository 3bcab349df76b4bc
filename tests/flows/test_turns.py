"""Turns: ordinary work runs together, a suspect runs with nothing beside it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from ingest.flows.deliveries.turns import Turns


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


def test_one_at_a_time_has_what_is_dear() -> None:
    turns = Turns()
    with turns.dear() as first:
        with turns.dear() as second:
            assert (first, second) == (True, False)
        with turns.dear() as third:
            assert not third
        assert not turns.is_over(within_s=0.01)
    assert turns.is_over(within_s=0.01)
    with turns.dear() as again:
        assert again


def test_who_waits_for_what_is_dear_hears_of_its_end() -> None:
    turns = Turns()
    with ThreadPoolExecutor(1) as threads:
        with turns.dear():
            waiting = threads.submit(turns.is_over, within_s=30)
        assert waiting.result(timeout=10)
