"""Which raw deliveries a run replays: whose they are, by whichever route they came."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
import sqlalchemy as sa

from ingest.flows.receiving.arrivals import insert_into
from ingest.flows.receiving.requests import Incoming
from ingest.flows.receiving.verify import verify
from ingest.flows.reprocess.asked import ReprocessRequest
from ingest.flows.reprocess.deliveries import replay_some, which
from ingest.flows.reprocess.trial import try_out
from ingest.sources.registry import source
from ingest.store import reprocess_deliveries
from ingest.store.engine import transaction
from ingest.store.reprocessing import Within
from ingest.store.upgrade import add_source_types
from tests.factories import SECRET, connect, make_store, signed
from tests.flows import halcyon
from tests.flows.desk import Desk, desk
from tests.flows.halcyon import Sent

__all__ = ["desk"]

pytestmark = pytest.mark.integration

DELIVERIES = ("deliveries",)


def _received(engine: sa.Engine, to: str | None, sent: Sent) -> int:
    """The id of a delivery as the receiver stores it: with its lane."""
    body = orjson.dumps(sent.body)
    headers = signed(sent.source_type, body, headers=sent.headers)
    now = datetime.now(UTC)
    incoming = Incoming(sent.source_type, to, headers, body, now)
    arrival = verify(incoming, source(sent.source_type).descriptor, [SECRET])
    assert arrival is not None
    ((id_, _),) = insert_into(engine)([arrival])
    return id_


def _replayed(engine: sa.Engine, **within: Any) -> list[int]:
    """Which deliveries a run would replay."""
    with transaction(engine) as conn:
        of = which(conn, Within(**within))
        found = reprocess_deliveries.next_deliveries(conn, of, after=0, last=10**6, limit=100)
        counted = reprocess_deliveries.count_deliveries(conn, of)
    assert found.ends
    assert sum(count for *_, count in counted) == len(found.ids)
    return [*found.ids]


def test_a_delivery_of_the_app_wide_route_is_of_each_that_it_was_for(
    desk: Desk, engine: sa.Engine
) -> None:
    """No connection counted such a one as its own, and every store did."""
    stores = [make_store(engine) for _ in range(2)]
    here, beside = (
        connect(engine, "github", {"githubRepoId": str(halcyon.REPOSITORY)}, stores=[one])
        for one in stores
    )
    elsewhere = connect(engine, "github", {"githubRepoId": str(halcyon.TWIN_REPOSITORY)})
    own = _received(engine, here, halcyon.issue(1))
    told = _received(engine, None, halcyon.issue(2))
    desk.work()
    desk.run("UPDATE lightfast_webhook_deliveries SET lane = '' WHERE connection_id IS NULL")
    nobodys = _received(engine, None, halcyon.issue(3, repository_id=909, repository="o/new"))
    desk.work()
    assert desk.delivery(nobodys)["status"] == "skipped"
    assert _replayed(engine) == [own, told, nobodys]
    assert _replayed(engine, connection=here) == [own, told]
    assert _replayed(engine, connection=beside) == [told]
    assert _replayed(engine, store=stores[0]) == [own, told]
    assert _replayed(engine, store=stores[1]) == [told]
    assert _replayed(engine, connection=elsewhere) == []
    late = connect(engine, "github", {"githubRepoId": "909"}, stores=[stores[0]])
    assert _replayed(engine, connection=late) == [nobodys]
    assert _replayed(engine, store=stores[0]) == [own, told, nobodys]


def test_what_no_adapter_reads_by_now_is_left_as_it_ended(desk: Desk, engine: sa.Engine) -> None:
    """It would end dead, and be alarming for ever."""
    github = connect(engine, "github", {"githubRepoId": str(halcyon.REPOSITORY)})
    _received(engine, github, halcyon.issue(1))
    desk.work()
    with transaction(engine) as conn:
        add_source_types(conn, ["uninstalled"])
    desk.run(
        "UPDATE lightfast_webhook_deliveries SET source_type = CAST('uninstalled' AS source_type)"
    )
    assert _replayed(engine) == []
    assert try_out(engine, ReprocessRequest(DELIVERIES), api_urls={}).deliveries == {}


def test_where_few_count_a_run_goes_on_behind_what_it_has_looked_at(
    desk: Desk, engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reprocess_deliveries, "WINDOW", 3)
    github = connect(engine, "github", {"githubRepoId": str(halcyon.REPOSITORY)})
    linear = connect(engine, "linear")
    (first,) = desk.deliver(linear, halcyon.linear_issue(1))
    for number in range(1, 8):
        desk.deliver(github, halcyon.issue(number))
    (last,) = desk.deliver(linear, halcyon.linear_issue(2))
    desk.work()
    asked, cursor = ReprocessRequest(DELIVERIES, Within(source="linear")), dict[str, Any]()
    replayed, steps = [], 0
    for _ in range(9):
        with transaction(engine) as conn:
            step = replay_some(conn, asked, cursor)
        if step.ends:
            break
        steps, cursor = steps + 1, {**step.cursor}
        replayed += cursor["under_way"]
        desk.work()
    else:
        raise AssertionError("no end")
    assert (replayed, steps) == ([first, last], 3)
