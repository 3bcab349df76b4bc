"""Claims: the oldest first, of each lane its share, and what is dear by itself."""

from __future__ import annotations

import itertools
import uuid
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from ingest.store import claiming, deliveries
from ingest.store.claiming import DEAR_BYTES, DEAR_LEASE_S, LEASE_S, TRIED_TOGETHER, Claim
from ingest.store.deliveries import Arrival, Later
from ingest.store.engine import transaction

pytestmark = pytest.mark.integration

SMALL, LARGE = b"{}", b"x" * (DEAR_BYTES + 1)
_BEGAN = datetime(2026, 3, 2, tzinfo=UTC)
_numbers = itertools.count()


def put(engine: sa.Engine, lane: str, count: int = 1, body: bytes = SMALL) -> list[int]:
    """Deliveries of a lane, each younger than all before; their ids."""
    arrivals = []
    for number in itertools.islice(_numbers, count):
        at = _BEGAN + timedelta(seconds=number)
        key = f"{number:06}"
        arrivals.append(Arrival("github", None, key, key.encode(), "{}", body, at, lane=lane))
    with transaction(engine) as conn:
        return [id_ for id_, _ in deliveries.insert(conn, arrivals)]


def claim(engine: sa.Engine, limit: int = 10, max_bytes: int = 2**22, **wanted: bool) -> Claim:
    with transaction(engine) as conn:
        return claiming.claim(conn, limit=limit, max_bytes=max_bytes, **wanted)


def ids(claimed: Claim) -> list[int]:
    return [row.id for row in claimed.rows]


def lanes(engine: sa.Engine, claimed: Claim) -> Counter[str]:
    with transaction(engine) as conn:
        rows = conn.execute(_LANES, {"ids": ids(claimed)})
        return Counter(rows.scalars())


def given_up(engine: sa.Engine, claimed: Claim, *, only: Sequence[int] | None = None) -> None:
    """The database gave these up for their cost; they are due again."""
    later = [Later(row.id, -1.0) for row in claimed.rows if only is None or row.id in only]
    with transaction(engine) as conn:
        deliveries.give_back(conn, claimed.token, later, error="dear", setback=True, overrun=True)


_LANES = sa.text("""
SELECT lane FROM lightfast_webhook_deliveries WHERE id = ANY(CAST(:ids AS bigint[]))
""")


def test_of_one_lane_the_oldest_come_first(engine: sa.Engine) -> None:
    every = put(engine, "a", 25)
    assert [ids(claim(engine)) for _ in range(3)] == [every[:10], every[10:20], every[20:]]


def test_lanes_in_sight_take_turns(engine: sa.Engine) -> None:
    put(engine, "a", 20)
    put(engine, "b", 2)
    put(engine, "c", 9)
    first = claim(engine, 40, max_bytes=12)
    assert lanes(engine, first) == {"a": 2, "b": 2, "c": 2}
    assert first.full


def test_turns_are_by_bytes(engine: sa.Engine) -> None:
    put(engine, "a", 6, b"x" * 20_000)
    put(engine, "b", 30)
    assert lanes(engine, claim(engine, 40, max_bytes=41_000)) == {"a": 2, "b": 22}


def test_a_flood_leaves_each_lane_behind_it_its_share(engine: sa.Engine) -> None:
    put(engine, "flood", 200)
    others = [id_ for lane in ("b", "c", "d") for id_ in put(engine, lane, 2)]
    first = claim(engine)
    assert set(ids(first)) > set(others)
    assert lanes(engine, first) == {"flood": 4, "b": 2, "c": 2, "d": 2}


@pytest.mark.parametrize("floods", [2, 3, 30])
def test_floods_of_several_lanes_leave_each_lane_behind_them_its_share(
    engine: sa.Engine, floods: int
) -> None:
    """Bug: two lanes with a half each of what is due were no crowd, and nobody else was served."""
    for _ in range(40):
        for lane in range(floods):
            put(engine, f"flood {lane}")
    (behind,) = put(engine, "b")
    assert any(behind in ids(claim(engine)) for _ in range(100 if floods > 10 else 1))


def test_lanes_that_fill_a_batch_with_large_rows_leave_room_for_others(engine: sa.Engine) -> None:
    """Bug: the oldest of four lanes were always the batch, and nothing small came beside them."""
    for _ in range(10):
        for lane in range(4):
            put(engine, f"flood {lane}", body=b"x" * 2**18)
    (behind,) = put(engine, "b")
    claims = [ids(claim(engine, 500, 2**20)) for _ in range(8)]
    assert any(behind in found for found in claims)


def test_lanes_that_wait_for_something_else_take_nobodys_place(
    engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bug: paused connections filled what is looked at, and had nothing that was due."""
    monkeypatch.setattr(claiming, "LANES", 4)
    later = [id_ for lane in range(60) for id_ in put(engine, f"{lane:04x}")]
    with transaction(engine) as conn:
        conn.execute(_NOT_YET, {"ids": later})
    put(engine, "flood", 40)
    (behind,) = put(engine, "z")
    assert behind in ids(claim(engine))


def test_a_large_row_is_not_held_up_by_another_lanes_flood(engine: sa.Engine) -> None:
    """Bug: it came in its turn and was passed over, as the first in turn was never it."""
    put(engine, "flood", 200)
    (large,) = put(engine, "b", body=LARGE)
    assert ids(claim(engine, dear_first=True)) == [large]
    assert not claim(engine, dear_first=True).dear


def test_large_rows_of_one_lane_hold_up_no_large_row_of_another(engine: sa.Engine) -> None:
    """Bug: what is dear was taken by age alone."""
    put(engine, "flood", 30, LARGE)
    (behind,) = put(engine, "b", body=LARGE)
    assert any(ids(claim(engine)) == [behind] for _ in range(25))


def test_what_is_leased_parked_or_due_later_is_in_nobodys_share(engine: sa.Engine) -> None:
    put(engine, "flood", 60)
    (held,) = put(engine, "b")
    assert held in ids(claim(engine))
    assert set(lanes(engine, claim(engine))) == {"flood"}


def test_every_row_is_claimed_once_however_many_lanes_there_are(engine: sa.Engine) -> None:
    put(engine, "flood", 300)
    for lane in range(claiming.LANES + 40):
        put(engine, f"{lane:03x}")
    got: list[int] = []
    while (found := claim(engine, 50)).rows:
        got += ids(found)
    assert len(got) == len(set(got)) == 300 + claiming.LANES + 40


def test_what_is_large_is_claimed_alone_and_longer(engine: sa.Engine) -> None:
    (large,) = put(engine, "a", body=LARGE)
    small = put(engine, "b", 3)
    first, second = claim(engine), claim(engine)
    assert (ids(first), first.dear) == ([large], True)
    assert first.lease_s > DEAR_LEASE_S + LEASE_S
    assert (ids(second), second.dear) == (small, False)
    assert second.lease_s < DEAR_LEASE_S


def test_what_is_older_is_served_before_what_is_large(engine: sa.Engine) -> None:
    small = put(engine, "b", 3)
    (large,) = put(engine, "a", body=LARGE)
    assert [ids(claim(engine)), ids(claim(engine))] == [small, [large]]


def test_who_wants_nothing_dear_gets_what_stands_behind_it(engine: sa.Engine) -> None:
    put(engine, "a", 12, LARGE)
    behind = put(engine, "a", 2) + put(engine, "b", 2)
    assert sorted(ids(claim(engine, dear=False))) == behind
    assert ids(claim(engine, dear=False)) == []


def test_what_was_given_up_once_is_tried_with_few_and_then_alone(engine: sa.Engine) -> None:
    every = put(engine, "a", TRIED_TOGETHER + 4)
    given_up(engine, claim(engine, 100))
    few = claim(engine, 100)
    assert (ids(few), few.dear) == (every[:TRIED_TOGETHER], True)
    given_up(engine, few, only=every[:2])
    (fresh,) = put(engine, "a")
    assert ids(claim(engine, dear=False)) == [fresh]
    rest = [ids(claim(engine, 100)) for _ in range(3)]
    assert sorted(rest) == [[every[0]], [every[1]], every[TRIED_TOGETHER:]]
    assert ids(claim(engine, 100)) == []


def test_a_lease_is_renewed_by_its_owner_alone(engine: sa.Engine) -> None:
    (id_,) = put(engine, "a")
    held = claim(engine)
    for token, until in ((str(uuid.uuid4()), LEASE_S), (held.token, 500.0)):
        with transaction(engine) as conn:
            claiming.renew(conn, token, [id_], 500.0)
            left = conn.execute(_LEFT, {"id": id_}).scalar_one()
        assert left == pytest.approx(until, abs=5)


_NOT_YET = sa.text("""
UPDATE lightfast_webhook_deliveries SET next_attempt_at = now() + interval '1 hour'
WHERE id = ANY(CAST(:ids AS bigint[]))
""")
_LEFT = sa.text("""
SELECT CAST(extract(epoch FROM lease_until - clock_timestamp()) AS double precision)
FROM lightfast_webhook_deliveries WHERE id = :id
""")
