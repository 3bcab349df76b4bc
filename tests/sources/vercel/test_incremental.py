"""What changed since: new deployments by their time, unfinished ones wherever they stand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.core.changes import Refresh, Upsert
from ingest.core.times import from_epoch_ms
from ingest.core.values import JSON
from ingest.sources.vercel.client import VercelClient
from ingest.sources.vercel.demo.fake import Vercel
from ingest.testing.fakes import Fake, serving
from ingest.testing.walking import stored
from tests.sources.vercel.listing import (
    AT_MS,
    DAY_MS,
    asked,
    client_of,
    deploy,
    halcyon,
    identity,
    walk,
)


@pytest.fixture
def vercel() -> Vercel:
    return halcyon()


@pytest.fixture
def fake(vercel: Vercel) -> Iterator[Fake]:
    with serving(vercel) as served:
        yield served


@pytest.fixture
def client(fake: Fake) -> Iterator[VercelClient]:
    with client_of(fake) as made:
        yield made


def after(number: int) -> datetime:
    """The moment after the deployment of that number was made."""
    return from_epoch_ms(AT_MS + number * 60_000) + timedelta(seconds=1)


def status(client: VercelClient, id_: str, kept: JSON, since: datetime) -> object:
    (change,) = walk(client, kept=kept, since=since).said[id_]
    assert isinstance(change, Upsert)
    return change.metadata["status"]


def test_only_what_was_made_since_is_listed(
    vercel: Vercel, fake: Fake, client: VercelClient
) -> None:
    for number in range(300):
        deploy(vercel, number)
    kept = stored(walk(client).kept)
    new = {deploy(vercel, 300), deploy(vercel, 301, "ERROR")}
    fake.requests.clear()
    assert walk(client, kept=kept, since=after(299)).seen == new
    assert len(fake.requests) == 3


@pytest.mark.parametrize("state", ["QUEUED", "INITIALIZING", "BUILDING", "BLOCKED", "POLISHING"])
def test_what_was_unfinished_is_looked_at_until_it_is_not(
    vercel: Vercel, client: VercelClient, state: str
) -> None:
    """Bug of others: a state that changes does not move the time that a list goes by."""
    id_ = deploy(vercel, 0, state)
    deploy(vercel, 1)
    kept = stored(walk(client).kept)
    vercel.become(id_, "BUILDING", at_ms=AT_MS + 5)
    between = walk(client, kept=kept, since=after(1))
    assert between.said.keys() == {id_}
    vercel.become(id_, "CANCELED", at_ms=AT_MS + 9)
    kept = stored(between.kept)
    assert status(client, id_, kept, after(1)) == "CANCELED"
    kept = stored(walk(client, kept=kept, since=after(1)).kept)
    assert walk(client, kept=kept, since=after(1)).seen == set()


def test_what_is_ready_and_still_checked_is_unfinished(
    vercel: Vercel, client: VercelClient
) -> None:
    id_ = deploy(vercel, 0, "READY", checksState="running")
    kept = stored(walk(client).kept)
    vercel.fail(id_, at_ms=AT_MS + 9, code="CHECKS_FAILED", message="no", step="checks")
    assert status(client, id_, kept, after(0)) == "ERROR"


def test_one_whose_files_are_being_uploaded_comes_once_it_has_a_url(
    vercel: Vercel, client: VercelClient
) -> None:
    vercel.deploy("dpl_early", "prj_1", None, at_ms=AT_MS)
    first = walk(client)
    assert first.said == {}
    assert first.seen == {"dpl_early"}
    vercel.deployments["dpl_early"]["url"] = "web-early-halcyon.vercel.app"
    vercel.become("dpl_early", "READY", at_ms=AT_MS + 9)
    assert status(client, "dpl_early", stored(first.kept), after(0)) == "READY"


def test_an_unfinished_one_that_is_gone_is_left_to_a_look_up(
    vercel: Vercel, client: VercelClient
) -> None:
    id_ = deploy(vercel, 0, "BUILDING")
    kept = stored(walk(client).kept)
    vercel.remove(id_)
    found = walk(client, kept=kept, since=after(0))
    assert [page.wanted for page in found.pages if page.wanted] == [(Refresh(identity(id_)),)]
    assert walk(client, kept=stored(found.kept), since=after(0)).seen == set()


def test_an_unfinished_one_that_is_listed_is_not_looked_up_besides(
    vercel: Vercel, fake: Fake, client: VercelClient
) -> None:
    deploy(vercel, 0, "BUILDING")
    kept = stored(walk(client).kept)
    fake.requests.clear()
    walk(client, kept=kept, since=after(-1))
    assert not fake.asked_for("/v13/")


def test_without_what_the_last_one_left_a_day_more_is_listed(
    vercel: Vercel, client: VercelClient
) -> None:
    id_ = deploy(vercel, 0, "BUILDING")
    assert walk(client, since=after(60)).seen == {id_}
    assert walk(client, since=from_epoch_ms(AT_MS + 2 * DAY_MS)).seen == set()


@pytest.mark.parametrize("junk", [[], 7, "x", {"marks": 5, "unfinished": [None, {}, "dpl_000000"]}])
def test_what_a_later_version_left_is_no_dead_end(
    vercel: Vercel, client: VercelClient, junk: JSON
) -> None:
    id_ = deploy(vercel, 0, "ERROR")
    assert walk(client, kept=junk).seen == {id_}
    page = client.list_page(asked(cursor={"page": 7, "until": "soon"}))
    assert [one.identity.id for one in page.listed] == [id_]


def test_the_new_is_seen_again_within_the_overlap_and_costs_little(
    vercel: Vercel, fake: Fake, client: VercelClient
) -> None:
    id_ = deploy(vercel, 0, "ERROR")
    kept = stored(walk(client).kept)
    fake.requests.clear()
    found = walk(client, kept=kept, since=after(-5))
    assert (found.seen, found.said, len(fake.requests)) == ({id_}, {}, 1)


def test_an_incremental_listing_forgets_nothing_that_was_known(
    vercel: Vercel, client: VercelClient
) -> None:
    ids = [deploy(vercel, number, "ERROR") for number in range(3)]
    kept = stored(walk(client).kept)
    new = deploy(vercel, 3, "ERROR")
    between = walk(client, kept=kept, since=after(2))
    assert between.said.keys() == {new}
    again = walk(client, kept=stored(between.kept))
    assert (again.seen, again.said) == ({*ids, new}, {})


CHANGES = ("create", "finish", "fail", "delete", "nothing")


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_what_changes_during_a_listing_loses_nothing_that_stays(data: st.DataObject) -> None:
    """And what was made meanwhile, or has changed, comes with the next incremental one."""
    vercel = halcyon()
    vercel.page_size = data.draw(st.integers(3, 5))
    count = data.draw(st.integers(1, 15))
    for number in range(count):
        deploy(vercel, number, data.draw(st.sampled_from(["BUILDING", "READY", "ERROR"])))
    stays = {id_ for id_ in vercel.deployments if data.draw(st.booleans())}
    began, made, seen = after(count - 1), count, set[str]()
    with serving(vercel) as fake, client_of(fake) as client:
        cursor: JSON = None
        while True:
            page = client.list_page(asked(cursor=cursor))
            seen |= {one.identity.id for one in page.listed}
            seen |= {one.identity.id for one in page.wanted}
            cursor = stored(page.cursor)
            if cursor is None:
                break
            made = _change(data, vercel, made, stays)
        assert stays & set(vercel.deployments) <= seen
        known = {id_: one["readyState"] for id_, one in vercel.deployments.items()}
        then = walk(client, kept=stored(page.kept), since=began)
        new = {f"dpl_{number:06d}" for number in range(count, made)} & set(vercel.deployments)
        assert new <= then.seen
        for id_ in then.said.keys() & known.keys():
            (change,) = then.said[id_]
            assert isinstance(change, Upsert)
            assert change.metadata["status"] == known[id_]


def _change(data: st.DataObject, vercel: Vercel, made: int, stays: set[str]) -> int:
    """Something happens at Vercel; how many were ever made."""
    moving = sorted(set(vercel.deployments) - stays)
    building = [id_ for id_ in moving if vercel.deployments[id_]["readyState"] == "BUILDING"]
    match data.draw(st.sampled_from(CHANGES)):
        case "create":
            deploy(vercel, made, "BUILDING")
            return made + 1
        case "finish" if building:
            vercel.become(data.draw(st.sampled_from(building)), "READY", at_ms=AT_MS)
        case "fail" if building:
            id_ = data.draw(st.sampled_from(building))
            vercel.fail(id_, at_ms=AT_MS, code="E", message="failed", step="s")
        case "delete" if moving:
            vercel.remove(data.draw(st.sampled_from(moving)))
        case _:
            pass
    return made
