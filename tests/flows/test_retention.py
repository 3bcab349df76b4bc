"""Retention: settled deliveries go after their time, and nothing goes with them that matters."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from ingest.flows import retention as flow
from ingest.flows.retention import Deleted
from ingest.store import deliveries, lookup_ends, queue_admin, retention, schedule
from ingest.store.engine import transaction
from tests.factories import connect, make_store
from tests.flows import halcyon
from tests.flows.desk import Desk, desk
from tests.flows.halcyon import Sent
from tests.sources.sentry.deliveries import told

__all__ = ["desk"]

pytestmark = pytest.mark.integration

KEEP_DAYS = 30
STATUSES = ("pending", "processed", "skipped", "duplicate", "dead")
TABLES = (
    "lightfast_docs_documents",
    "lightfast_ingestion_events",
    "lightfast_document_ledger",
    "lightfast_document_feeds",
    "lightfast_document_chunks",
    "lightfast_document_references",
    "lightfast_connection_facts",
    "lightfast_unsigned_times",
)
_FILL = """
INSERT INTO lightfast_webhook_deliveries
  (source_type, delivery_key, body_hash, headers, body, status, received_at, settled_at)
SELECT 'github', s || '-' || d || '-' || n, '', '{}', decode(repeat('00', :size), 'hex'), s,
       now() - make_interval(days => d, secs => n),
       CASE WHEN s <> 'pending' THEN now() - make_interval(days => d, secs => n) END
FROM unnest(CAST(:statuses AS text[])) s, unnest(CAST(:days AS int[])) d,
     generate_series(1, :rows) n
"""
_LEFT = "SELECT status, count(*) AS n FROM lightfast_webhook_deliveries GROUP BY 1 ORDER BY 1"


def always() -> bool:
    return True


def never() -> bool:
    return False


def times(steps: int) -> Callable[[], bool]:
    """Time for so many steps."""
    left = itertools.repeat(True, steps - 1)
    return lambda: next(left, False)


def fill(engine: sa.Engine, *statuses: str, days: list[int], rows: int = 1, size: int = 8) -> None:
    given = {"statuses": list(statuses), "days": days, "rows": rows, "size": size}
    with transaction(engine) as conn:
        conn.execute(sa.text(_FILL), given)


def left(desk: Desk) -> dict[str, int]:
    return {row["status"]: row["n"] for row in desk.rows(_LEFT)}


def age(desk: Desk, days: int = KEEP_DAYS + 1) -> None:
    """Let everything that is settled be settled so long ago."""
    desk.run(
        "UPDATE lightfast_webhook_deliveries"  # noqa: S608 - a number of ours
        f" SET settled_at = settled_at - interval '{days} days'"
    )


def snapshot(desk: Desk) -> dict[str, list[dict[str, Any]]]:
    """Every row that ingestion wrote, the times at which it did so included."""
    return {
        table: sorted(desk.rows(f"SELECT * FROM {table}"), key=str)  # noqa: S608 - ours
        for table in TABLES
    }


def test_what_was_settled_long_ago_goes_and_nothing_else_does(desk: Desk) -> None:
    fill(desk.engine, *STATUSES, days=[1, KEEP_DAYS - 1, KEEP_DAYS + 1, 400])
    assert flow.delete_old(desk.engine, KEEP_DAYS, go_on=always).deliveries == 6
    assert left(desk) == {"pending": 4, "dead": 4, "processed": 2, "skipped": 2, "duplicate": 2}


@pytest.mark.parametrize(("keep_days", "kept"), [(1, 1), (9, 2), (99_999, 3)])
def test_the_setting_says_for_how_long(desk: Desk, keep_days: int, kept: int) -> None:
    fill(desk.engine, "processed", days=[0, 5, 50])
    flow.delete_old(desk.engine, keep_days, go_on=always)
    assert left(desk) == {"processed": kept}


def test_a_dead_one_goes_once_it_is_replayed_and_ends_well(desk: Desk) -> None:
    fill(desk.engine, "dead", days=[400])
    (row,) = desk.rows("SELECT id FROM lightfast_webhook_deliveries")
    with transaction(desk.engine) as conn:
        assert queue_admin.replay(conn, [row["id"]]) == 1
    desk.run("UPDATE lightfast_webhook_deliveries SET status = 'skipped', settled_at = now()")
    assert flow.delete_old(desk.engine, KEEP_DAYS, go_on=always).deliveries == 0
    age(desk)
    assert flow.delete_old(desk.engine, KEEP_DAYS, go_on=always).deliveries == 1


def test_a_tick_makes_a_step_in_any_case_and_ends_when_its_time_is_up(desk: Desk) -> None:
    rows = 2 * retention.STEP_ROWS + 1
    fill(desk.engine, "processed", days=[40], rows=rows)
    done = flow.delete_old(desk.engine, KEEP_DAYS, go_on=never)
    assert done == Deleted(deliveries=retention.STEP_ROWS, more=True)
    done = flow.delete_old(desk.engine, KEEP_DAYS, go_on=times(9))
    assert done == Deleted(deliveries=rows - retention.STEP_ROWS, more=False)
    assert left(desk) == {}


def test_the_oldest_go_first(desk: Desk) -> None:
    fill(desk.engine, "processed", "skipped", days=[40, 60, 50], rows=200)
    with transaction(desk.engine) as conn:
        step, last = retention.delete_settled(conn, keep_days=KEEP_DAYS, rows=400)
        assert step == 400
        seconds = retention.oldest_settled_s(conn)
    assert last is not None
    assert seconds is not None
    assert 50 < seconds / 86_400 < 51


def test_a_step_is_bounded_in_bytes_and_deletes_one_at_least(desk: Desk) -> None:
    fill(desk.engine, "processed", days=[40], rows=5, size=1000)
    with transaction(desk.engine) as conn:
        assert retention.delete_settled(conn, keep_days=KEEP_DAYS, size=2500)[0] == 3
        assert retention.delete_settled(conn, keep_days=KEEP_DAYS, size=1)[0] == 1
    assert left(desk) == {"processed": 1}


def test_a_row_that_somebody_holds_is_left_to_him(desk: Desk) -> None:
    """Who replays it at this moment has not lost it, and nobody waits."""
    fill(desk.engine, "processed", days=[40], rows=3)
    (first, *_) = desk.rows("SELECT id FROM lightfast_webhook_deliveries ORDER BY id")
    with transaction(desk.engine) as conn:
        assert queue_admin.replay(conn, [first["id"]]) == 1
        assert flow.delete_old(desk.engine, KEEP_DAYS, go_on=always).deliveries == 2
    assert left(desk) == {"pending": 1}


def test_of_several_beats_one_has_the_tick(desk: Desk) -> None:
    fill(desk.engine, "processed", days=[40])
    done = [flow.retain(desk.engine, KEEP_DAYS, go_on=always) for _ in range(3)]
    assert [one for one in done if one is not None and one.deliveries] == [Deleted(deliveries=1)]
    assert None in done


def test_slots_of_every_schedule_go_after_a_day(desk: Desk) -> None:
    """Those of a schedule that nobody takes any more stayed for ever."""
    with transaction(desk.engine) as conn:
        for name in ("sweep", "long gone"):
            assert schedule.take_slot(conn, name, every_s=60)
    desk.run("UPDATE lightfast_schedule_slots SET started_at = now() - interval '25 hours'")
    with transaction(desk.engine) as conn:
        assert schedule.take_slot(conn, "new", every_s=60)
    assert flow.delete_old(desk.engine, KEEP_DAYS, go_on=always).slots == 2
    assert [row["schedule"] for row in desk.rows("SELECT * FROM lightfast_schedule_slots")] == [
        "new"
    ]


def test_what_look_ups_left_goes_with_a_source_that_is_disconnected(desk: Desk) -> None:
    gone, active = connect(desk.engine, "github"), connect(desk.engine, "github")
    state = {"object": "0" * 8 + "-0000-0000-0000-" + "0" * 12, "state": {"tree": "of a branch"}}
    with transaction(desk.engine) as conn:
        lookup_ends.keep(conn, [{"connection_id": one, **state} for one in (gone, active)])
    desk.run(
        "UPDATE lightfast_connected_sources SET config_status = 'disconnected'"  # noqa: S608
        f" WHERE id = '{gone}'"
    )
    assert flow.delete_old(desk.engine, KEEP_DAYS, go_on=always).states == 1
    kept = desk.rows("SELECT connection_id FROM lightfast_lookup_states")
    assert [row["connection_id"] for row in kept] == [active]


@pytest.fixture
def github(desk: Desk) -> str:
    store = make_store(desk.engine)
    return connect(desk.engine, "github", {"githubRepoId": str(halcyon.REPOSITORY)}, stores=[store])


@pytest.mark.parametrize("key", ["the same attempt", "another attempt"])
def test_a_delivery_that_is_redelivered_after_its_row_is_gone_is_a_duplicate(
    desk: Desk, github: str, key: str
) -> None:
    """Its event and its fact know it: no row of what was ingested changes."""
    sent = halcyon.issue(title="Told once", body="Fixes #2.")
    assert desk.end(github, sent, "the same attempt")[0] == "processed"
    before = snapshot(desk)
    age(desk)
    assert flow.delete_old(desk.engine, KEEP_DAYS, go_on=always).deliveries == 1
    assert left(desk) == {}
    assert desk.end(github, sent, key)[0] == "duplicate"
    assert snapshot(desk) == before


def test_an_older_word_that_is_redelivered_late_changes_nothing(desk: Desk, github: str) -> None:
    first, second = halcyon.issue(title="First", at=1), halcyon.issue(title="Second", at=2)
    for key, sent in (("1", first), ("2", second)):
        assert desk.end(github, sent, key)[0] == "processed"
    before = snapshot(desk)
    age(desk)
    assert flow.delete_old(desk.engine, KEEP_DAYS, go_on=always).deliveries == 2
    assert desk.end(github, first, "1")[0] == "duplicate"
    assert snapshot(desk) == before


@pytest.fixture
def sentry(desk: Desk) -> str:
    return connect(desk.engine, "sentry")


def _of_sentry(name: str, at: int) -> Sent:
    """A body that is sent at a time which nobody signs, in seconds after the first."""
    found = told(name)
    time = str(1_772_410_000 + at)
    return Sent("sentry", found["body"], {**found["headers"], "sentry-hook-timestamp": time})


def test_a_body_whose_time_nobody_signs_stays_at_its_first_time(desk: Desk, sentry: str) -> None:
    """A captured body that is sent again later says nothing new, its row gone or not."""
    assert desk.end(sentry, _of_sentry("issue.resolved", 0), "1")[0] == "processed"
    assert desk.end(sentry, _of_sentry("issue.unresolved", 10), "2")[0] == "processed"
    before = snapshot(desk)
    age(desk)
    assert flow.delete_old(desk.engine, KEEP_DAYS, go_on=always).deliveries == 2
    assert desk.end(sentry, _of_sentry("issue.resolved", 20), "3")[0] == "duplicate"
    assert snapshot(desk) == before


def test_what_yielded_to_an_unsigned_time_is_not_heard_again_once_it_is_gone(
    desk: Desk, sentry: str
) -> None:
    """What it costs: the row that would be played again is not there. Nothing breaks by it."""
    desk.end(sentry, _of_sentry("issue.resolved", 20), "1")
    desk.end(sentry, _of_sentry("issue.unresolved", 10), "2")
    age(desk)
    assert flow.delete_old(desk.engine, KEEP_DAYS, go_on=always).deliveries == 2
    assert desk.end(sentry, _of_sentry("issue.resolved", 0), "3")[0] == "duplicate"
    (row,) = desk.documents().values()
    assert row["source_metadata"]["status"] == "resolved"


def test_what_waits_for_a_look_up_stays_with_it(desk: Desk) -> None:
    """It is pending, however old, and its events are recorded when the look-up ends."""
    fill(desk.engine, "pending", days=[400])
    connection = connect(desk.engine, "github")
    desk.run(
        "INSERT INTO lightfast_lookups"  # noqa: S608 - an id of ours
        " (connection_id, object, scope, kind, external_id, hint)"
        f" VALUES ('{connection}', gen_random_uuid(), 's', 'k', '1', '{{}}')"
    )
    desk.run(
        "INSERT INTO lightfast_lookup_waiters SELECT l.id, d.id, 1, '[]'"
        " FROM lightfast_lookups l, lightfast_webhook_deliveries d"
    )
    assert flow.delete_old(desk.engine, KEEP_DAYS, go_on=always).deliveries == 0
    assert len(desk.rows("SELECT * FROM lightfast_lookup_waiters")) == 1


def test_due_counts_what_is_old_without_reading_it(desk: Desk) -> None:
    fill(desk.engine, "processed", days=[1, 40], rows=4, size=3000)
    with transaction(desk.engine) as conn:
        due = retention.due(conn, keep_days=KEEP_DAYS)
    assert (due.deliveries, due.body_bytes, due.more) == (4, 12_000, False)


def test_the_step_goes_by_the_index_of_what_is_settled(desk: Desk) -> None:
    """At ten million rows any other way would read them all."""
    fill(desk.engine, "processed", days=[*range(40)], rows=500)
    desk.run("ANALYZE lightfast_webhook_deliveries")
    plan = desk.rows(
        "EXPLAIN SELECT id FROM lightfast_webhook_deliveries"  # noqa: S608 - ours
        f" WHERE {retention.SETTLED} AND settled_at < now() - make_interval(days => 39)"
        " ORDER BY settled_at LIMIT 500"
    )
    assert "idx_deliveries_settled" in str(plan)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_backlog_of_two_millions_is_worked_off_beside_new_deliveries(
    desk: Desk, github: str
) -> None:
    """Every old one goes, no other does, and what comes meanwhile is processed as ever."""
    for _ in range(20):
        fill(desk.engine, "processed", days=[40 + _], rows=100_000)
    fill(desk.engine, "dead", "pending", days=[400], rows=100)
    desk.run(
        "UPDATE lightfast_webhook_deliveries SET next_attempt_at = now() + interval '1 day'"
        " WHERE status = 'pending'"
    )
    deleted, ticks = 0, 0
    while True:
        done = flow.delete_old(desk.engine, KEEP_DAYS, go_on=times(40))
        deleted, ticks = deleted + done.deliveries, ticks + 1
        if not done.more:
            break
        assert desk.end(github, halcyon.issue(title=f"Of tick {ticks}"))[0] == "processed"
    assert deleted == 2_000_000
    assert left(desk) == {"dead": 100, "pending": 100, "processed": ticks - 1}


def test_a_delivery_that_is_stored_again_is_a_new_row(desk: Desk, github: str) -> None:
    """The receiver's answer is `accepted`: whether it is news, its event decides."""
    sent = halcyon.issue()
    with transaction(desk.engine) as conn:
        ((first, _),) = deliveries.insert(conn, [sent.arrival(github, "key")])
    desk.work()
    age(desk)
    flow.delete_old(desk.engine, KEEP_DAYS, go_on=always)
    with transaction(desk.engine) as conn:
        ((again, accepted),) = deliveries.insert(conn, [sent.arrival(github, "key")])
    assert (again > first, accepted) == (True, True)
