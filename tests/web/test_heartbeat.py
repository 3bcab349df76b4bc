"""The receiver's heartbeat: when none was there is known, and no request waits for that."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import ProgrammingError

from ingest.core.errors import Unavailable
from ingest.store import heartbeats
from ingest.store.engine import transaction
from ingest.web.bounded_log import BoundedLog
from ingest.web.heartbeat import SILENT_S, beating, say_there
from tests.web.running import closed_database, receiver

LONG_AGO = datetime(2026, 3, 1, tzinfo=UTC)
READY_S = 20.0


def listen(answers: list[object], *, until: int) -> tuple[int, list[dict[str, Any]]]:
    """Beat until it was done so often; how often it was, and what was logged."""
    told: list[dict[str, Any]] = []
    calls: list[object] = []
    enough = threading.Event()

    def beat() -> datetime | None:
        answer = answers[len(calls)] if len(calls) < len(answers) else None
        calls.append(answer)
        if len(calls) >= until:
            enough.set()
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, datetime) else None

    async def main() -> None:
        bounded = BoundedLog(lambda event, /, **fields: told.append({"event": event, **fields}))
        with ThreadPoolExecutor(1) as threads:
            async with beating(beat, threads, bounded, every_s=0.01, again_s=0.01):
                assert await asyncio.to_thread(enough.wait, READY_S)

    asyncio.run(main())
    return len(calls), told


def test_whatever_the_database_does_the_heart_beats_on() -> None:
    """A schema that is behind is nobody's of our errors."""
    missing = ProgrammingError("SELECT", {}, ValueError("no such table"))
    calls, told = listen([Unavailable("the database is away"), missing, LONG_AGO], until=5)
    assert calls >= 5
    assert [one["reason"] for one in told] == ["the database is away", "ProgrammingError"]


def test_the_first_beat_is_at_once() -> None:
    began = time.monotonic()
    calls, told = listen([], until=1)
    assert (calls >= 1, told) == (True, [])
    assert time.monotonic() - began < 5


def test_a_beat_that_hangs_holds_up_neither_start_nor_end() -> None:
    go_on = threading.Event()

    def beat() -> None:
        go_on.wait(READY_S)

    async def main() -> float:
        began = time.monotonic()
        threads = ThreadPoolExecutor(1)
        async with beating(beat, threads, BoundedLog(lambda *_, **__: None)):
            await asyncio.sleep(0.05)
        threads.shutdown(wait=False)
        took = time.monotonic() - began
        go_on.set()
        return took

    assert asyncio.run(main()) < 2


def gaps(engine: sa.Engine) -> list[Any]:
    """How long ago each gap began and ended, in seconds, as a pair."""
    query = sa.text(
        "SELECT extract(epoch FROM now() - began_at)::float, extract(epoch FROM now() - ended_at)"
        "::float FROM lightfast_receiver_gaps ORDER BY id"
    )
    with transaction(engine) as conn:
        return [tuple(row) for row in conn.execute(query)]


def last_beat(engine: sa.Engine, ago_s: float) -> None:
    with transaction(engine) as conn:
        conn.execute(
            sa.text("UPDATE lightfast_heartbeats SET beat_at = now() - make_interval(secs => :s)"),
            {"s": ago_s},
        )


@pytest.mark.integration
def test_where_no_receiver_of_ours_ever_was_nothing_is_missed(engine: sa.Engine) -> None:
    """Somebody's own receiver may have been there all the time: `ingest.enqueue` has no heart."""
    assert say_there(engine) is None
    assert gaps(engine) == []


@pytest.mark.integration
@pytest.mark.parametrize(("silent_s", "is_gap"), [(31, False), (SILENT_S - 5, False), (125, True)])
def test_a_silence_is_a_gap_once_it_was_long(
    engine: sa.Engine, silent_s: float, is_gap: bool
) -> None:
    say_there(engine)
    last_beat(engine, silent_s)
    assert (say_there(engine) is not None) == is_gap
    assert gaps(engine) == ([(pytest.approx(silent_s, abs=5), pytest.approx(0, abs=5))] * is_gap)
    assert say_there(engine) is None
    assert len(gaps(engine)) == is_gap


@pytest.mark.integration
def test_of_several_receivers_that_come_back_at_once_one_writes_the_gap(engine: sa.Engine) -> None:
    say_there(engine)
    last_beat(engine, 600)
    together = threading.Barrier(6)

    def beat(_: int) -> bool:
        together.wait()
        return say_there(engine) is not None

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(beat, range(6))) == [False] * 5 + [True]
    assert len(gaps(engine)) == 1


def until(condition: Callable[[], bool]) -> None:
    ends_at = time.monotonic() + READY_S
    while not condition():
        assert time.monotonic() < ends_at
        time.sleep(0.05)


def was_there(engine: sa.Engine) -> bool:
    with transaction(engine) as conn:
        return heartbeats.last(conn) is not None


@pytest.mark.integration
def test_a_receiver_that_starts_says_so_and_one_that_was_away_is_missed(
    engine: sa.Engine, database_url: str
) -> None:
    with receiver(database_url, lambda _: None):
        until(lambda: was_there(engine))
    last_beat(engine, 7_200)
    with receiver(database_url, lambda _: None):
        until(lambda: bool(gaps(engine)))
    ((began, ended),) = gaps(engine)
    assert (began, ended) == (pytest.approx(7_200, abs=30), pytest.approx(0, abs=30))


@pytest.mark.integration
def test_a_receiver_lives_without_its_database_and_beats_when_it_is_back(
    engine: sa.Engine, database_url: str, postgres_url: str
) -> None:
    engine.dispose()
    with closed_database(database_url, postgres_url):
        starting = receiver(database_url, lambda _: None)
        port = starting.__enter__()
        answer = httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=20, trust_env=False)
        assert answer.status_code == 200
    try:
        until(lambda: was_there(engine))
    finally:
        starting.__exit__(None, None, None)
