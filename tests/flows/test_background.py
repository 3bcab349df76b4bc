"""Look-ups that nobody waits for: behind the others, within their budget, and made all the same."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from uuid import uuid4

import pytest
import sqlalchemy as sa

from ingest.core.changes import Refresh
from ingest.core.errors import BudgetSpent
from ingest.core.identity import Identity
from ingest.core.values import JSON
from ingest.flows.lookups.drain import drain_lookups
from ingest.flows.lookups.request import request_lookups
from ingest.sources.contract import Source
from ingest.sources.limits import Call
from ingest.sources.spending import Budget
from ingest.store.engine import transaction
from ingest.testing.fakes import Answer, Asked
from tests.factories import connect
from tests.flows.asking_notion import WORKSPACE, Office, event, office, page_id

pytestmark = pytest.mark.integration

SLOW, QUICK = "51075107", "0a1c0a1c"
"""What the ids of pages begin with that nobody waits for, and of the others."""
SLOW_S = 1.0
RUN = 7


@pytest.fixture
def desk(engine: sa.Engine) -> Iterator[Office]:
    with office(engine) as made:
        yield made


def wanted(desk: Office, *ids: str, connection: str = "") -> list[tuple[str, Refresh]]:
    of = connection or desk.connection
    return [(of, Refresh(Identity("notion", WORKSPACE, "page", id_))) for id_ in ids]


def ask(
    desk: Office, *ids: str, connection: str = "", background: bool, run_id: int | None = None
) -> None:
    with transaction(desk.engine) as conn:
        request_lookups(
            conn,
            wanted(desk, *ids, connection=connection),
            background=background,
            run_id=run_id,
        )


@dataclass
class Dated:
    """A provider that writes down when it was first asked for each page."""

    inner: object
    first: dict[str, float] = field(default_factory=dict)
    token: str = ""

    def answer(self, asked: Asked) -> Answer:
        self.first.setdefault(asked.path.rpartition("/")[2], time.monotonic())
        return self.inner.answer(asked)  # type: ignore[attr-defined, no-any-return] # a provider


@contextmanager
def draining(desk: Office) -> Iterator[None]:
    """A fetcher that works until the end of the block."""
    over = threading.Event()

    def run() -> None:
        while not over.is_set():
            drain_lookups(desk.engine, desk.clients, go_on=lambda: not over.is_set())
            over.wait(0.05)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def crowd(desk: Office, *, live: int, every_s: float, connections: int) -> list[float]:
    """Seconds from each request that somebody waits for until the provider is asked, while slow
    ones that nobody waits for fill all there is of each connection.
    """
    others = [
        connect(desk.engine, "notion", stores=[desk.store], token=desk.notion.token)
        for _ in range(connections - 1)
    ]
    for of in (desk.connection, *others):
        ask(
            desk, *(f"{SLOW}{str(uuid4())[8:]}" for _ in range(200)), connection=of, background=True
        )
    dated = Dated(desk.notion)
    desk.fake.provider, desk.fake.latency_s, desk.fake.slow = dated, SLOW_S, SLOW
    asked: dict[str, float] = {}
    with draining(desk):
        time.sleep(2 * SLOW_S)
        for number in range(live):
            id_ = f"{QUICK}{str(uuid4())[8:]}"
            of = [desk.connection, *others][number % connections]
            ask(desk, id_, connection=of, background=False)
            asked[id_] = time.monotonic()
            time.sleep(every_s)
        until = time.monotonic() + 20.0
        while not dated.first.keys() >= asked.keys() and time.monotonic() < until:
            time.sleep(0.05)
    return sorted(dated.first[id_] - at for id_, at in asked.items())


def test_beside_a_backfill_a_live_look_up_begins_within_five_seconds(desk: Office) -> None:
    """With the second that each waits for further events of its object."""
    waits = crowd(desk, live=20, every_s=0.1, connections=4)
    assert waits[int(len(waits) * 0.99)] < 5.0
    slow = [path for path in desk.fake.asked_for(SLOW) if "/pages/" in path.path]
    assert len(slow) >= 4, "the backfill goes on meanwhile"


def test_half_of_the_threads_are_kept_for_what_somebody_waits_for(desk: Office) -> None:
    """Whichever connections the others are of."""
    for _ in range(5):
        of = connect(desk.engine, "notion", stores=[desk.store], token=desk.notion.token)
        ask(desk, *(f"{SLOW}{str(uuid4())[8:]}" for _ in range(5)), connection=of, background=True)
    desk.fake.latency_s = 0.2
    until = time.monotonic() + 1.5
    time.sleep(1.0)  # they are due
    drain_lookups(desk.engine, desk.clients, go_on=lambda: time.monotonic() < until, threads=4)
    assert desk.fake.most_at_once == 2


@pytest.mark.slow
def test_beside_a_backfill_live_look_ups_begin_within_five_seconds(desk: Office) -> None:
    waits = crowd(desk, live=300, every_s=0.1, connections=10)
    assert waits[int(len(waits) * 0.99)] < 5.0


# The budget.


@dataclass
class Purse:
    """A budget that has so many requests for what nobody waits for."""

    left: int
    retry_after_s: float = 30.0
    asked: list[bool] = field(default_factory=list)

    def spend(self, _call: Call, *, background: bool, begun: bool) -> None:
        self.asked.append(background)
        if background:
            self.left -= 1
            if self.left < 0 and not begun:
                raise BudgetSpent("no more", retry_after_s=self.retry_after_s)

    def hear(self, _call: Call, _headers: Mapping[str, str], _now: datetime) -> None:
        """Nothing is told here."""

    def of(
        self, _found: Source, _base_url: str, _metadata: Mapping[str, JSON], _given: str
    ) -> Budget:
        return self


def rows(desk: Office) -> list[dict[str, object]]:
    return desk.rows(
        "SELECT external_id AS id, attempts, background, run_id, last_error,"
        " round(extract(epoch FROM next_attempt_at - now())) AS due_s"
        " FROM lightfast_lookups ORDER BY external_id"
    )


def test_where_the_budget_is_spent_it_is_put_off_and_that_counts_for_nothing(
    desk: Office,
) -> None:
    desk.clients.budgets = Purse(0)
    ask(desk, page_id("Runbook"), background=True, run_id=RUN)
    desk.write("Runbook", "A text.")
    assert desk.look_up() == {"put_off": 1}
    (row,) = rows(desk)
    assert (row["attempts"], row["background"], row["run_id"]) == (0, True, RUN)
    assert row["due_s"] == pytest.approx(30, abs=3)
    assert desk.fake.requests == []


def test_the_others_of_the_connection_rest_too_and_what_somebody_waits_for_goes_on(
    desk: Office,
) -> None:
    desk.clients.budgets = purse = Purse(0)
    ask(desk, *(page_id(str(number)) for number in range(50)), background=True)
    assert desk.look_up()["put_off"] <= 2
    assert desk.look_up() == {}
    assert len(purse.asked) <= 2
    desk.write("Runbook", "A text.")
    (ended,) = desk.end(event("page.created", "Runbook"))
    assert ended == ("processed", "looked up")
    assert purse.asked[-1] is False


def test_it_goes_on_when_there_is_more(desk: Office) -> None:
    desk.clients.budgets = purse = Purse(0, retry_after_s=0.5)
    desk.write("Runbook", "A text.")
    ask(desk, page_id("Runbook"), background=True)
    assert desk.look_up() == {"put_off": 1}
    purse.left = 99
    time.sleep(0.6)
    assert desk.look_up() == {"seen": 1}
    assert "A text." in desk.texts()["Runbook"]


def test_a_delivery_makes_it_live_and_ends_with_it(desk: Office) -> None:
    """It was put off for want of a budget, and the webhook comes meanwhile."""
    desk.clients.budgets = Purse(0, retry_after_s=3000.0)
    desk.write("Runbook", "A text.")
    ask(desk, page_id("Runbook"), background=True, run_id=RUN)
    desk.look_up()
    (id_,) = desk.deliver(event("page.created", "Runbook"))
    desk.work()
    (row,) = rows(desk)
    assert (row["background"], row["run_id"]) == (False, RUN)
    assert row["due_s"] == pytest.approx(1, abs=1)
    desk.look_up()
    assert desk.delivery(id_) == ("processed", "looked up")


def test_one_that_runs_for_nobody_is_made_once_more_for_whoever_waits_by_then(
    desk: Office,
) -> None:
    desk.write("Runbook", "The old text.")
    ask(desk, page_id("Runbook"), background=True)
    desk.fake.latency_s = 0.3
    running = threading.Thread(target=desk.look_up)
    running.start()
    while not desk.fake.requests:
        pass
    (id_,) = desk.deliver(event("page.created", "Runbook"))
    desk.work()
    running.join()
    desk.fake.latency_s = 0.0
    desk.look_up()
    assert desk.delivery(id_) == ("processed", "looked up")
    assert desk.rows("SELECT 1 FROM lightfast_lookups") == []


def test_a_renewal_has_no_part_in_it(desk: Office) -> None:
    """All requests of a look-up are of its kind, the first one and the others."""
    desk.clients.budgets = purse = Purse(99)
    desk.write("Runbook", "A text.")
    ask(desk, page_id("Runbook"), background=True)
    desk.look_up()
    assert len(purse.asked) == len(desk.fake.requests) > 1
    assert set(purse.asked) == {True}
