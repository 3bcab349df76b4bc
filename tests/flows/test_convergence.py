"""Promise 4: the same deliveries, in any order, batch and number of workers, end in the same rows.

Two runs of one stream on one database are compared, table by table. What differs is printed row by
row, and hypothesis shrinks the stream that shows it.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.flows import sweep
from ingest.flows.deliveries.drain import drain_deliveries
from ingest.store import deliveries
from ingest.store.deliveries import Arrival
from ingest.store.engine import transaction
from tests.factories import connect, make_store
from tests.flows import halcyon
from tests.flows.halcyon import ORGANIZATION, Sent
from tests.flows.snapshot import Snapshot, difference, snapshot

# A stream that differs is shrunk before it is shown: that may take longer than a test may.
pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]

PATIENCE_S = 30.0

_FORGET = sa.text("""
WITH d AS (DELETE FROM lightfast_webhook_deliveries),
     e AS (DELETE FROM lightfast_ingestion_events),
     f AS (DELETE FROM lightfast_payload_drift),
     n AS (DELETE FROM lightfast_space_names)
DELETE FROM lightfast_docs_documents
""")
_FORGET_LEDGER = sa.text("DELETE FROM lightfast_document_ledger")
# Behind those, which leave marks.
_FORGET_COUNTS = sa.text("""
WITH m AS (DELETE FROM lightfast_count_marks)
UPDATE lightfast_connected_sources SET document_count = 0
""")
_HURRY = sa.text("""
UPDATE lightfast_webhook_deliveries SET next_attempt_at = received_at WHERE status = 'pending'
""")
_REPLAY = sa.text("""
UPDATE lightfast_webhook_deliveries SET status = 'pending', settled_at = NULL
WHERE id = ANY(CAST(:ids AS bigint[]))
""")
_ENDS = sa.text("SELECT id, status, reason, last_error FROM lightfast_webhook_deliveries")


@dataclass(frozen=True)
class Told:
    """One delivery of a stream: to which connection (or everybody's route), what, and its key."""

    to: str
    sent: Sent
    key: str

    def __repr__(self) -> str:
        body = self.sent.body
        main = next((body[m] for m in ("data", "comment", "review", "issue") if m in body), body)
        kind = body.get("type") or self.sent.headers["x-github-event"]
        names = (
            "id",
            "number",
            "identifier",
            "updatedAt",
            "updated_at",
            "submitted_at",
            "title",
            "body",
            "description",
            "name",
            "parent",
            "parentId",
            "trashed",
            "teamId",
            "state",
        )
        shown = {name: main[name] for name in names if name in main}
        return f"{self.key} to {self.to}: {kind} {body['action']} {shown}"


@dataclass(frozen=True)
class Plan:
    """How a stream is run: its order, how many deliveries a batch has, how many workers, replays.

    With `ticks` the beat takes the counts between batches, and not only in the end.
    """

    order: Sequence[int]
    batch: int
    workers: int = 1
    again: Sequence[int] = ()
    ticks: bool = False


@dataclass
class World:
    """Two stores and five connections on one database, used for one run after another."""

    engine: sa.Engine
    connections: dict[str, str] = field(default_factory=dict)

    def run(self, stream: Sequence[Told], plan: Plan) -> Snapshot:
        """Forget everything, run the stream as planned, and tell what stands in the end."""
        with transaction(self.engine, durable=False) as conn:
            conn.execute(_FORGET)
            conn.execute(_FORGET_LEDGER)
            conn.execute(_FORGET_COUNTS)
            arrivals = [self._arrival(stream[i]) for i in plan.order]
            ids = [id_ for arrival in arrivals for id_, _ in deliveries.insert(conn, [arrival])]
        self._drain(plan)
        if plan.again:
            with transaction(self.engine, durable=False) as conn:
                conn.execute(_REPLAY, {"ids": [ids[i] for i in plan.again]})
            self._drain(plan)
        sweep.settle_counts(self.engine)
        return snapshot(self.engine)

    def _arrival(self, told: Told) -> Arrival:
        return told.sent.arrival(self.connections.get(told.to), told.key)

    def between(self, plan: Plan) -> None:
        """What happens between two batches."""
        if plan.ticks:
            sweep.settle_counts(self.engine)

    def _drain(self, plan: Plan) -> None:
        """Until nothing waits; what a deadlock gave back need not wait its two seconds."""

        def go_on() -> bool:
            self.between(plan)
            return True

        give_up_at = time.monotonic() + PATIENCE_S
        while True:
            drain_deliveries(self.engine, go_on=go_on, rows=plan.batch, threads=plan.workers)
            with transaction(self.engine, durable=False) as conn:
                ends = conn.execute(_ENDS).all()
                conn.execute(_HURRY)
            if all(end.status != "pending" for end in ends):
                break
            assert time.monotonic() < give_up_at, [e for e in ends if e.status == "pending"]
        assert not [end for end in ends if end.status == "dead"]


@pytest.fixture
def world(engine: sa.Engine) -> World:
    """`both` feeds two stores; `twin` is the same repository again; `eng` wants one team only."""
    one, two = make_store(engine, "store-1"), make_store(engine, "store-2")
    filtered: dict[str, Any] = {"onlyTeamIds": ["team-1"], "linearOrganizationId": ORGANIZATION}
    everything: dict[str, Any] = {
        "linearOrganizationId": ORGANIZATION,
        "teamKeys": list(halcyon.TEAMS.values()),
    }
    made = World(engine)
    made.connections = {
        "both": connect(engine, "github", stores=[one, two]),
        "twin": connect(engine, "github", stores=[one]),
        "linear": connect(engine, "linear", everything, stores=[one]),
        "eng": connect(engine, "linear", filtered, stores=[one, two]),
    }
    return made


TEXTS = [
    "Nothing to see.",
    "Fixes #2 and blocks ENG-1.",
    "See halcyon/web#3 and OPS-1.",
    "https://linear.app/halcyon/issue/ENG-2/a-title is about https://github.com/halcyon/web/pull/3",
    "Depends on halcyon/site#1.",
]
PARENTS = [{"id": "an-issue", "identifier": key} for key in ("ENG-1", "ENG-2", "OPS-1", "OPS-2")]
REPLIES = {
    "comment-1": [],
    "comment-2": ["comment-1"],
    "comment-3": ["comment-2", "comment-2", "comment-1"],
}
seconds = st.integers(1, 3)
texts = st.sampled_from(TEXTS)
titles = st.sampled_from(["one", "other"])
repositories = st.sampled_from(["halcyon/web", "halcyon/web", "halcyon/site"])
Builder = Callable[..., Sent]


def built(
    builder: Builder, *given_: st.SearchStrategy[Any], **named: Any
) -> st.SearchStrategy[Sent]:
    return st.builds(builder, *given_, **named)


github = st.one_of(
    built(
        halcyon.issue,
        st.integers(1, 2),
        seconds,
        st.sampled_from(["opened", "edited", "edited", "deleted"]),
        title=titles,
        body=texts,
        repository=repositories,
    ),
    built(
        halcyon.issue,
        st.integers(1, 2),
        seconds,
        st.just("closed"),
        state=st.just("closed"),
        body=texts,
    ),
    built(
        halcyon.comment,
        st.integers(11, 12),
        seconds,
        st.sampled_from(["created", "edited", "deleted"]),
        st.integers(1, 2),
        body=texts,
        repository=repositories,
    ),
    built(
        halcyon.pull_request,
        st.just(3),
        seconds,
        st.sampled_from(["opened", "edited", "synchronize"]),
        title=titles,
        body=texts,
    ),
    built(
        halcyon.review, st.just(21), seconds, st.sampled_from(["submitted", "edited"]), body=texts
    ),
    built(
        halcyon.review_comment,
        st.integers(31, 32),
        seconds,
        st.sampled_from(["created", "edited", "deleted"]),
        body=texts,
        pull_request_review_id=st.sampled_from([21, 21, None]),
    ),
)
actions = st.sampled_from(["create", "update", "update", "remove", "restore"])
linear = st.one_of(
    built(
        halcyon.linear_issue,
        st.integers(1, 2),
        seconds,
        actions,
        st.sampled_from(list(halcyon.TEAMS)),
        title=titles,
        description=texts,
        trashed=st.sampled_from([None, None, True]),
        parent=st.sampled_from([None, *PARENTS]),
    ),
    *(
        built(
            halcyon.linear_comment,
            st.just(id_),
            seconds,
            st.sampled_from(["create", "update", "update", "remove"]),
            st.integers(1, 2),
            st.sampled_from(["team-1", "team-2", None]),
            body=texts,
            parentId=st.sampled_from([None, *earlier]),
        )
        for id_, earlier in REPLIES.items()
    ),
    built(halcyon.project_comment, at=seconds, action=st.sampled_from(["create", "remove"])),
    built(
        halcyon.project,
        seconds,
        actions,
        st.sampled_from([None, ["team-1"], ["team-2"], []]),
        name=titles,
        content=texts,
    ),
)
keys = st.integers(1, 12).map("key-{}".format)
told = st.one_of(
    st.builds(Told, st.sampled_from(["both", "twin", "everybody"]), github, keys),
    st.builds(Told, st.sampled_from(["linear", "eng", "everybody"]), linear, keys),
)


@st.composite
def plans(draw: st.DrawFn, stream: Sequence[Told], workers: int = 1) -> Plan:
    """Any order, some deliveries twice, some replayed after their end, in batches of any size."""
    places = range(len(stream))
    twice = draw(st.lists(st.sampled_from(places), max_size=2))
    order = draw(st.permutations([*places, *twice]))
    again = draw(st.lists(st.sampled_from(range(len(order))), max_size=3, unique=True))
    return Plan(order, draw(st.sampled_from([1, 2, 3, 500])), workers, again, draw(st.booleans()))


def check(world: World, stream: Sequence[Told], one: Plan, other: Plan) -> None:
    first, second = world.run(stream, one), world.run(stream, other)
    differs = difference(first, second)
    if differs:
        told_in_order = "\n".join(f"{place}. {one}" for place, one in enumerate(stream))
        pytest.fail(
            f"two runs ended differently:\n{differs}\n\nthe stream:\n{told_in_order}\n"
            f"run first as {one}\nand then as {other}",
            pytrace=False,
        )


once = settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@once
@given(data=st.data())
def test_any_order_and_any_batches_end_in_the_same_rows(world: World, data: st.DataObject) -> None:
    stream = data.draw(st.lists(told, min_size=1, max_size=8))
    straight = Plan(range(len(stream)), 500)
    check(world, stream, straight, data.draw(plans(stream)))


@pytest.mark.slow
@settings(once, max_examples=1500)
@given(data=st.data())
def test_any_order_of_a_long_stream_ends_in_the_same_rows(
    world: World, data: st.DataObject
) -> None:
    stream = data.draw(st.lists(told, min_size=1, max_size=14))
    check(world, stream, data.draw(plans(stream)), data.draw(plans(stream)))


def run_together(world: World, seed: int, deliveries_: int) -> None:
    """A stream run by three workers at once, and by one alone; `seed` makes stream and orders."""
    chance = random.Random(seed)
    stream = [told_at_random(chance) for _ in range(deliveries_)]
    places = range(len(stream))
    order = chance.sample(places, len(places)) + chance.choices(places, k=3)
    again = chance.sample(range(len(order)), 5)
    together = Plan(order, chance.choice([1, 2, 4, 7]), 3, again, ticks=True)
    check(world, stream, Plan(places, 500), together)


def told_at_random(chance: random.Random) -> Told:
    """One of the same deliveries that hypothesis draws from, by a seed that can be told."""
    to, sent = chance.choice(_POOL)
    return Told(to, sent, f"key-{chance.randint(1, 60)}")


def _pool() -> list[tuple[str, Sent]]:
    """Every builder, with every version, text and place that a race could turn upon."""
    made: list[tuple[str, Sent]] = []
    for at in (1, 2, 3):
        text = TEXTS[at]
        made += [
            ("github", halcyon.issue(1, at, "edited", body=text)),
            ("github", halcyon.issue(2, at, "edited", body=TEXTS[at - 1], title="two")),
            ("github", halcyon.comment(11, at, "edited", 1, body=text)),
            ("github", halcyon.comment(12, at, "created", 2, body=text)),
            ("github", halcyon.pull_request(3, at, body=text)),
            ("github", halcyon.review(21, at, body=text)),
            ("github", halcyon.review_comment(31, at, body=text)),
        ]
        for team in halcyon.TEAMS:
            parent = PARENTS[at]
            made += [
                ("linear", halcyon.linear_issue(1, at, team=team, description=text, parent=parent)),
                ("linear", halcyon.linear_issue(2, at, team=team, description=TEXTS[at - 1])),
                ("linear", halcyon.linear_comment("comment-1", at, on=1, team=team, body=text)),
            ]
        made += [
            ("linear", halcyon.linear_issue(1, at, "remove")),
            ("linear", halcyon.linear_issue(2, at, "remove", team="team-2")),
            ("linear", halcyon.linear_comment("comment-2", at, parentId="comment-1")),
            ("linear", halcyon.linear_comment("comment-3", at, parentId="comment-2")),
            ("linear", halcyon.project(at, teams=["team-1"] if at == 2 else ["team-2"])),
            ("linear", halcyon.project_comment(at=at)),
        ]
    made.append(("github", halcyon.issue(2, 2, "deleted")))
    made.append(("github", halcyon.comment(11, 2, "deleted")))
    routes = {"github": ("both", "twin", "everybody"), "linear": ("linear", "eng", "everybody")}
    return [(to, sent) for source, sent in made for to in routes[source]]


_POOL = _pool()


@pytest.mark.parametrize("seed", range(6))
def test_any_number_of_workers_ends_in_the_same_rows(world: World, seed: int) -> None:
    run_together(world, seed, deliveries_=60)


@pytest.mark.slow
@pytest.mark.parametrize("block", range(10))
def test_hundreds_of_races_end_in_the_same_rows(world: World, block: int) -> None:
    for seed in range(100 + 20 * block, 120 + 20 * block):
        run_together(world, seed, deliveries_=80)
