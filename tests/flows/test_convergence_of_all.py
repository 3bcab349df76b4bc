"""Promise 4 over all sources at once: the story's deliveries in any order, with look-ups between.

The providers hold still. What is compared is what a reader of the tables sees; who said it last
(the ledger's ranks) hangs on when somebody looked.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime

import orjson
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.demo.story import in_order_of_arrival
from ingest.flows import sweep
from ingest.flows.deliveries.drain import drain_deliveries
from ingest.flows.documents.bind import bind_pending
from ingest.flows.lookups.clients import Clients
from ingest.flows.lookups.drain import drain_lookups
from ingest.sources.registry import source
from ingest.store import deliveries, lookup_admin
from ingest.store.deliveries import Arrival
from ingest.store.engine import transaction
from ingest.testing.fakes import Fake, serving
from ingest.testing.sample import Sample, SampleDelivery, all_samples
from tests.factories import VAULT, connect, make_store
from tests.flows.snapshot import Snapshot, difference, snapshot

pytestmark = [pytest.mark.integration, pytest.mark.once, pytest.mark.timeout(900)]

RECEIVED_AT = datetime(2026, 3, 3, tzinfo=UTC)
STORY = in_order_of_arrival(all_samples())
_HIDDEN = {"rank", "created_rank", "patches", "made"}

_FORGET = (
    "DELETE FROM lightfast_webhook_deliveries",
    "DELETE FROM lightfast_lookups",
    "DELETE FROM lightfast_lookup_states",
    "DELETE FROM lightfast_ingestion_events",
    "DELETE FROM lightfast_connection_facts",
    "DELETE FROM lightfast_unsigned_times",
    "DELETE FROM lightfast_count_marks",
    "DELETE FROM lightfast_docs_documents",
    "DELETE FROM lightfast_document_ledger",
)
_DUE = sa.text("UPDATE lightfast_lookups SET next_attempt_at = now(), patient_until = now()")
_UNEASY = sa.text("""
SELECT id, status, reason FROM lightfast_webhook_deliveries
WHERE status NOT IN ('processed', 'skipped', 'duplicate')
""")


@dataclass(frozen=True)
class Plan:
    """The order of the deliveries, how many make a batch, and after which batches is looked up."""

    order: Sequence[int]
    batch: int
    looks: Sequence[bool]
    again: Sequence[int]

    def looks_after(self, batch: int) -> bool:
        return bool(self.looks) and self.looks[batch % len(self.looks)]


@dataclass
class World:
    """All sources of the story connected to one store of one database."""

    engine: sa.Engine
    clients: Clients
    connections: dict[str, str] = field(default_factory=dict)
    began: str = ""

    def run(self, plan: Plan) -> Snapshot:
        """Forget everything, run the deliveries as planned, and tell what stands in the end."""
        self.forget()
        order = [*plan.order, *plan.again]
        for number, start in enumerate(range(0, len(order), plan.batch)):
            self.tell([STORY[i] for i in order[start : start + plan.batch]])
            drain_deliveries(self.engine, go_on=lambda: True, threads=1)
            if plan.looks_after(number):
                self._look_up()
        return self.finish()

    def process(self) -> None:
        """Work off what was told."""
        drain_deliveries(self.engine, go_on=lambda: True, threads=1)

    def forget(self) -> None:
        """Nothing was ever heard."""
        self.began = datetime.now(UTC).replace(tzinfo=None).isoformat()
        with transaction(self.engine, durable=False) as conn:
            for statement in _FORGET:
                conn.execute(sa.text(statement))

    def finish(self) -> Snapshot:
        """Look up and bind whatever waits, and tell what stands in the end."""
        while self._look_up():
            drain_deliveries(self.engine, go_on=lambda: True, threads=1)
        bind_pending(self.engine)
        sweep.settle_counts(self.engine)
        with transaction(self.engine) as conn:
            assert [dict(row) for row in conn.execute(_UNEASY).mappings()] == []
        return _readable(snapshot(self.engine), self.began)

    def tell(self, told: Sequence[tuple[Sample, SampleDelivery]]) -> None:
        with transaction(self.engine, durable=False) as conn:
            deliveries.insert(conn, [self._arrival(*one) for one in told])

    def _arrival(self, sample: Sample, delivery: SampleDelivery) -> Arrival:
        descriptor, raw = source(sample.source_type).descriptor, orjson.dumps(delivery.payload)
        return Arrival(
            source_type=sample.source_type,
            connection_id=self.connections[sample.source_type],
            delivery_key=descriptor.delivery_key(delivery.headers, delivery.payload) or "",
            body_hash=hashlib.sha256(raw).digest(),
            headers=orjson.dumps(dict(delivery.headers)).decode(),
            body=raw,
            received_at=RECEIVED_AT,
        )

    def _look_up(self) -> bool:
        """Look up what is asked for by now; whether there was anything."""
        with transaction(self.engine, durable=False) as conn:
            conn.execute(_DUE)
            asked, _ = lookup_admin.unfinished(conn)
        turns = iter(range(asked + 4))
        drain_lookups(self.engine, self.clients, go_on=lambda: next(turns, None) is not None)
        return asked > 0


def _readable(taken: Snapshot, began: str) -> Snapshot:
    """Without ranks, and without times of our own clock: what has none at its source has those."""
    return {
        table: {
            key: {
                name: value
                for name, value in row.items()
                if name not in _HIDDEN and not (name == "created_at" and str(value) >= began)
            }
            for key, row in rows.items()
        }
        for table, rows in taken.items()
    }


@pytest.fixture(scope="module")
def fakes() -> Iterator[dict[str, Fake]]:
    """The providers' APIs with the objects of the story in them."""
    with ExitStack() as running:
        yield {
            sample.source_type: running.enter_context(serving(sample.provider()))
            for sample in all_samples()
            if sample.provider is not None
        }


@pytest.fixture(params=[True, False], ids=["with tokens", "without"])
def world(
    request: pytest.FixtureRequest, engine: sa.Engine, fakes: dict[str, Fake]
) -> Iterator[World]:
    clients = Clients(VAULT, {name: fake.url for name, fake in fakes.items()})
    store = make_store(engine)
    made = World(engine, clients)
    for sample in all_samples():
        fake = fakes.get(sample.source_type) if request.param else None
        token = fake.provider.token if fake is not None else None
        made.connections[sample.source_type] = connect(
            engine, sample.source_type, sample.connection, stores=[store], token=token
        )
    yield made
    clients.close()


_numbers = range(len(STORY))
plans = st.builds(
    Plan,
    order=st.permutations(_numbers),
    batch=st.integers(1, len(STORY)),
    looks=st.lists(st.booleans(), max_size=6),
    again=st.lists(st.sampled_from(_numbers), max_size=6),
)
TOLD_IN_ORDER = Plan(order=_numbers, batch=len(STORY), looks=(), again=())
_some = settings(
    max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@_some
@given(plan=plans)
def test_any_order_of_the_whole_story_ends_in_the_same_rows(world: World, plan: Plan) -> None:
    _check(world, plan)


@pytest.mark.slow
@settings(_some, max_examples=200)
@given(plan=plans)
def test_any_order_of_the_whole_story_for_long(world: World, plan: Plan) -> None:
    _check(world, plan)


def _check(world: World, plan: Plan) -> None:
    told = world.run(TOLD_IN_ORDER)
    assert told["documents"], "the story makes documents"
    found = difference(told, world.run(plan))
    assert not found, found
