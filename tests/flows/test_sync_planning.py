"""The schedule of sync runs: each connection gets exactly its runs, whatever the beats do."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.core.queues import SYNC_QUEUE
from ingest.flows.connections.lifecycle import disconnect_source, pause_source
from ingest.flows.syncs.planning import DAY_S, due_kind, last_moment, plan_due, plan_syncs
from ingest.flows.syncs.request import begin_due
from ingest.sources.listing import Listing, Resource
from ingest.store import sync_plans, sync_schedules
from ingest.store.engine import transaction
from ingest.store.sync_plans import SyncHistory
from tests.flows.shelf import Library, Shelf, ShelfEvent, fill, shelved

LISTING = Listing((Resource("books"), Resource("notes")), ShelfEvent)
BEGAN = datetime(2026, 3, 1, 12, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
TICK = timedelta(minutes=5)
DAYS = 4
QUARTERLY = "incremental"


def history(**known: Any) -> SyncHistory:
    """A connection of which all was listed an hour ago, by a run of a few minutes."""
    ago = BEGAN - timedelta(hours=1)
    made = SyncHistory("one", "shelf", BEGAN - timedelta(days=9), listed=("books", "notes"))
    return replace(made, **{"asked_at": ago, "whole_at": ago, "whole_state": "done", **known})


@pytest.mark.parametrize(("ago_s", "kind"), [(899, None), (900, QUARTERLY), (10**6, QUARTERLY)])
def test_an_incremental_run_is_due_so_long_after_any_run(ago_s: float, kind: str | None) -> None:
    asked_at = BEGAN - timedelta(seconds=ago_s)
    assert due_kind(history(asked_at=asked_at), LISTING, BEGAN) == kind


def test_a_connection_may_have_an_interval_of_its_own() -> None:
    often = history(asked_at=BEGAN - timedelta(seconds=61), incremental_s=60)
    assert due_kind(often, LISTING, BEGAN) == "incremental"
    assert due_kind(history(incremental_s=DAY_S), LISTING, BEGAN) is None
    assert due_kind(history(full_s=600), LISTING, BEGAN) == "full"


@pytest.mark.parametrize(
    ("known", "kind"),
    [
        ({"listed": ()}, None),
        ({"listed": (), "asked_at": None, "whole_at": None, "whole_state": None}, None),
        ({"listed": ("books",), "whole_state": "failed"}, "incremental"),
        ({"listed": ("books",), "whole_state": "done"}, "incremental"),
        ({"listed": ("books",), "whole_state": "cancelled"}, None),
        ({"whole_state": "cancelled"}, "incremental"),
        ({"whole_state": "stopped"}, "incremental"),
    ],
    ids=str,
)
def test_an_incremental_run_goes_on_from_what_was_listed_whole(
    known: dict[str, Any], kind: str | None
) -> None:
    """One of which nothing was would list all, under another name, beside the one that is planned
    for the night; so would one whose backfill a person has just cancelled.
    """
    today = history(connected_at=BEGAN - timedelta(hours=2), **known)
    assert due_kind(today, LISTING, BEGAN) == kind


def test_what_was_never_listed_gets_its_full_run_at_its_first_moment() -> None:
    new = SyncHistory("one", "shelf", BEGAN)
    moment = last_moment("one", DAY_S, BEGAN + timedelta(days=1))
    assert moment is not None
    assert due_kind(new, LISTING, moment - timedelta(seconds=1)) is None
    assert due_kind(new, LISTING, moment) == "full"
    long_ago = SyncHistory("one", "shelf", BEGAN - timedelta(days=400))
    assert due_kind(long_ago, LISTING, BEGAN) == "full", "a moment that was missed is made up"


@pytest.mark.parametrize("state", ["done", "failed", "stopped", "cancelled"])
def test_a_full_run_however_it_ended_is_followed_by_the_next_nights(state: str) -> None:
    moment = last_moment("one", DAY_S, BEGAN)
    assert moment is not None
    ended = history(whole_at=moment + QUARTER, asked_at=BEGAN, whole_state=state)
    assert due_kind(ended, LISTING, BEGAN) is None
    assert due_kind(ended, LISTING, moment + timedelta(days=1)) == "full"


ids = st.text(st.characters(codec="utf-8"), max_size=40)
moments = st.integers(0, 20 * 365 * DAY_S).map(lambda s: BEGAN + timedelta(seconds=s))


@given(ids, moments, st.integers(1, 30))
def test_full_runs_that_are_days_apart_begin_in_the_night(
    connection_id: str, now: datetime, days: int
) -> None:
    found = last_moment(connection_id, days * DAY_S, now)
    assert found is not None
    assert timedelta(0) <= now - found < timedelta(days=days)
    assert time(1) <= found.timetz().replace(tzinfo=None) <= time(6)


@given(ids, moments, st.integers(60, 40 * DAY_S))
def test_a_period_has_one_moment_and_it_stays(
    connection_id: str, now: datetime, full_s: int
) -> None:
    period = timedelta(seconds=full_s)
    found = last_moment(connection_id, full_s, now)
    assert found is not None
    assert found <= now < found + period + timedelta(milliseconds=1)
    later = last_moment(connection_id, full_s, now + period)
    assert later is not None
    assert abs(later - found - period) < timedelta(milliseconds=1)


def test_connections_are_spread_over_the_night() -> None:
    found = [last_moment(f"connection {n}", DAY_S, BEGAN) for n in range(2_000)]
    hours = [moment.hour for moment in found if moment is not None]
    assert {hour: hours.count(hour) for hour in range(24) if hour in hours}.keys() == {*range(1, 6)}
    assert all(320 < hours.count(hour) < 480 for hour in range(1, 6))


@dataclass
class Run:
    asked_at: datetime
    ended_at: datetime
    kind: str


@dataclass
class Simulated:
    """A connection whose runs last as long as is drawn, under beats that come and go."""

    lasts: random.Random
    known: SyncHistory
    runs: list[Run] = field(default_factory=list)

    def tick(self, now: datetime) -> None:
        if self.runs and self.runs[-1].ended_at > now:
            return
        if self.runs and self.runs[-1].kind != "incremental":
            ended = self.runs[-1].ended_at
            self.known = replace(
                self.known, whole_at=ended, whole_state="done", listed=("books", "notes")
            )
        kind = due_kind(self.known, LISTING, now)
        if kind is None:
            return
        minutes = self.lasts.choice([0, 1, 10, 60, 60 * 30 if kind == "full" else 30])
        self.runs.append(Run(now, now + timedelta(minutes=minutes), kind))
        self.known = replace(self.known, asked_at=now)

    def open_at(self, now: datetime) -> Run | None:
        return next((run for run in self.runs if run.asked_at < now < run.ended_at), None)


@settings(max_examples=10)
@given(st.randoms(use_true_random=False), ids, st.lists(st.integers(0, DAYS * 24 * 12), max_size=6))
def test_each_connection_gets_exactly_its_runs(
    lasts: random.Random, connection_id: str, edges: Sequence[int]
) -> None:
    """Beats are there and away by turns, and several of them tick at once."""
    made = Simulated(lasts, SyncHistory(connection_id, "shelf", BEGAN))
    heard = [
        BEGAN + n * TICK for n in range(DAYS * 24 * 12) if sum(edge <= n for edge in edges) % 2 == 0
    ]
    for now in heard:
        for _beat in range(lasts.choice([1, 1, 3])):
            made.tick(now)
    _has_each_full_run_once(made, heard)
    _has_no_incremental_run_too_soon_or_late(made, heard)


def _has_each_full_run_once(made: Simulated, heard: Sequence[datetime]) -> None:
    """After each moment the first tick at which nothing runs asks for a full run, unless one that
    lists all was under way then; and no other tick does.
    """
    expected: set[datetime] = set()
    for day in range(DAYS + 1):
        moment = last_moment(made.known.connection_id, DAY_S, BEGAN + timedelta(days=day))
        assert moment is not None
        under = made.open_at(moment)
        if moment <= BEGAN or (under is not None and under.kind == "full"):
            continue
        free = (t for t in heard if t >= moment and made.open_at(t) is None)
        expected |= {first} if (first := next(free, None)) is not None else set()
    assert {run.asked_at for run in made.runs if run.kind == "full"} == expected


def _has_no_incremental_run_too_soon_or_late(made: Simulated, heard: Sequence[datetime]) -> None:
    runs = made.runs
    assert [run.kind for run in runs[:1]] in ([], ["full"]), "nothing was listed whole before"
    for before, after in pairwise(runs):
        assert after.asked_at >= before.ended_at, "runs of one connection never overlap"
        if after.kind == "incremental":
            assert after.asked_at - before.asked_at >= QUARTER
        free = (t for t in heard if t >= max(before.ended_at, before.asked_at + QUARTER))
        assert after.asked_at <= next(free)


@pytest.fixture
def library(engine: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Library]:
    shelf = Shelf()
    fill(shelf, books=2)
    with shelved(shelf, monkeypatch):
        yield Library(engine, shelf)


def planned(library: Library) -> list[tuple[str, str]]:
    """Kind and state of each run, the oldest first."""
    query = "SELECT kind, state FROM lightfast_sync_runs ORDER BY id"
    return [(row["kind"], row["state"]) for row in library.rows(query)]


def plan(library: Library) -> int:
    with transaction(library.engine) as conn:
        return plan_due(conn)


def age(library: Library, by: str) -> None:
    """Let all that was asked for be so long ago, and the connection be older than that."""
    with transaction(library.engine) as conn:
        for table, columns in (
            ("sync_runs", ("requested_at", "started_at", "finished_at")),
            ("connected_sources", ("connected_at",)),
        ):
            moved = ", ".join(f"{one} = {one} - interval '{by}'" for one in columns)
            conn.execute(sa.text(f"UPDATE lightfast_{table} SET {moved}"))  # noqa: S608 - ours


@pytest.mark.integration
def test_a_new_connection_is_left_alone_and_one_of_yesterday_is_listed_whole(
    library: Library,
) -> None:
    assert plan(library) == 0
    age(library, "1 day")
    assert plan(library) == 1
    assert plan(library) == 0, "it waits"
    assert planned(library) == [("full", "waiting")]
    begin_due(library.engine)
    assert plan(library) == 0, "it runs"
    (row,) = library.rows("SELECT asked_by FROM lightfast_sync_runs")
    assert row["asked_by"] == "the schedule"


@pytest.mark.integration
def test_what_was_listed_is_listed_again_every_quarter_of_an_hour(library: Library) -> None:
    library.sync("backfill")
    assert plan(library) == 0
    _let_the_last_run_be(library, "14 minutes")
    assert plan(library) == 0
    _let_the_last_run_be(library, "16 minutes")
    assert plan(library) == 1
    assert planned(library)[-1] == ("incremental", "waiting")


def _let_the_last_run_be(library: Library, ago: str) -> None:
    """Asked for and begun so long ago; it has ended now."""
    with transaction(library.engine) as conn:
        conn.execute(
            sa.text(
                f"UPDATE lightfast_sync_runs SET requested_at = now() - interval '{ago}', "  # noqa: S608 - ours
                f"started_at = now() - interval '{ago}'"
            )
        )


@pytest.mark.integration
def test_a_connections_own_interval_counts(library: Library) -> None:
    library.sync("backfill")
    with transaction(library.engine) as conn:
        sync_schedules.override(conn, library.connection, every_s=60)
    _let_the_last_run_be(library, "61 seconds")
    assert plan(library) == 1


@pytest.mark.integration
@pytest.mark.parametrize("how", ["paused", "disconnected", "without a token"])
def test_who_cannot_be_listed_is_not_planned(library: Library, how: str) -> None:
    age(library, "1 day")
    if how == "paused":
        pause_source(library.engine, library.connection)
    elif how == "disconnected":
        disconnect_source(library.engine, library.connection)
    else:
        with transaction(library.engine) as conn:
            conn.execute(
                sa.text("DELETE FROM lightfast_source_credentials WHERE kind = 'api_token'")
            )
    assert plan(library) == 0


@pytest.mark.integration
def test_a_tick_is_one_beats_and_rings_for_what_it_planned(library: Library) -> None:
    age(library, "1 day")
    rung: list[str] = []
    assert [plan_syncs(library.engine, rung.append) for _ in range(3)] == [1, 0, 0]
    assert rung == [SYNC_QUEUE]


@pytest.mark.integration
def test_beats_that_look_at_once_ask_for_each_run_once(library: Library) -> None:
    """Whoever has read that nothing runs may be overtaken by another, whose run has begun by then:
    it looks again once nobody else can begin one.
    """
    libraries = [library, *(Library(library.engine, library.shelf) for _ in range(7))]
    age(library, "1 day")
    together = threading.Barrier(6)

    def beat() -> None:
        together.wait()
        for _ in range(5):
            plan(library)
            begin_due(library.engine)

    beats = [threading.Thread(target=beat) for _ in range(6)]
    for one in beats:
        one.start()
    for one in beats:
        one.join()
    assert planned(library) == [("full", "running")] * len(libraries)


@pytest.mark.integration
def test_a_plan_that_was_overtaken_asks_for_nothing(library: Library) -> None:
    age(library, "1 day")
    with transaction(library.engine) as conn:
        (stale,) = sync_plans.histories(conn, ["vercel"])
        assert plan(library) == 1
        begin_due(library.engine)
        assert sync_plans.lock(conn, [stale.connection_id]) == [stale.connection_id]
        assert sync_plans.histories(conn, ["vercel"], [stale.connection_id]) == []


@pytest.mark.integration
def test_a_connection_that_somebody_holds_is_left_to_the_next_tick(library: Library) -> None:
    age(library, "1 day")
    with transaction(library.engine) as conn:
        assert sync_plans.lock(conn, [library.connection]) == [library.connection]
        assert plan(library) == 0
    assert plan(library) == 1
