"""The clocks of hosts: told by whoever works there, and named by the doctor where they are off."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from ingest.bell.hearing import TELL_EVERY_S, Hearing
from ingest.core.queues import FETCH_QUEUE, INGEST_QUEUE, PUSH_BELL
from ingest.flows.doctor import State, look_at_clocks
from ingest.pulse import process_name
from ingest.store import clocks, health
from ingest.store.engine import transaction
from ingest.web.heartbeat import say_there

pytestmark = pytest.mark.integration


def tell(engine: sa.Engine, **ahead_s: float) -> None:
    """What processes told, by `kind_host`."""
    with transaction(engine) as conn:
        for process, seconds in ahead_s.items():
            at = datetime.now(UTC) + timedelta(seconds=seconds)
            clocks.tell(conn, process.replace("_", "@"), at)


def found(engine: sa.Engine) -> list[tuple[str, str, str | None]]:
    return [(one.state, one.said, one.remedy) for one in look_at_clocks(engine)]


def test_whoever_hears_a_bell_tells_its_clock_once_a_minute(engine: sa.Engine) -> None:
    at, now = datetime.now(UTC) - timedelta(seconds=90), 0.0
    hearing = Hearing(lambda: at, lambda: now)
    for bell in (INGEST_QUEUE, FETCH_QUEUE, PUSH_BELL):
        hearing.hear(engine, bell)
    with transaction(engine) as conn:
        told = clocks.told(conn, within_s=60)
        assert {*health.bells(conn)} == {INGEST_QUEUE, FETCH_QUEUE, PUSH_BELL}
    assert [one.process for one in told] == [
        process_name(kind) for kind in ("fetcher", "syncer", "worker")
    ]
    assert all(-95 < one.ahead_s < -89 for one in told)
    at, now = datetime.now(UTC), TELL_EVERY_S - 1
    hearing.hear(engine, INGEST_QUEUE)
    with transaction(engine) as conn:
        assert clocks.told(conn, within_s=60)[2].ahead_s == told[2].ahead_s
    now = TELL_EVERY_S
    hearing.hear(engine, INGEST_QUEUE)
    with transaction(engine) as conn:
        assert abs(clocks.told(conn, within_s=60)[2].ahead_s) < 5


def test_a_receivers_heartbeat_tells_its_clock(engine: sa.Engine) -> None:
    say_there(engine, lambda: datetime.now(UTC) + timedelta(seconds=7))
    ((state, said, remedy),) = found(engine)
    assert state == State.FAILED
    assert f"{process_name('web')} is 7.0 s ahead of the database's" in said
    assert "genuine ones may be refused" in said
    assert remedy is not None
    assert process_name("web").partition("@")[2] in remedy


def test_a_host_that_is_off_is_named_and_no_other(engine: sa.Engine) -> None:
    assert [state for state, *_ in found(engine)] == [State.NOTE]
    tell(engine, worker_one=0.2, fetcher_one=0.1, worker_two=-4.9)
    ((state, said, _),) = found(engine)
    assert (state, "3 agree" in said, "worker@two is 4.9 s behind" in said) == ("ok", True, True)
    tell(engine, worker_two=-61, syncer_two=-61)
    assert [(state, remedy) for state, _, remedy in found(engine)] == [
        ("failed", "timedatectl set-ntp true (on two)")
    ] * 2


def test_where_all_hosts_are_off_to_one_side_it_is_the_database(engine: sa.Engine) -> None:
    tell(engine, worker_one=31, web_two=30)
    ((state, said, remedy),) = found(engine)
    assert (state, said[:31]) == ("failed", "the database's clock is 30.0 s ")
    assert "behind that of every host" in said
    assert remedy == "timedatectl set-ntp true (on the database's host)"
    tell(engine, worker_one=-31)
    assert len(found(engine)) == 2, "each is off by itself"


def test_what_was_told_long_ago_is_of_nobody(engine: sa.Engine) -> None:
    tell(engine, worker_gone=500)
    for ago, kept in (("2 hours", 0), ("2 days", 1)):
        with transaction(engine) as conn:
            conn.execute(
                sa.text("UPDATE lightfast_clocks SET told_at = now() - CAST(:ago AS interval)"),
                {"ago": ago},
            )
            assert clocks.forget(conn) == kept
        assert [state for state, *_ in found(engine)] == [State.NOTE]
