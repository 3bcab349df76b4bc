"""The gate: ordinary work runs together, a suspect runs with nothing beside it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from ingest.flows.deliveries.gate import Gate


def test_ordinary_work_runs_side_by_side() -> None:
    gate, both = Gate(), threading.Barrier(2, timeout=10)

    def work(_: int) -> int:
        with gate.shared():
            return both.wait()

    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(work, range(2))) == [0, 1]


def test_nothing_runs_beside_a_suspect() -> None:
    gate = Gate()
    running: list[str] = []
    seen: list[tuple[str, ...]] = []
    begin = threading.Barrier(4, timeout=10)

    def shared(_: int) -> None:
        begin.wait()
        for _ in range(200):
            with gate.shared():
                running.append("shared")
                running.remove("shared")

    def alone() -> None:
        begin.wait()
        for _ in range(50):
            with gate.alone():
                running.append("alone")
                seen.append(tuple(running))
                running.remove("alone")

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda job: job(), [lambda: shared(0), lambda: shared(1), alone, alone]))
    assert set(seen) == {("alone",)}
    assert running == []


def test_a_failure_gives_the_turn_back() -> None:
    gate = Gate()
    for turn in (gate.shared, gate.alone):
        with suppress(KeyError), turn():
            dict[str, int]()["missing"]
    with gate.alone():
        pass


def test_one_at_a_time_has_what_is_dear() -> None:
    gate = Gate()
    with gate.dear() as first:
        with gate.dear() as second:
            assert (first, second) == (True, False)
        with gate.dear() as third:
            assert not third
        assert not gate.is_over(within_s=0.01)
    assert gate.is_over(within_s=0.01)
    with gate.dear() as again:
        assert again


def test_who_waits_for_what_is_dear_hears_of_its_end() -> None:
    gate = Gate()
    with ThreadPoolExecutor(1) as threads:
        with gate.dear():
            waiting = threads.submit(gate.is_over, within_s=30)
        assert waiting.result(timeout=10)
