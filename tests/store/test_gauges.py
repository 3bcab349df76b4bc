"""What whoever watches reads of the database: backlog apart from what waits, and what ended."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from ingest.store import conditions, gauges, lookup_counts, schedule
from ingest.store.engine import transaction
from ingest.store.reasons import PARKED, PAUSED
from tests.factories import connect

pytestmark = pytest.mark.integration

_DELIVERY = sa.text("""
INSERT INTO lightfast_webhook_deliveries
  (source_type, delivery_key, body_hash, headers, body, status, last_error, conflicting,
   next_attempt_at, lease_until, received_at, settled_at)
VALUES (:source, :key, '\\x00', '{}', '', :status, :error, :conflicting,
        now() + make_interval(secs => :due_in_s), now() + make_interval(secs => :leased_s),
        now() - interval '3 seconds', now() - make_interval(secs => :settled_s))
""")
_LOOK_UP = sa.text("""
INSERT INTO lightfast_lookups
  (connection_id, object, scope, kind, external_id, hint, last_error, next_attempt_at)
VALUES (:connection, gen_random_uuid(), '', 'issue', '1', '{}', :error, now() - interval '30 s')
""")
_PAUSE = sa.text("""
UPDATE lightfast_connected_sources SET is_active = false, config_status = 'refused' WHERE id = :id
""")


def delivery(conn: sa.Connection, key: str, source: str = "github", **told: object) -> None:
    given = {"status": "pending", "error": None, "conflicting": False, "due_in_s": -60}
    more = {"leased_s": None, "settled_s": None}
    conn.execute(_DELIVERY, {**given, **more, "source": source, "key": key, **told})


def test_backlog_is_told_apart_from_what_waits(engine: sa.Engine) -> None:
    """What a paused connection holds back is nobody's lateness, however long it waits."""
    active, refused, held = (connect(engine, name) for name in ("github", "linear", "sentry"))
    with transaction(engine) as conn:
        delivery(conn, "late")
        delivery(conn, "claimed", leased_s=30)
        delivery(conn, "parked", due_in_s=86_400, error=PARKED)
        delivery(conn, "paused", due_in_s=900, error=PAUSED)
        delivery(conn, "again", due_in_s=9, error="the database was away")
        delivery(conn, "dead", "linear", status="dead", settled_s=1)
        for connection, error in ((active, "answered 502"), (active, None), (refused, None)):
            conn.execute(_LOOK_UP, {"connection": connection, "error": error})
        conn.execute(_LOOK_UP, {"connection": held, "error": None})
        conn.execute(_PAUSE, {"id": refused})
        conditions.rate_limit(conn, held, 60)
        schedule.hear(conn, "ingest")
        schedule.take_slot(conn, "sweep", every_s=5)
    with transaction(engine) as conn:
        found = gauges.read(conn)
    assert {key: figure for key, figure in found["items"] if key[0] == "ingest"} == {
        ("ingest", "github", state): 1.0
        for state in ("due", "claimed", "looked_up", "paused", "waiting")
    }
    assert {key: figure for key, figure in found["items"] if key[0] == "fetch"} == {
        ("fetch", "github", "due"): 2.0,
        ("fetch", "linear", "paused"): 1.0,
        ("fetch", "sentry", "held"): 1.0,
    }
    assert dict(found["due_s"]) == {
        ("ingest", "github"): pytest.approx(60, abs=5),
        ("fetch", "github"): pytest.approx(30, abs=5),
    }
    assert (("fetch", "github"), 1.0) in found["failing"]
    assert found["dead"] == [(("linear",), 1.0)]
    assert dict(found["connections"]) == {
        ("github", "active"): 1.0,
        ("linear", "refused"): 1.0,
        ("sentry", "held"): 1.0,
    }
    assert len(found["ticked_at"]) == len(found["heard_at"]) == 1
    assert not found["receiver_at"]


def test_what_ended_within_the_minute_is_counted_and_timed(engine: sa.Engine) -> None:
    with transaction(engine) as conn:
        for at in range(4):
            delivery(conn, f"new {at}", status="processed", settled_s=0)
        delivery(conn, "old", status="processed", settled_s=90)
        delivery(conn, "twice", status="duplicate", settled_s=5, conflicting=True)
        delivery(conn, "dead", status="dead", settled_s=5)
        delivery(conn, "died long ago", status="dead", settled_s=90)
    with transaction(engine) as conn:
        found = gauges.read_costly(conn)
    assert dict(found["settled"]) == {
        ("github", "processed"): 4.0,
        ("github", "duplicate"): 1.0,
        ("github", "dead"): 1.0,
    }
    assert [key[1] for key, _ in sorted(found["visible_s"])] == ["50", "95", "99"]
    assert {figure for _, figure in found["visible_s"]} == {3.0}
    assert found["conflicting"] == [(("github",), 1.0)]
    ((_, size),) = found["size"]
    assert size > 2**20


def test_look_ups_add_up_by_source_end_and_class_of_times(engine: sa.Engine) -> None:
    seen = ("github", "seen")
    with transaction(engine) as conn:
        lookup_counts.add(conn, [])
        lookup_counts.add(conn, [(*seen, 0.05), (*seen, 0.1), (*seen, 2.0), ("sentry", "gone", 45)])
    with transaction(engine) as conn:
        lookup_counts.add(conn, [(*seen, 0.3)])
        found = gauges.read(conn)
    times = dict(found["look_up_times"])
    assert {within_s: many for (*of, within_s), many in times.items() if tuple(of) == seen} == {
        "0.1": 2,
        "0.25": 2,
        "0.5": 3,
        "1.0": 3,
        **dict.fromkeys(("2.5", "5.0", "10.0", "30.0", "inf"), 4),
    }
    assert times["sentry", "gone", "30.0"] == 0, "all have the same classes: they are added up"
    assert times["sentry", "gone", "inf"] == 1
    sums = dict(found["look_up_seconds"])
    assert sums == {seen: pytest.approx(2.45), ("sentry", "gone"): 45}
