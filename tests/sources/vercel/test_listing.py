"""All of a project's deployments, told as a look-up tells them, in pages that are cut anywhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.core.changes import Upsert, Withdraw
from ingest.core.errors import TransientError
from ingest.core.values import JSON
from ingest.sources.listing import MOST_CALLS
from ingest.sources.vercel.client import VercelClient
from ingest.sources.vercel.cursors import MOST_MARKS, MOST_UNFINISHED
from ingest.sources.vercel.demo.fake import Vercel
from ingest.testing.fakes import Answer, Asked, Fake, Trouble, serving
from ingest.testing.walking import stored
from tests.sources.vercel.listing import (
    AT_MS,
    META,
    TEAM,
    asked,
    client_of,
    contents,
    deploy,
    halcyon,
    identity,
    looked_up,
    walk,
)

STATES = ("QUEUED", "INITIALIZING", "BUILDING", "READY", "ERROR", "CANCELED", "BLOCKED")
SOURCE_OF_GIT = {"type": "github", "org": "halcyon-rail", "repo": "web", "sha": "c" * 40, "prId": 9}
KINDS: dict[str, dict[str, Any]] = {
    "of a commit": {},
    "a preview": {"target": None},
    "of a commit that only a look-up tells": {"meta": {}, "gitSource": SOURCE_OF_GIT},
    "of a commit whose pull request only a look-up tells": {
        "meta": {name: value for name, value in META.items() if name != "githubPrId"},
        "gitSource": SOURCE_OF_GIT,
    },
    "uploaded by hand": {"meta": {}, "source": "cli"},
    "of another environment": {
        "target": None,
        "customEnvironment": {"id": "env_1", "slug": "rehearsal", "type": "preview"},
    },
    "of one that a list only numbers": {"target": None, "customEnvironment": {"id": "env_2"}},
}


@pytest.fixture
def vercel() -> Vercel:
    vercel = halcyon()
    vercel.page_size = 3
    return vercel


@pytest.fixture
def fake(vercel: Vercel) -> Iterator[Fake]:
    with serving(vercel) as served:
        yield served


@pytest.fixture
def client(fake: Fake) -> Iterator[VercelClient]:
    with client_of(fake) as made:
        yield made


@pytest.mark.parametrize("kind", KINDS)
def test_a_list_says_what_a_look_up_says(vercel: Vercel, client: VercelClient, kind: str) -> None:
    ids = [deploy(vercel, n, state, **KINDS[kind]) for n, state in enumerate(STATES)]
    vercel.deployments[ids[2]]["customEnvironment"] = {"id": "env_3", "slug": "night"}
    said = walk(client).said
    assert said.keys() == set(ids)
    for id_ in ids:
        assert contents(said[id_]) == contents(looked_up(client, id_))


def test_a_failed_one_has_its_log_and_its_reason(vercel: Vercel, client: VercelClient) -> None:
    id_ = deploy(vercel, 1, "ERROR")
    (change,) = walk(client).said[id_]
    assert isinstance(change, Upsert)
    assert change.metadata["errorSummary"] == "1 failed (E, buildStep)"
    assert "lamp 1 is out" in change.body


def test_what_is_told_whole_is_not_asked_for_again(vercel: Vercel, fake: Fake) -> None:
    vercel.page_size = 100
    for number in range(400):
        deploy(vercel, number)
    with client_of(fake) as client:
        found = walk(client)
    assert len(found.seen) == 400
    assert len(fake.requests) <= 5
    assert all(one.path == "/v7/deployments" for one in fake.requests)
    assert {one.one("limit") for one in fake.requests} == {"100"}


def test_a_failed_one_costs_two_requests_and_no_page_more_than_its_share(
    vercel: Vercel, fake: Fake, client: VercelClient
) -> None:
    vercel.page_size = 100
    ids = {deploy(vercel, number, "ERROR") for number in range(45)}
    cursor: JSON = None
    seen: set[str] = set()
    while True:
        fake.requests.clear()
        page = client.list_page(asked(cursor=cursor))
        assert len(fake.requests) <= MOST_CALLS
        seen |= {one.identity.id for one in page.listed}
        if page.cursor is None:
            break
        cursor = stored(page.cursor)
    assert seen == ids


def test_what_was_looked_up_once_is_known_by_what_the_list_says(
    vercel: Vercel, fake: Fake, client: VercelClient
) -> None:
    ids = [deploy(vercel, number, "ERROR") for number in range(5)]
    kept = stored(walk(client).kept)
    fake.requests.clear()
    again = walk(client, kept=kept)
    assert again.seen == set(ids)
    assert again.said == {}
    assert not fake.asked_for("/v13/")
    assert stored(again.kept) == kept
    vercel.deployments[ids[2]]["errorMessage"] = "it failed otherwise"
    assert walk(client, kept=kept).said.keys() == {ids[2]}


def test_other_code_reads_everything_again(vercel: Vercel, client: VercelClient) -> None:
    id_ = deploy(vercel, 1, "ERROR")
    kept = stored(walk(client, made_by="one").kept)
    assert walk(client, kept=kept, made_by="one").said == {}
    assert walk(client, kept=kept, made_by="another").said.keys() == {id_}


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_listing_that_is_broken_at_any_page_goes_on_from_its_cursor(data: st.DataObject) -> None:
    vercel = halcyon()
    vercel.page_size = data.draw(st.integers(3, 5))
    vercel.until_includes = data.draw(st.booleans())
    states = data.draw(st.lists(st.sampled_from(STATES), max_size=12))
    for number, state in enumerate(states):
        deploy(vercel, number, state)
        if data.draw(st.booleans()):  # in the same millisecond as another
            vercel.made_at(f"dpl_{number:06d}", AT_MS + max(0, number - 1) * 60_000)
    with serving(vercel) as fake, client_of(fake) as client:
        whole = walk(client)
        for cut in range(len(whole.pages) - 1):
            cursor, seen = stored(whole.pages[cut].cursor), set[str]()
            while cursor is not None:
                page = client.list_page(asked(cursor=cursor))
                seen |= {one.identity.id for one in page.listed}
                cursor = stored(page.cursor)
            before = {one.identity.id for page in whole.pages[: cut + 1] for one in page.listed}
            assert before | seen == set(whole.said)
        assert set(whole.said) == set(vercel.deployments)
        assert whole.gap is None


@dataclass
class Shaky:
    """A Vercel that answers one request, counted from the first, with an error."""

    vercel: Vercel
    fails: int
    token: str
    count: int = 0

    def answer(self, request: Asked) -> Answer:
        self.count += 1
        return Answer(503, b"") if self.count == self.fails else self.vercel.answer(request)


def test_a_page_that_fails_is_asked_for_again_as_a_whole(vercel: Vercel) -> None:
    ids = {deploy(vercel, number, "ERROR" if number % 2 else "READY") for number in range(9)}
    failed = 0
    for fails in range(1, 30):
        with serving(Shaky(vercel, fails, vercel.token)) as fake, client_of(fake) as client:
            cursor: JSON = None
            seen: set[str] = set()
            while True:
                try:
                    page = client.list_page(asked(cursor=cursor))
                except TransientError:
                    failed += 1
                    continue
                seen |= {one.identity.id for one in page.listed}
                cursor = stored(page.cursor)
                if cursor is None:
                    break
        assert seen == ids
    assert failed >= 12


def test_more_of_one_millisecond_than_a_page_holds_is_a_gap(
    vercel: Vercel, client: VercelClient
) -> None:
    for number in range(8):
        deploy(vercel, number)
        if 2 <= number < 6:
            vercel.made_at(f"dpl_{number:06d}", AT_MS + 5 * 60_000)
    found = walk(client)
    assert found.gap is not None
    assert "dpl_000000" in found.seen


def test_what_is_kept_is_bounded(vercel: Vercel, client: VercelClient) -> None:
    vercel.page_size = 100
    for number in range(MOST_UNFINISHED + 20):
        deploy(vercel, number, "BUILDING")
    newest = f"dpl_{MOST_UNFINISHED + 19:06d}"
    kept = walk(client).kept
    assert isinstance(kept, dict)
    unfinished = kept["unfinished"]
    assert isinstance(unfinished, list)
    assert (len(unfinished), unfinished[0]) == (MOST_UNFINISHED, newest)
    assert MOST_MARKS * 12 < 16_384


def test_a_deployment_of_another_project_is_withdrawn(
    vercel: Vercel, fake: Fake, client: VercelClient
) -> None:
    id_ = deploy(vercel, 1)
    page = vercel.answer(
        Asked(
            "GET",
            "/v7/deployments",
            {"teamId": [TEAM]},
            {"authorization": f"Bearer {vercel.token}"},
            None,
            "",
        )
    ).body
    page["deployments"][0]["projectId"] = "prj_2"
    fake.troubles.append(Trouble(Answer(200, page)))
    assert walk(client).said[id_] == (Withdraw(identity(id_), version=None),)
