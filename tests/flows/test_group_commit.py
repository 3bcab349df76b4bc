"""Group commit and its bell, with a database that does what the test says."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from ingest.bell.ringer import LEAST_PAUSE_S, Ringer, next_pause_s
from ingest.core.errors import Unavailable
from ingest.flows.receiving.arrivals import Stored
from ingest.flows.receiving.group_commit import GroupCommit
from ingest.store.deliveries import Arrival
from ingest.store.engine import BadRow


def arrival(key: str, body: bytes = b"{}") -> Arrival:
    return Arrival("github", None, key, b"", "{}", body, datetime(2026, 3, 2, tzinfo=UTC))


class Database:
    """Notes the groups it stored; waits for `gate` before each; refuses keys that say `bad`."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.groups: list[list[str]] = []
        self.fault: Exception | None = None

    def insert(self, arrivals: Sequence[Arrival]) -> list[Stored]:
        assert self.gate.wait(10)
        keys = [one.delivery_key for one in arrivals]
        if self.fault is not None:
            raise self.fault
        if any(key.startswith("bad") for key in keys):
            raise BadRow("a row is at fault")
        self.groups.append(keys)
        return [(int(key), True) for key in keys]


def submit_all(commits: GroupCommit, keys: Sequence[str]) -> list[Future[Stored]]:
    """The first alone, so that the rest waits together while it is being stored."""
    first = commits.submit(arrival(keys[0]))
    until = time.monotonic() + 5
    while not first.running():
        assert time.monotonic() < until
        time.sleep(0.001)
    return [first, *(commits.submit(arrival(key)) for key in keys[1:])]


def test_what_came_meanwhile_is_stored_together_and_each_gets_its_own_answer() -> None:
    database = Database()
    sizes: list[int] = []
    commits = GroupCommit(database.insert, sizes.append)
    futures = submit_all(commits, [str(n) for n in range(9)])
    database.gate.set()
    assert [future.result(5) for future in futures] == [(n, True) for n in range(9)]
    commits.close()
    assert database.groups == [["0"], [str(n) for n in range(1, 9)]]
    assert sizes == [1, 8]


def test_a_row_at_fault_fails_alone() -> None:
    database = Database()
    sizes: list[int] = []
    commits = GroupCommit(database.insert, sizes.append)
    futures = submit_all(commits, ["0", "1", "2", "bad", "4", "5", "6"])
    database.gate.set()
    with pytest.raises(Unavailable, match="cannot be stored now"):
        futures[3].result(5)
    assert [f.result(5)[0] for f in futures if f is not futures[3]] == [0, 1, 2, 4, 5, 6]
    commits.close()
    assert sum(sizes) == 6


@pytest.mark.parametrize("fault", [Unavailable("away"), sa.exc.ProgrammingError("", {}, OSError())])
def test_a_database_that_is_away_fails_all_and_the_next_are_stored_again(fault: Exception) -> None:
    database = Database()
    commits = GroupCommit(database.insert, lambda _: None)
    database.gate.set()
    database.fault = fault
    for future in [commits.submit(arrival(str(n))) for n in range(5)]:
        with pytest.raises(Unavailable):
            future.result(5)
    database.fault = None
    assert commits.submit(arrival("7")).result(5) == (7, True)
    commits.close()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_fault_of_the_program_leaves_nobody_waiting() -> None:
    database = Database()
    commits = GroupCommit(database.insert, lambda _: None)
    database.gate.set()
    database.fault = ZeroDivisionError()
    with pytest.raises(Unavailable, match="the log says why"):
        commits.submit(arrival("1")).result(5)
    database.fault = None
    until = time.monotonic() + 5
    while True:
        try:
            assert commits.submit(arrival("2")).result(1) == (2, True)
            break
        except TimeoutError:
            assert time.monotonic() < until
    commits.close()


def test_what_waits_is_bounded_by_bytes_and_room_comes_back() -> None:
    database = Database()
    commits = GroupCommit(database.insert, lambda _: None, max_waiting_bytes=10_000)
    large = b"x" * 4000
    held = [commits.submit(arrival("0", large))]
    with pytest.raises(Unavailable) as caught:
        held.extend(commits.submit(arrival("1", large)) for _ in range(9))
    assert caught.value.retry_after_s
    database.gate.set()
    assert all(future.result(5) for future in held)
    until = time.monotonic() + 5
    while True:
        try:
            assert commits.submit(arrival("9", b"x" * 50_000)).result(5) == (9, True)
            break
        except Unavailable:
            assert time.monotonic() < until
    commits.close()


def test_who_gave_up_before_its_turn_is_not_stored() -> None:
    database = Database()
    commits = GroupCommit(database.insert, lambda _: None)
    futures = submit_all(commits, ["0", "1", "2"])
    assert futures[1].cancel()
    assert not futures[0].cancel(), "it is being stored"
    database.gate.set()
    assert futures[2].result(5) == (2, True)
    commits.close()
    assert database.groups == [["0"], ["2"]]


def test_closing_stores_what_waits_and_takes_no_more() -> None:
    database = Database()
    commits = GroupCommit(database.insert, lambda _: None, rows=2)
    futures = submit_all(commits, [str(n) for n in range(6)])
    database.gate.set()
    commits.close()
    assert all(future.done() for future in futures)
    assert max(map(len, database.groups)) == 2
    with pytest.raises(Unavailable):
        commits.submit(arrival("7"))


def waiting_for(condition: Callable[[], bool]) -> bool:
    until = time.monotonic() + 5
    while not condition() and time.monotonic() < until:
        time.sleep(0.002)
    return condition()


def test_many_notes_are_one_ring_and_none_is_forgotten() -> None:
    rung: list[int] = []
    gate = threading.Event()

    def ring() -> bool:
        rung.append(1)
        return gate.wait(5)

    ringer = Ringer(ring)
    for _ in range(50):
        ringer.notify()
    gate.set()
    assert waiting_for(lambda: len(rung) >= 1)
    ringer.notify()
    ringer.close()
    assert 2 <= len(rung) <= 3


@pytest.mark.parametrize(
    ("needed", "pauses_s"),
    [
        ([True] * 4, [0.004] * 4),
        ([False] * 6, [0.008, 0.016, 0.032, 0.05, 0.05, 0.05]),
        ([False, False, True, False], [0.008, 0.016, 0.004, 0.008]),
    ],
)
def test_who_was_rung_for_in_vain_is_rung_for_less_often(
    needed: list[bool], pauses_s: list[float]
) -> None:
    """Bug: with one pause of 50 ms for all, a delivery stood for 17 ms more at 20 a second."""
    pause_s, found = LEAST_PAUSE_S, list[float]()
    for was_needed in needed:
        pause_s = next_pause_s(pause_s, was_needed=was_needed)
        found.append(pause_s)
    assert found == pauses_s


def test_a_ringer_that_nobody_asked_ends_without_ringing() -> None:
    rung = threading.Event()

    def ring() -> bool:
        rung.set()
        return True

    Ringer(ring).close()
    assert not rung.is_set()
