"""References that a dead worker left unbound: found again, a bounded number at a time."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa

from ingest.core.errors import Costly
from ingest.flows import binding
from ingest.store import references
from ingest.store.engine import transaction
from tests.factories import connect
from tests.flows import halcyon
from tests.flows.desk import Desk, desk

__all__ = ["desk"]

pytestmark = pytest.mark.integration


@pytest.fixture
def unbound(desk: Desk, engine: sa.Engine) -> Callable[[], int]:
    """Thirty issues that each point at the first; how many do not find it."""
    to = connect(engine, "github")
    desk.deliver(to, *(halcyon.issue(n, body="#1 again") for n in range(1, 31)))
    desk.work()
    desk.run("UPDATE lightfast_document_references SET target_document_id = NULL")

    def count() -> int:
        query = "SELECT FROM lightfast_document_references WHERE target_document_id IS NULL"
        return len(desk.rows(query))

    return count


def test_all_are_bound_where_they_are_few(engine: sa.Engine, unbound: Callable[[], int]) -> None:
    assert unbound() == 29
    binding.bind_pending(engine)
    assert unbound() == 0


def test_a_part_is_looked_at_where_they_are_many(
    engine: sa.Engine, unbound: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bug: each minute all of everybody's were, for minutes where there were millions."""
    monkeypatch.setattr(references, "MOST_PENDING", 7)
    seen = [unbound()]
    while seen[-1] and len(seen) < 300:
        binding.bind_pending(engine)
        assert seen[-1] - 7 <= unbound() <= seen[-1]
        seen.append(unbound())
    assert seen[-1] == 0


def test_what_is_too_dear_is_not_run_again(engine: sa.Engine) -> None:
    """Bug: a thing that a million point at held its worker up for five times a minute."""
    runs: list[int] = []

    def dear(conn: sa.Connection) -> None:
        runs.append(1)
        raise Costly("too long")

    binding._patiently(engine, dear)
    assert len(runs) == 1
    with transaction(engine) as conn:
        references.bind_pending(conn)
