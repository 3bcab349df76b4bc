"""The queue on a real PostgreSQL: once each, under leases, and never lost between two workers."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from ingest.core.errors import LeaseLost
from ingest.store import claiming, deliveries
from ingest.store.claiming import Claim
from ingest.store.deliveries import Arrival, Later, Verdict
from ingest.store.engine import transaction
from tests.factories import connect
from tests.leases import run_out

pytestmark = pytest.mark.integration

RECEIVED_AT = datetime(2026, 3, 2, tzinfo=UTC)


def arrival(key: str = "d1", body: bytes = b"{}", **told: Any) -> Arrival:
    given = {"source_type": "github", "connection_id": None, "received_at": RECEIVED_AT, **told}
    return Arrival(delivery_key=key, body_hash=b"#" + body, headers="{}", body=body, **given)


def insert(engine: sa.Engine, *arrivals: Arrival) -> list[tuple[int, bool]]:
    with transaction(engine) as conn:
        return deliveries.insert(conn, arrivals)


def claim(engine: sa.Engine, *, limit: int = 100, max_bytes: int = 2**20) -> Claim:
    """As a worker does: a batch, or one suspect as soon as it is alone."""
    with transaction(engine) as conn:
        found = claiming.claim(conn, limit=limit, max_bytes=max_bytes)
    if not found.suspects:
        return found
    with transaction(engine) as conn:
        return claiming.claim(conn, limit=limit, max_bytes=max_bytes, alone=True)


def settle(engine: sa.Engine, token: str, status: str, ids: Sequence[int]) -> None:
    with transaction(engine) as conn:
        deliveries.settle(conn, token, [Verdict(id_, status, "a reason") for id_ in ids])


def expire(engine: sa.Engine) -> None:
    """Every lease runs out, as if its worker had died."""
    run_out(engine)


def row(engine: sa.Engine, id_: int) -> Any:
    with transaction(engine) as conn:
        return conn.execute(_ROW, {"id": id_}).one()


def ids(found: Claim) -> list[int]:
    return [one.id for one in found.rows]


def test_a_delivery_is_accepted_once_and_known_ever_after(engine: sa.Engine) -> None:
    ((first, accepted),) = insert(engine, arrival())
    assert accepted
    assert insert(engine, arrival()) == [(first, False)]
    assert insert(engine, arrival(), arrival("d2"), arrival("d2"))[0] == (first, False)
    assert len(ids(claim(engine))) == 2


def test_of_equal_arrivals_in_one_call_the_first_is_accepted(engine: sa.Engine) -> None:
    (one, two, other) = insert(engine, arrival(), arrival(), arrival("d2"))
    assert (one[1], two[1], other[1]) == (True, False, True)
    assert one[0] == two[0] != other[0]


def test_each_connection_has_deliveries_of_its_own(engine: sa.Engine) -> None:
    c1, c2 = connect(engine, "github"), connect(engine, "github")
    told = [arrival(connection_id=c) for c in (c1, c2, None)]
    told.append(arrival(source_type="linear"))
    assert [accepted for _, accepted in insert(engine, *told)] == [True] * 4
    assert [accepted for _, accepted in insert(engine, *told)] == [False] * 4


def test_what_was_stored_is_claimed_to_the_byte(engine: sa.Engine) -> None:
    body = bytes(range(256))
    insert(engine, arrival(body=body))
    (found,) = claim(engine).rows
    assert (found.body, found.delivery_key, found.attempts) == (body, "d1", 1)
    assert (found.source_type, found.connection_id, found.headers) == ("github", None, {})
    assert found.received_at == RECEIVED_AT


@pytest.mark.parametrize("rounds", [12])
def test_receivers_that_race_with_the_same_deliveries_store_each_once(
    engine: sa.Engine, rounds: int
) -> None:
    """In different orders, too: a circle of waiting would cost a deadlock."""
    told = [arrival(f"d{n}") for n in range(40)]
    barrier = threading.Barrier(4)

    def receive(turn: int) -> int:
        barrier.wait()
        order = told[turn:] + told[:turn]
        return sum(accepted for _, accepted in insert(engine, *reversed(order)))

    with ThreadPoolExecutor(4) as pool:
        for number in range(rounds):
            told[:] = [arrival(f"r{number}-{n}") for n in range(40)]
            assert sum(pool.map(receive, (0, 7, 20, 33))) == len(told)
    assert len(ids(claim(engine, limit=1000))) == rounds * 40


def test_the_same_key_with_another_body_is_kept_and_counted_as_a_conflict(
    engine: sa.Engine,
) -> None:
    ((first, _),) = insert(engine, arrival(body=b"1"))
    ((second, accepted),) = insert(engine, arrival(body=b"2"))
    assert accepted
    assert (row(engine, first).conflicting, row(engine, second).conflicting) == (False, True)
    together = insert(engine, arrival("d2", b"1"), arrival("d2", b"2"), arrival("d3", b"1"))
    assert sum(row(engine, id_).conflicting for id_, _ in together) == 1
    elsewhere = arrival(body=b"3", connection_id=connect(engine, "github"))
    ((other, _),) = insert(engine, elsewhere)
    assert not row(engine, other).conflicting


@pytest.mark.parametrize(
    ("status", "again"),
    [("dead", True), ("skipped", True), ("processed", False), ("duplicate", False)],
)
def test_a_redelivery_of_what_was_dead_or_skipped_is_pending_again(
    engine: sa.Engine, status: str, again: bool
) -> None:
    ((id_, _),) = insert(engine, arrival())
    found = claim(engine)
    settle(engine, found.token, status, [id_])
    assert (row(engine, id_).status, row(engine, id_).reason) == (status, "a reason")
    assert insert(engine, arrival(received_at=RECEIVED_AT + timedelta(days=1))) == [(id_, again)]
    now = row(engine, id_)
    assert (now.status, now.attempts) == (("pending", 0) if again else (status, 1))
    assert ids(claim(engine)) == ([id_] if again else [])


def test_a_redelivery_of_what_is_pending_or_in_work_changes_nothing(engine: sa.Engine) -> None:
    ((id_, _),) = insert(engine, arrival())
    assert insert(engine, arrival()) == [(id_, False)]
    found = claim(engine)
    assert insert(engine, arrival()) == [(id_, False)]
    settle(engine, found.token, "processed", [id_])


def test_a_receiver_whose_clock_is_ahead_delays_nothing(engine: sa.Engine) -> None:
    insert(engine, arrival(received_at=datetime.now(UTC) + timedelta(hours=1)))
    assert len(claim(engine).rows) == 1


def test_a_claim_is_bounded_by_rows_and_by_bytes_and_says_that_more_waits(
    engine: sa.Engine,
) -> None:
    insert(engine, *(arrival(f"d{n}", b"x" * 1000) for n in range(5)))
    first = claim(engine, limit=2)
    assert (len(first.rows), first.full) == (2, True)
    second = claim(engine, max_bytes=1500)
    assert (len(second.rows), second.full) == (1, True)
    huge = claim(engine, max_bytes=1)
    assert len(huge.rows) == 1, "a row larger than the bound is claimed all the same"
    last = claim(engine)
    assert (len(last.rows), last.full) == (1, False)
    assert not claim(engine).rows


def test_two_claimers_get_disjoint_rows_without_waiting(engine: sa.Engine) -> None:
    insert(engine, *(arrival(f"d{n}") for n in range(10)))
    with transaction(engine) as one, transaction(engine) as two:
        first = claiming.claim(one, limit=6, max_bytes=2**20)
        second = claiming.claim(two, limit=6, max_bytes=2**20)
    assert (len(first.rows), len(second.rows)) == (6, 4)
    assert set(ids(first)).isdisjoint(ids(second))
    assert first.token != second.token


def test_many_claimers_at_once_get_every_row_once(engine: sa.Engine) -> None:
    insert(engine, *(arrival(f"d{n}") for n in range(200)))

    def drain(_: int) -> list[int]:
        mine: list[int] = []
        while found := ids(claim(engine, limit=7)):
            mine += found
        return mine

    with ThreadPoolExecutor(4) as pool:
        taken = [id_ for mine in pool.map(drain, range(4)) for id_ in mine]
    assert len(taken) == len(set(taken)) == 200


def test_a_leased_row_is_nobody_elses_until_the_lease_runs_out(engine: sa.Engine) -> None:
    insert(engine, arrival())
    claim(engine)
    assert not claim(engine).rows
    with transaction(engine) as conn:
        assert not deliveries.anything_due(conn)
    expire(engine)
    with transaction(engine) as conn:
        assert deliveries.anything_due(conn)
    assert claim(engine).rows[0].attempts == 2


def test_what_a_crash_left_is_claimed_alone_and_first(engine: sa.Engine) -> None:
    insert(engine, *(arrival(f"d{n}") for n in range(3)))
    crashed = ids(claim(engine))
    expire(engine)
    insert(engine, arrival("new"))
    alone = [claim(engine) for _ in range(3)]
    assert sorted(one for found in alone for one in ids(found)) == crashed
    assert all(len(found.rows) == 1 for found in alone)
    assert len(claim(engine).rows) == 1


def test_a_suspect_is_not_touched_by_one_who_is_not_alone(engine: sa.Engine) -> None:
    """A bug once: it was claimed before its turn, and another's crash was counted against it."""
    insert(engine, arrival())
    (id_,) = ids(claim(engine))
    expire(engine)
    with transaction(engine) as conn:
        found = claiming.claim(conn, limit=10, max_bytes=2**20)
    assert (found.rows, found.suspects) == ((), True)
    assert row(engine, id_).attempts == 1
    assert ids(claim(engine)) == [id_]


def test_only_a_crash_while_alone_counts_towards_the_end(engine: sa.Engine) -> None:
    insert(engine, arrival("d1"), arrival("d2"))
    claim(engine)
    expire(engine)
    first = claim(engine).rows[0]
    assert first.lone_crashes == 0, "it crashed in company: an innocent, perhaps"
    expire(engine)
    crashes = {claim(engine).rows[0].id: 0 for _ in range(2)}
    assert first.id in crashes
    assert row(engine, first.id).lone_crashes == 1


def test_a_row_is_settled_under_its_own_lease_alone(engine: sa.Engine) -> None:
    ((id_, _),) = insert(engine, arrival())
    late = claim(engine)
    expire(engine)
    owner = claim(engine)
    with pytest.raises(LeaseLost):
        settle(engine, late.token, "processed", [id_])
    assert row(engine, id_).status == "pending"
    settle(engine, owner.token, "processed", [id_])
    with pytest.raises(LeaseLost):
        settle(engine, owner.token, "dead", [id_])
    assert row(engine, id_).status == "processed"


def test_a_batch_that_lost_one_lease_settles_none(engine: sa.Engine) -> None:
    (one, _), (two, _) = insert(engine, arrival("d1"), arrival("d2"))
    found = claim(engine)
    settle(engine, found.token, "processed", [one])
    with pytest.raises(LeaseLost):
        settle(engine, found.token, "dead", [one, two])
    assert (row(engine, one).status, row(engine, two).status) == ("processed", "pending")


def test_what_is_given_back_is_due_later_and_uncounted(engine: sa.Engine) -> None:
    ((id_, _),) = insert(engine, arrival())
    found = claim(engine)
    with transaction(engine) as conn:
        deliveries.give_back(conn, found.token, [Later(id_, 60)], error="the tenant is paused")
    assert not claim(engine).rows
    now = row(engine, id_)
    assert (now.attempts, now.last_error) == (0, "the tenant is paused")
    with transaction(engine) as conn:
        deliveries.give_back(conn, found.token, [Later(id_, 0)], error="not mine any more")
    assert not claim(engine).rows, "a foreign lease gives nothing back"
    with transaction(engine) as conn:
        conn.execute(_DUE_NOW)
    assert claim(engine).rows[0].attempts == 1


_DUE_NOW = sa.text("UPDATE lightfast_webhook_deliveries SET next_attempt_at = now()")
_ROW = sa.text("SELECT * FROM lightfast_webhook_deliveries WHERE id = :id")
