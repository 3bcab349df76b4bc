"""A consumer that knows the change feed alone ends with the documents and chunks of the tables.

Over the streams of promise 4 in any order, batch and number of workers; the feed itself at least
once, with readers that die, fall behind and begin anew.
"""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ingest.changes import Changes
from ingest.flows.connections.erase import erase_connection, erase_store
from ingest.flows.connections.lifecycle import disconnect_source
from ingest.flows.documents.bind import bind_pending
from ingest.store.engine import transaction
from tests.changes.model import Follower, follow, tables
from tests.flows import halcyon
from tests.flows.following import FollowedWorld
from tests.flows.test_convergence import Plan, Told, World, once, plans, told, told_at_random, world
from tests.flows.test_renames import SITE, WEB, renamed

__all__ = ["world"]

pytestmark = [pytest.mark.integration, pytest.mark.once, pytest.mark.timeout(900)]


@pytest.fixture
def followed(world: World) -> FollowedWorld:
    """The world of promise 4, and somebody who follows it."""
    return FollowedWorld(world.engine, world.connections)


def check(followed: FollowedWorld, seed: int, stream: list[Told], plan: Plan) -> None:
    """Run a stream, and compare what the follower has in the end."""
    followed.chance = random.Random(seed)
    followed.run(stream, plan)
    bind_pending(followed.engine)
    assert followed.catch_up() == followed.stands()


@hypothesis_settings(once, max_examples=8)
@given(data=st.data())
def test_a_follower_ends_with_what_stands(followed: FollowedWorld, data: st.DataObject) -> None:
    stream = data.draw(st.lists(told, min_size=1, max_size=8))
    check(followed, data.draw(st.integers(0, 2**32)), stream, data.draw(plans(stream)))


@pytest.mark.slow
@pytest.mark.timeout(3600)
@hypothesis_settings(once, max_examples=500)
@given(data=st.data())
def test_a_follower_of_long_streams_ends_with_what_stands(
    followed: FollowedWorld, data: st.DataObject
) -> None:
    stream = data.draw(st.lists(told, min_size=1, max_size=14))
    workers = data.draw(st.sampled_from([1, 1, 2]))
    plan = data.draw(plans(stream, workers))
    check(followed, data.draw(st.integers(0, 2**32)), stream, plan)


def race(followed: FollowedWorld, seed: int, deliveries: int) -> None:
    """A random stream in a random order, worked off by three workers beside the follower."""
    chance = random.Random(seed)
    stream = [told_at_random(chance) for _ in range(deliveries)]
    order = chance.sample(range(deliveries), deliveries)
    again = chance.sample(range(deliveries), 5)
    check(followed, seed, stream, Plan(order, chance.choice([1, 2, 4, 7]), 3, again))


def test_a_follower_of_racing_workers_ends_with_what_stands(followed: FollowedWorld) -> None:
    race(followed, 1, deliveries=40)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 160))
def test_a_follower_of_many_races_ends_with_what_stands(followed: FollowedWorld, seed: int) -> None:
    race(followed, seed, deliveries=80)


STREAM = [
    Told("both", halcyon.issue(1, 1, "opened", body="Fixes #2"), "k-1"),
    Told("both", halcyon.issue(2, 1, "opened", body="See halcyon/web#1"), "k-2"),
    Told("both", halcyon.comment(11, 2, "created", 1, body="a remark"), "k-3"),
    Told("linear", halcyon.linear_issue(1, 1, "create", "team-1"), "k-4"),
    Told("linear", halcyon.linear_comment("comment-1", 1, "create", 1, "team-1"), "k-5"),
]


def test_what_a_parent_takes_out_of_sight_and_back_is_followed(followed: FollowedWorld) -> None:
    removed = Told("linear", halcyon.linear_issue(1, 2, "remove", "team-1"), "k-6")
    back = Told("linear", halcyon.linear_issue(1, 3, "restore", "team-1"), "k-7")
    straight = Plan(range(len(STREAM)), 500)
    check(followed, 1, STREAM, straight)
    for stream in ([*STREAM, removed], [*STREAM, removed, back]):
        check(followed, 2, stream, replace(straight, order=range(len(stream)), batch=1))


def test_what_is_renamed_is_followed(followed: FollowedWorld) -> None:
    stream = [*STREAM, Told("both", renamed(SITE, WEB), "k-8")]
    check(followed, 3, stream, Plan(range(len(stream)), 1))


def test_another_size_of_chunks_is_followed(followed: FollowedWorld) -> None:
    text = " ".join(f"Sentence {n} says what number it has." for n in range(200))
    stream = [Told("both", halcyon.issue(1, 1, "opened", body=text), "k-1")]
    plan = Plan([0], 1)
    check(followed, 4, stream, plan)
    _run(followed.engine, "UPDATE lightfast_stores SET chunk_max_tokens = 100, chunk_overlap = 10")
    followed.run(stream, replace(plan, again=[0]))
    assert followed.catch_up() == followed.stands()
    assert any(len(texts) > 10 for *_, texts in followed.stands().values())


@pytest.mark.parametrize("store_first", [False, True])
def test_what_is_purged_is_followed(followed: FollowedWorld, *, store_first: bool) -> None:
    check(followed, 5, STREAM, Plan(range(len(STREAM)), 500))
    of_one, feed = Follower(), Changes(followed.engine, "of one", stores=["store-1"])
    follow(feed, of_one)
    assert of_one.shown() == tables(followed.engine, ["store-1"]) != {}
    if store_first:  # with what feeds it alone
        erase_store(followed.engine, "store-1")
    for name in ("both",) if store_first else ("both", "twin"):
        disconnect_source(followed.engine, followed.connections[name])
        erase_connection(followed.engine, followed.connections[name])
        assert followed.catch_up() == followed.stands()
    follow(feed, of_one)
    assert of_one.shown() == tables(followed.engine, ["store-1"])


def _run(engine: sa.Engine, statement: str, **given: Any) -> None:
    with transaction(engine) as conn:
        conn.execute(sa.text(statement), given)
