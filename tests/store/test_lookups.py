"""Look-ups: of each connection its share, however many there are and however long they wait."""

from __future__ import annotations

import uuid
from collections import Counter

import pytest
import sqlalchemy as sa

from ingest.core.changes import Refresh
from ingest.core.identity import Identity
from ingest.store import lookups
from ingest.store.engine import transaction
from tests.factories import connect

pytestmark = pytest.mark.integration


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
