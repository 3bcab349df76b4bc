"""One call at a time for all who ask, and nobody is told what was read before he asked."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.core.errors import TransientError, Unavailable
from ingest.flows.receiving.batch_reader import BatchReader

SOON_S = 10.0


class Slow:
    """A reading that waits to be let go; `calls` are the keys that each was asked for."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.under_way = 0
        self.most_under_way = 0
        self.began = threading.Semaphore(0)
        self.go_on = threading.Semaphore(0)
        self.away = False

    def read(self, keys: Sequence[str]) -> dict[str, int]:
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        number = len(self.calls)
        self.calls.append(list(keys))
        self.began.release()
        self.go_on.acquire(timeout=SOON_S)
        self.under_way -= 1
        if self.away:
            raise TransientError("the database is away")
        return {key: number for key in keys if not key.startswith("unknown")}


def test_all_who_ask_while_one_call_is_under_way_share_the_next() -> None:
    slow = Slow()
    reader = BatchReader(slow.read)
    first = reader.ask("a")
    assert slow.began.acquire(timeout=SOON_S)
    others = [reader.ask(f"unknown-{n}") for n in range(500)]
    again = [reader.ask("a") for _ in range(3)]
    for _ in range(2):
        slow.go_on.release()
    assert first.result(SOON_S) == 0
    assert [one.result(SOON_S) for one in again] == [1, 1, 1], "it was read before it was asked for"
    assert {one.result(SOON_S) for one in others} == {None}
    assert slow.calls == [["a"], [*(f"unknown-{n}" for n in range(500)), "a"]]


def test_a_call_asks_for_so_many_and_the_rest_is_in_the_next() -> None:
    slow = Slow()
    reader = BatchReader(slow.read, most_keys=2)
    asked = [reader.ask("a")]
    assert slow.began.acquire(timeout=SOON_S)
    asked += [reader.ask(key) for key in "bcdef"]
    for _ in range(4):
        slow.go_on.release()
    assert [one.result(SOON_S) for one in asked] == [0, 1, 1, 2, 2, 3]


def test_a_failure_is_everybodys_of_that_call_and_nobodys_of_the_next() -> None:
    slow = Slow()
    reader = BatchReader(slow.read)
    slow.away = True
    first = reader.ask("a")
    assert slow.began.acquire(timeout=SOON_S)
    second, third = reader.ask("b"), reader.ask("c")
    slow.go_on.release()
    assert slow.began.acquire(timeout=SOON_S)
    fourth = reader.ask("b")
    slow.go_on.release()
    failures = [_failure(one) for one in (first, second, third)]
    assert len({id(one) for one in failures}) == 3
    assert slow.began.acquire(timeout=SOON_S)
    slow.away = False
    slow.go_on.release()
    assert fourth.result(SOON_S) == 2


def _failure(future: Future[int | None]) -> Unavailable:
    with pytest.raises(Unavailable, match="away") as caught:
        future.result(SOON_S)
    return caught.value


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_fault_of_ours_leaves_nobody_waiting() -> None:
    faulty = [True]

    def read(keys: Sequence[str]) -> dict[str, int]:
        if faulty.pop():
            raise RuntimeError("a fault")
        return dict.fromkeys(keys, 7)

    reader = BatchReader(read)
    with pytest.raises(Unavailable, match="log says why"):
        reader.ask("a").result(SOON_S)
    faulty.append(False)
    assert reader.ask("a").result(SOON_S) == 7
    for thread in threading.enumerate():
        if thread.name == "batch-reader":
            thread.join(SOON_S)  # its fault is this test's


def test_nobody_can_cancel_what_others_wait_for() -> None:
    slow = Slow()
    reader = BatchReader(slow.read)
    mine, yours = reader.ask("a"), reader.ask("a")
    assert not mine.cancel()
    slow.go_on.release()
    slow.go_on.release()
    assert yours.result(SOON_S) is not None


@given(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=40))
def test_from_many_threads_each_gets_his_own_and_never_two_calls_run_at_once(
    keys: list[str],
) -> None:
    under_way: list[int] = [0]

    def read(asked: Sequence[str]) -> dict[str, str]:
        under_way[0] += 1
        assert under_way[0] == 1
        assert len(set(asked)) == len(asked)
        under_way[0] -= 1
        return {key: key.upper() for key in asked}

    reader = BatchReader(read)
    told: dict[int, str | None] = {}

    def ask(number: int, key: str) -> None:
        told[number] = reader.ask(key).result(SOON_S)

    threads = [threading.Thread(target=ask, args=one) for one in enumerate(keys)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told == {number: key.upper() for number, key in enumerate(keys)}
