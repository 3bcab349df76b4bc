"""What strangers can have written by wrong signatures: little, and nobody waits for it."""

from __future__ import annotations

from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from typing import Any

from ingest.core.errors import Unavailable
from ingest.web.unverified import AGAIN_S, EACH_S, MOST_NOTED, Unverified


@dataclass
class Later(Executor):
    """Runs what it was given when it is told to."""

    waiting: list[tuple[Future[Any], Any, tuple[Any, ...]]] = field(default_factory=list)

    def submit(self, fn: Any, /, *args: Any, **_kwargs: Any) -> Future[Any]:
        made: Future[Any] = Future()
        self.waiting.append((made, fn, args))
        return made

    def run(self) -> None:
        for future, fn, args in self.waiting:
            try:
                future.set_result(fn(*args))
            except Unavailable as error:
                future.set_exception(error)
        self.waiting.clear()


@dataclass
class Notes:
    """What was written, on a clock of its own."""

    now_s: float = 0.0
    written: list[tuple[str, str]] = field(default_factory=list)
    threads: Later = field(default_factory=Later)
    is_away: bool = False

    def __post_init__(self) -> None:
        self.unverified = Unverified(self._write, self.threads, now=lambda: self.now_s)

    def _write(self, connection: str, reason: str) -> None:
        if self.is_away:
            raise Unavailable("away")
        self.written.append((connection, reason))

    def refuse(self, connection: str, after_s: float = 0.0) -> None:
        self.now_s += after_s
        self.unverified.note(connection, "wrong")
        self.threads.run()


def test_of_one_connection_one_is_written_in_a_while() -> None:
    notes = Notes()
    for _ in range(100):
        notes.refuse("a", after_s=AGAIN_S / 100)
    assert notes.written == [("a", "wrong")]
    notes.refuse("a", after_s=AGAIN_S)
    assert len(notes.written) == 2


def test_of_many_connections_one_a_second_is_written() -> None:
    notes = Notes()
    for number in range(MOST_NOTED):
        notes.refuse(f"{number}", after_s=EACH_S / 100)
    assert len(notes.written) <= MOST_NOTED / 100 + 1
    assert len(notes.written) >= MOST_NOTED / 100 - 1


def test_while_one_is_written_no_other_waits() -> None:
    notes = Notes()
    notes.unverified.note("a", "wrong")
    notes.now_s += AGAIN_S
    notes.unverified.note("b", "wrong")
    assert len(notes.threads.waiting) == 1
    notes.threads.run()
    notes.refuse("b")
    assert [connection for connection, _ in notes.written] == ["a", "b"]


def test_a_database_that_is_away_harms_nobody() -> None:
    notes = Notes(is_away=True)
    notes.refuse("a")
    notes.is_away = False
    notes.refuse("a", after_s=AGAIN_S)
    assert notes.written == [("a", "wrong")]
