"""Look-ups: of each connection its share, however many there are and however long they wait."""

from __future__ import annotations

import uuid
from collections import Counter
from dataclasses import replace

import pytest
import sqlalchemy as sa

from ingest.core.changes import Refresh
from ingest.core.identity import Identity
from ingest.store import conditions, lookup_admin, lookups
from ingest.store.engine import transaction
from ingest.store.lookups import LIVE, ClaimedLookup, Urgency
from tests.factories import connect

pytestmark = pytest.mark.integration

_ATTEMPT = sa.text("""
INSERT INTO lightfast_lookup_attempts
  (at, lookup_id, connection_id, kind, external_id, attempt, outcome)
VALUES (now() - make_interval(secs => :ago_s), 0, :connection_id, 'page', 'p', 1, 'seen')
""")


def ask(engine: sa.Engine, connection_id: str, count: int = 1, *, ago_s: float = 0.0) -> None:
    """Look-ups of one connection that are due since then."""
    wanted = [
        (connection_id, Refresh(Identity("notion", "1", "page", str(uuid.uuid4()))))
        for _ in range(count)
    ]
    with transaction(engine) as conn:
        lookups.request(conn, wanted, {"notion": -ago_s})


def claim(engine: sa.Engine, limit: int) -> Counter[str]:
    with transaction(engine) as conn:
        return Counter(one.connection_id for one in lookups.claim(conn, limit=limit)[1])


@pytest.mark.parametrize(("asked_ago_s", "waits_s"), [(None, 0.2), (60.0, 0.2), (1.0, 1.5)])
def test_the_first_of_a_quiet_connection_hardly_waits_for_further_events(
    engine: sa.Engine, asked_ago_s: float | None, waits_s: float
) -> None:
    of = connect(engine, "notion", token="a token")
    other = connect(engine, "notion", token="a token")
    page = Refresh(Identity("notion", "1", "page", str(uuid.uuid4())))
    with transaction(engine) as conn:
        conn.execute(_ATTEMPT, {"connection_id": other, "ago_s": 0.0})
        if asked_ago_s is not None:
            conn.execute(_ATTEMPT, {"connection_id": of, "ago_s": asked_ago_s})
        lookups.request(conn, [(of, page)], {"notion": 1.5})
        lookups.request(conn, [(of, replace(page, after_s=10.0))], {"notion": 1.5})
        waits = conn.execute(sa.text("SELECT next_attempt_at - asked_at FROM lightfast_lookups"))
        assert waits.scalar_one().total_seconds() == waits_s


def test_of_one_connection_the_oldest_come_first(engine: sa.Engine) -> None:
    of = connect(engine, "notion", token="a token")
    for ago_s in (10, 30, 20):
        ask(engine, of, ago_s=ago_s)
    with transaction(engine) as conn:
        (first,) = lookups.claim(conn, limit=1)[1]
        oldest = conn.execute(sa.text("SELECT id FROM lightfast_lookups ORDER BY next_attempt_at"))
        assert first.id == oldest.scalars().first()


def test_a_connection_of_which_nothing_runs_comes_before_others(engine: sa.Engine) -> None:
    """Bug: two connections with long queues took each thread that became free, by their age."""
    floods = [connect(engine, "notion", token="a token") for _ in range(2)]
    behind = connect(engine, "notion", token="a token")
    for flood in floods:
        ask(engine, flood, 50, ago_s=60)
    assert set(claim(engine, 6)) == {*floods}
    ask(engine, behind)
    assert claim(engine, 1) == {behind: 1}


def test_connections_of_which_nothing_runs_are_taken_in_any_order(engine: sa.Engine) -> None:
    """Bug: as many with long queues as there are threads were the only ones, by their age."""
    for _ in range(8):
        ask(engine, connect(engine, "notion", token="a token"), 100, ago_s=60)
    behind = connect(engine, "notion", token="a token")
    ask(engine, behind)
    claimed: Counter[str] = Counter()
    for _ in range(60):
        with transaction(engine) as conn:
            token, (one,) = lookups.claim(conn, limit=1)
            lookups.release(conn, token, [one.id])
        claimed[one.connection_id] += 1
    assert claimed[behind]


# What nobody waits for.


BACKGROUND = Urgency(background=True, run_id=7)


def ask_behind(engine: sa.Engine, connection_id: str, count: int, *, ago_s: float = 60.0) -> None:
    """Look-ups that nobody waits for, due since then."""
    wanted = [
        (connection_id, Refresh(Identity("notion", "1", "page", str(uuid.uuid4()))))
        for _ in range(count)
    ]
    with transaction(engine) as conn:
        lookups.request(conn, wanted, {"notion": -ago_s}, BACKGROUND)


def claimed(engine: sa.Engine, limit: int, background: int | None = None) -> list[ClaimedLookup]:
    with transaction(engine) as conn:
        return lookups.claim(conn, limit=limit, background=background)[1]


def test_what_somebody_waits_for_comes_before_what_nobody_waits_for(engine: sa.Engine) -> None:
    """Whichever connection it is of, and however long the others have been due."""
    for _ in range(3):
        ask_behind(engine, connect(engine, "notion", token="a token"), 50)
    of = connect(engine, "notion", token="a token")
    ask_behind(engine, of, 50)
    ask(engine, of, 3)
    found = claimed(engine, 8)
    assert [one.background for one in found].count(False) == 3
    assert Counter(one.connection_id for one in found if not one.background) == {of: 3}


def test_of_a_connection_at_most_two_run_that_nobody_waits_for(engine: sa.Engine) -> None:
    of = connect(engine, "notion", token="a token")
    ask_behind(engine, of, 50)
    assert len(claimed(engine, 8)) == 2
    assert claimed(engine, 8) == []
    ask(engine, of, 5)
    assert [one.background for one in claimed(engine, 8)] == [False, False]


def test_where_all_of_a_connections_four_run_nothing_more_is_claimed(engine: sa.Engine) -> None:
    of = connect(engine, "notion", token="a token")
    ask(engine, of, 3)
    ask_behind(engine, of, 50)
    assert [one.background for one in claimed(engine, 8)].count(True) == 1
    assert claimed(engine, 8) == []


def test_of_all_connections_as_many_in_the_background_as_there_is_room_for(
    engine: sa.Engine,
) -> None:
    for _ in range(6):
        of = connect(engine, "notion", token="a token")
        ask_behind(engine, of, 3)
        ask(engine, of)
    found = claimed(engine, 8, background=4)
    assert sorted(one.background for one in found) == [False] * 6 + [True] * 2
    assert sorted(one.background for one in claimed(engine, 8, background=3)) == [True] * 3


def test_the_sync_run_that_asked_is_told(engine: sa.Engine) -> None:
    ask_behind(engine, connect(engine, "notion", token="a token"), 1)
    (found,) = claimed(engine, 1)
    assert (found.background, found.run_id) == (True, 7)


def test_whoever_waits_for_what_nobody_waited_for_has_it_looked_up_like_any_other(
    engine: sa.Engine,
) -> None:
    """Also where it had been put off for long; the run that asked for it stays known."""
    of = connect(engine, "notion", token="a token")
    wanted = [(of, Refresh(Identity("notion", "1", "page", "p")))]
    with transaction(engine) as conn:
        lookups.request(conn, wanted, {"notion": 3600.0}, BACKGROUND)
        lookups.request(conn, wanted, {"notion": 0.0})
    (found,) = claimed(engine, 8, background=0)
    assert (found.background, found.run_id) == (False, 7)


def test_what_somebody_waits_for_stays_so_though_nobody_asks_for_it_too(engine: sa.Engine) -> None:
    of = connect(engine, "notion", token="a token")
    wanted = [(of, Refresh(Identity("notion", "1", "page", "p")))]
    live, behind = (wanted[0], LIVE), (wanted[0], BACKGROUND)
    for batches in ([[live], [behind]], [[behind, live]], [[live, behind]]):
        with transaction(engine) as conn:
            for batch in batches:
                lookups.request_each(conn, batch, {})
            (found,) = lookups.claim(conn, limit=1)[1]
            lookup_admin.drop(conn, of)
        assert (found.background, found.run_id) == (False, 7)


def test_while_they_rest_nothing_is_due_but_what_somebody_waits_for(engine: sa.Engine) -> None:
    of = connect(engine, "notion", token="a token")
    ask_behind(engine, of, 3)
    with transaction(engine) as conn:
        conditions.rest(conn, of, 100.0)
        conditions.rest(conn, of, 50.0)
        due_s = lookup_admin.next_due_s(conn)
    assert due_s == pytest.approx(100.0, abs=5.0)
    assert claimed(engine, 8) == []
    ask(engine, of)
    assert [one.background for one in claimed(engine, 8)] == [False]
    with transaction(engine) as conn:
        conn.execute(sa.text("UPDATE lightfast_connection_conditions SET rests_until = now()"))
    assert len(claimed(engine, 8)) == 2


def test_a_long_queue_that_nobody_waits_for_is_not_walked_over(engine: sa.Engine) -> None:
    """What is claimed costs as much beside twenty thousand of a backfill as beside none."""
    of = connect(engine, "notion", token="a token")
    with transaction(engine) as conn:
        conn.execute(_BACKFILL, {"id": of})
        conn.execute(sa.text("ANALYZE lightfast_lookups"))
    ask(engine, of)
    with transaction(engine) as conn:
        conn.execute(sa.text("SET LOCAL enable_seqscan = off"))
        given: dict[str, object] = {"each": 4, "each_background": 2, "limit": 8, "background": 4}
        given |= {"grace_s": 4.0, "lease_s": 60.0, "token": str(uuid.uuid4())}
        explain = sa.text(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {lookups._CLAIM.text}")
        (plan,) = conn.execute(explain, given).scalar_one()
    assert plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"] < 200


_BACKFILL = sa.text("""
INSERT INTO lightfast_lookups
  (connection_id, object, scope, kind, external_id, hint, background, next_attempt_at)
SELECT :id, gen_random_uuid(), '1', 'page', n::text, '{}', true, now() - interval '1 h'
FROM generate_series(1, 20000) n
""")
