"""Sentry signs no time: of one body the earliest counts, in whatever order its copies are heard."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from itertools import permutations
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.flows.connections import purge
from ingest.flows.connections.lifecycle import disconnect_source
from tests.factories import connect, make_store
from tests.flows.desk import Desk, desk
from tests.flows.halcyon import Sent
from tests.flows.snapshot import Snapshot, difference, snapshot
from tests.sources.sentry.deliveries import told

__all__ = ["desk"]

pytestmark = [pytest.mark.integration, pytest.mark.once]

BEGAN = 1_772_410_000
Telling = tuple[str, int]
"""A fixture and the seconds after `BEGAN` in its header."""


def sent(telling: Telling) -> Sent:
    name, after = telling
    found = deepcopy(told(name))
    headers = {**found["headers"], "sentry-hook-timestamp": str(BEGAN + after)}
    return Sent("sentry", found["body"], headers)


@pytest.fixture
def sentry(engine: sa.Engine) -> str:
    """A connection without a token."""
    return connect(engine, "sentry")


def status(desk: Desk) -> Any:
    (row,) = desk.documents().values()
    return row["source_metadata"].get("status")


def run(desk: Desk, to: str, batches: Sequence[Sequence[Telling]]) -> None:
    for batch in batches:
        desk.deliver(to, *map(sent, batch))
        desk.work()


X, Y, X_AGAIN = ("issue.resolved", 0), ("issue.unresolved", 10), ("issue.resolved", 20)


@pytest.mark.parametrize("order", list(permutations([X, Y, X_AGAIN])))
def test_any_order_of_a_body_that_is_told_twice_ends_the_same(
    desk: Desk, sentry: str, order: tuple[Telling, ...]
) -> None:
    """A bug once: three of the six orders ended `resolved`, three `unresolved`."""
    run(desk, sentry, [[telling] for telling in order])
    assert status(desk) == "unresolved"


def test_two_stores_of_a_connection_end_the_same(desk: Desk) -> None:
    stores = [make_store(desk.engine), make_store(desk.engine)]
    sentry = connect(desk.engine, "sentry", stores=stores)
    run(desk, sentry, [[X_AGAIN], [Y], [X]])
    states = [desk.documents(store).popitem()[1]["source_metadata"]["status"] for store in stores]
    assert states == ["unresolved", "unresolved"]


def test_of_one_second_the_providers_table_decides_whatever_came_first(
    desk: Desk, sentry: str
) -> None:
    """A bug once: what yielded within the very second to which a body was moved was not heard."""
    run(desk, sentry, [[("issue.created", 1)], [("issue.resolved", 0)], [("issue.created", 0)]])
    assert status(desk) == "resolved"


def test_what_yielded_to_a_repetition_is_heard_again(desk: Desk, sentry: str) -> None:
    """The repetition came before what it repeats: the comment between them was stale by mistake."""
    run(desk, sentry, [[X_AGAIN], [Y]])
    assert status(desk) == "resolved"
    run(desk, sentry, [[X]])
    assert status(desk) == "unresolved"
    query = "SELECT DISTINCT status FROM lightfast_webhook_deliveries ORDER BY status"
    assert "pending" not in [row["status"] for row in desk.rows(query)]


NAMES = (
    "issue.created",
    "issue.resolved",
    "issue.unresolved",
    "error.created",
    "event_alert.triggered",
    "comment.created",
    "comment.updated",
)
tellings = st.tuples(st.sampled_from(NAMES), st.integers(0, 3))
_FORGET = (
    "DELETE FROM lightfast_webhook_deliveries",
    "DELETE FROM lightfast_ingestion_events",
    "DELETE FROM lightfast_connection_facts",
    "DELETE FROM lightfast_unsigned_times",
    "DELETE FROM lightfast_count_marks",
    "DELETE FROM lightfast_docs_documents",
    "DELETE FROM lightfast_document_ledger",
)


def outcome(desk: Desk, to: str, batches: Sequence[Sequence[Telling]]) -> Snapshot:
    for statement in _FORGET:
        desk.run(statement)
    run(desk, to, batches)
    return snapshot(desk.engine)


few = settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@few
@given(data=st.data())
def test_any_order_of_any_repetitions_ends_in_the_same_rows(
    desk: Desk, sentry: str, data: st.DataObject
) -> None:
    _check(desk, sentry, data)


@pytest.mark.slow
@settings(few, max_examples=500)
@given(data=st.data())
def test_any_order_of_any_repetitions_for_long(
    desk: Desk, sentry: str, data: st.DataObject
) -> None:
    _check(desk, sentry, data)


def _check(desk: Desk, sentry: str, data: st.DataObject) -> None:
    said = data.draw(st.lists(tellings, min_size=2, max_size=7))
    order = data.draw(st.permutations(said))
    size = data.draw(st.integers(1, len(said)))
    batches = [order[at : at + size] for at in range(0, len(order), size)]
    one = outcome(desk, sentry, [[telling] for telling in sorted(said, key=lambda t: t[1])])
    found = difference(one, outcome(desk, sentry, batches))
    assert not found, found


def test_purged_connected_again_and_told_again_it_comes_back_whole(
    desk: Desk, engine: sa.Engine
) -> None:
    """A bug once: the events of the store outlived the connection, and all was a duplicate."""
    store = make_store(engine)
    life: list[Telling] = [("issue.created", 0), ("comment.created", 1), ("issue.resolved", 2)]
    first, other = (connect(engine, "sentry", stores=[store]) for _ in range(2))
    run(desk, first, [life])
    before = desk.documents()
    disconnect_source(engine, first)
    purge.purge_connection(engine, first)
    assert desk.documents() == {}
    again = connect(engine, "sentry", stores=[store])
    run(desk, again, [life])
    assert desk.documents().keys() == before.keys()
    run(desk, other, [life])
    assert desk.counts([again, other]) == [len(before), len(before)]
