"""Promise 4 while things go wrong: two connections of each source feed one store, one is purged and
connected again, workers die between commit and bind, an older program works beside, deliveries
are replayed, and providers answer 5xx.

The story's deliveries come to both connections in any order. What a purge took is sent anew.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.core.bounds import bounded
from ingest.core.changes import Change, Upsert
from ingest.core.revisions import revision
from ingest.flows.connections.lifecycle import disconnect_source
from ingest.flows.connections.purge import purge_connection
from ingest.flows.deliveries.drain import drain_deliveries
from ingest.flows.documents import bind, statements
from ingest.flows.lookups import made_by
from ingest.flows.lookups.clients import Clients
from ingest.store import deliveries, queue_admin
from ingest.store.engine import transaction
from ingest.testing.fakes import Answer, Fake, Trouble
from ingest.testing.sample import all_samples
from tests.factories import VAULT, connect, make_store
from tests.flows.snapshot import Snapshot, difference
from tests.flows.test_convergence_of_all import STORY, World, fakes

__all__ = ["fakes"]

pytestmark = [pytest.mark.integration, pytest.mark.once, pytest.mark.timeout(1800)]

WAYS = ("first", "second")
Sent = tuple[int, str]
"""A delivery, and the connection of its source to which it comes."""
SENT: Sequence[Sent] = list(itertools.product(range(len(STORY)), WAYS))
SOURCES = tuple(sample.source_type for sample in all_samples())
Act = Literal["nothing", "replay", "older", "purge", "die", "5xx", "look up"]
ONE_IN = 20
"""Of the requests of look-ups one fails, where there are 5xx."""
_ALL = sa.text("SELECT id FROM lightfast_webhook_deliveries ORDER BY id")


@dataclass(frozen=True)
class Plan:
    """The order of what is sent, how many make a batch, and what happens beside each batch."""

    order: Sequence[int]
    batch: int
    acts: Sequence[tuple[Act, str]]

    def beside(self, batch: int) -> tuple[Act, str]:
        return self.acts[batch % len(self.acts)] if self.acts else ("nothing", SOURCES[0])


@dataclass
class TroubledWorld(World):
    """Two connections of each sample to one store; `connections` are the first ones."""

    store: str = ""
    tokens: Mapping[str, str | None] = field(default_factory=dict)
    fakes: Mapping[str, Fake] = field(default_factory=dict)
    seconds: dict[str, str] = field(default_factory=dict)
    sent: list[Sent] = field(default_factory=list)

    def connect_again(self, source_type: str, way: str) -> None:
        sample = next(one for one in all_samples() if one.source_type == source_type)
        ways = self.connections if way == WAYS[0] else self.seconds
        ways[source_type] = connect(
            self.engine,
            source_type,
            sample.connection,
            stores=[self.store],
            token=self.tokens.get(source_type),
        )

    def run_troubled(self, plan: Plan) -> Snapshot:
        """Everything that is sent, as planned; what stands once all is quiet and replayed."""
        self.forget()
        self.sent.clear()
        for number, start in enumerate(range(0, len(plan.order), plan.batch)):
            self._batch([SENT[i] for i in plan.order[start : start + plan.batch]], plan, number)
        self.replay()
        return self._by_name(self.finish())

    def _batch(self, sent: Sequence[Sent], plan: Plan, number: int) -> None:
        act, source_type = plan.beside(number)
        self.deliver(sent)
        self.sent += sent
        with {"die": dying, "older": an_older_program}.get(act, undisturbed)():
            drain_deliveries(self.engine, go_on=lambda: True, threads=1)
            if act in {"look up", "die", "older"}:
                self._look_up()
        if act == "5xx":
            with self._failing():
                self._look_up()
        elif act == "replay":
            self.replay()
        elif act == "purge":
            self._purge(source_type)

    def deliver(self, sent: Sequence[Sent]) -> None:
        arrivals = []
        for number, way in sent:
            sample, delivery = STORY[number]
            arrival = self._arrival(sample, delivery)
            if way == WAYS[1]:
                arrival = replace(arrival, connection_id=self.seconds[sample.source_type])
            arrivals.append(arrival)
        with transaction(self.engine, durable=False) as conn:
            deliveries.insert(conn, arrivals)

    def replay(self) -> None:
        with transaction(self.engine) as conn:
            queue_admin.replay(conn, list(conn.execute(_ALL).scalars()))
        drain_deliveries(self.engine, go_on=lambda: True, threads=1)

    def _purge(self, source_type: str) -> None:
        """The first one goes and is connected again; what had come to it is sent to the new one."""
        gone = self.connections[source_type]
        disconnect_source(self.engine, gone)
        purge_connection(self.engine, gone)
        self.connect_again(source_type, WAYS[0])
        own = [s for s in self.sent if s[1] == WAYS[0] and of(s) == source_type]
        self.deliver(own)
        drain_deliveries(self.engine, go_on=lambda: True, threads=1)

    @contextmanager
    def _failing(self) -> Iterator[None]:
        for fake in self.fakes.values():
            fake.troubles.append(_NowAndThen(Answer(502, b"<html>bad gateway</html>")))
        yield
        for fake in self.fakes.values():
            fake.troubles.clear()

    def _by_name(self, taken: Snapshot) -> Snapshot:
        """Connections by their source and their way: a new one has a new id."""
        names = {id_: f"{name} first" for name, id_ in self.connections.items()}
        names |= {id_: f"{name} second" for name, id_ in self.seconds.items()}

        def named(value: Any) -> Any:
            return names.get(value, value) if isinstance(value, str) else value

        return {
            table: {
                tuple(named(part) for part in key): {
                    column: named(value) for column, value in row.items() if column != "revision"
                }
                for key, row in rows.items()
            }
            for table, rows in taken.items()
        }


def of(sent: Sent) -> str:
    return STORY[sent[0]][0].source_type


class _NowAndThen(Trouble):
    """One request in ONE_IN fails, the first one included."""

    __slots__ = ("asked",)

    def strikes(self, asked: Any) -> bool:
        del asked
        self.times += 1
        return self.times % ONE_IN == 2


@contextmanager
def undisturbed() -> Iterator[None]:
    yield


@contextmanager
def dying() -> Iterator[None]:
    """A worker commits, and is killed before it binds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bind, "bind", lambda _engine, _noted: None)
        yield


@contextmanager
def an_older_program() -> Iterator[None]:
    """It made other words of the same payloads, and its revision is lower."""

    def misread(change: Change) -> Any:
        if isinstance(change, Upsert):
            change = replace(change, title=f"{change.title} as it was once read", references=())
        return bounded(change)

    with pytest.MonkeyPatch.context() as patch:
        for room in (statements, made_by):
            patch.setattr(room, "revision", lambda adapter: revision(adapter) - 1)
        patch.setattr(statements, "bounded", misread)
        yield


@pytest.fixture(params=[True, False], ids=["with tokens", "without"])
def world(
    request: pytest.FixtureRequest,
    engine: sa.Engine,
    fakes: dict[str, Fake],
) -> Iterator[TroubledWorld]:
    clients = Clients(VAULT, {name: fake.url for name, fake in fakes.items()})
    tokens = {n: f.provider.token if request.param else None for n, f in fakes.items()}
    made = TroubledWorld(engine, clients, store=make_store(engine), tokens=tokens, fakes=fakes)
    for source_type in SOURCES:
        for way in WAYS:
            made.connect_again(source_type, way)
    yield made
    clients.close()


plans = st.builds(
    Plan,
    order=st.permutations(range(len(SENT))),
    batch=st.integers(4, len(SENT)),
    acts=st.lists(st.tuples(st.sampled_from(get_args(Act)), st.sampled_from(SOURCES)), max_size=12),
)
IN_ORDER = Plan(order=range(len(SENT)), batch=len(SENT), acts=())
_some = settings(
    max_examples=2, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@_some
@given(plan=plans)
def test_whatever_goes_wrong_the_end_is_the_same(world: TroubledWorld, plan: Plan) -> None:
    _check(world, plan)


@pytest.mark.slow
@settings(_some, max_examples=60)
@given(plan=plans)
def test_whatever_goes_wrong_for_long(world: TroubledWorld, plan: Plan) -> None:
    _check(world, plan)


def _check(world: TroubledWorld, plan: Plan) -> None:
    told = world.run_troubled(IN_ORDER)
    assert told["documents"], "the story makes documents"
    found = difference(told, world.run_troubled(plan))
    assert not found, found


@pytest.mark.parametrize("act", [act for act in get_args(Act) if act != "nothing"])
@pytest.mark.parametrize("source_type", SOURCES[:1])
def test_each_trouble_by_itself(world: TroubledWorld, act: Act, source_type: str) -> None:
    told = world.run_troubled(IN_ORDER)
    plan = Plan(order=range(len(SENT) - 1, -1, -1), batch=23, acts=[(act, source_type)])
    found = difference(told, world.run_troubled(plan))
    assert not found, found
