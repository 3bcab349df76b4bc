"""What a list is never taken for: an answer that is none, nothing where nobody may look."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ingest.core.errors import BadPayload, PermanentError, RateLimited, Refused, TransientError
from ingest.core.values import JSON
from ingest.sources.vercel.client import VercelClient
from ingest.sources.vercel.demo.fake import Vercel, rate_limited
from ingest.testing.fakes import Answer, Asked, Fake, Trouble, serving
from ingest.testing.walking import stored
from tests.sources.vercel.listing import (
    AT_MS,
    TEAM,
    asked,
    client_of,
    deploy,
    halcyon,
    walk,
)


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


def test_an_empty_list_is_believed_where_the_project_can_be_read(
    fake: Fake, client: VercelClient
) -> None:
    assert walk(client).seen == set()
    assert [one.path for one in fake.requests] == ["/v7/deployments", "/v9/projects/prj_1"]


def test_an_empty_list_is_a_refusal_where_it_cannot(
    vercel: Vercel, fake: Fake, client: VercelClient
) -> None:
    for number in range(4):
        deploy(vercel, number)
    for metadata in ({"vercelTeamId": None}, {"vercelTeamId": "team_other"}):
        vercel.put_team("team_other", "other")
        with client_of(fake, **metadata) as outside, pytest.raises(Refused, match="prj_1"):
            walk(outside)
    vercel.remove_project("prj_1")
    with pytest.raises(Refused, match="removed"):
        walk(client)


def test_a_token_that_is_none_is_refused(fake: Fake) -> None:
    with client_of(fake, "another-token-than-the-right-one") as client, pytest.raises(Refused):
        client.list_page(asked())


@pytest.mark.parametrize(
    "answer",
    [
        [],
        {},
        None,
        {"deployments": None, "pagination": {"next": None}},
        {"deployments": {}, "pagination": {"next": None}},
        {"deployments": []},
        {"deployments": [], "pagination": []},
        {"deployments": [], "pagination": {"next": "soon"}},
        {"deployments": [], "pagination": {"next": True}},
        {"error": {"code": "internal", "message": "200 all the same"}},
    ],
)
def test_what_is_no_list_is_no_short_list(fake: Fake, client: VercelClient, answer: Any) -> None:
    fake.troubles.append(Trouble(Answer(200, answer), "/deployments"))
    with pytest.raises(BadPayload):
        client.list_page(asked())


@pytest.mark.parametrize("junk", [None, 7, {}, {"uid": ""}, {"uid": "a b"}, {"uid": {"id": 1}}])
def test_an_item_that_cannot_be_read_is_a_gap(
    vercel: Vercel, fake: Fake, client: VercelClient, junk: JSON
) -> None:
    id_ = deploy(vercel, 1)
    page = _page(vercel)
    page["deployments"].append(junk)
    fake.troubles.append(Trouble(Answer(200, page), "/deployments"))
    found = walk(client)
    assert found.seen == {id_}
    assert found.gap is not None


def _page(vercel: Vercel) -> dict[str, Any]:
    headers = {"authorization": f"Bearer {vercel.token}"}
    query = {"teamId": [TEAM], "projectId": ["prj_1"]}
    body: dict[str, Any] = vercel.answer(
        Asked("GET", "/v7/deployments", query, headers, None, "")
    ).body
    return body


def test_the_time_of_the_next_page_may_be_a_text(
    vercel: Vercel, fake: Fake, client: VercelClient
) -> None:
    ids = {deploy(vercel, number) for number in range(5)}
    page = _page(vercel)
    page["pagination"]["next"] = str(page["pagination"]["next"])
    fake.troubles.append(Trouble(Answer(200, page), "/deployments"))
    assert walk(client).seen == ids


@pytest.mark.parametrize("gone", [404, 410])
def test_the_same_list_is_known_by_an_older_name(
    vercel: Vercel, fake: Fake, client: VercelClient, gone: int
) -> None:
    ids = {deploy(vercel, number) for number in range(7)}
    fake.troubles.append(Trouble(Answer(gone, {"error": {}}), "/v7/", times=99))
    assert walk(client).seen == ids
    assert len(fake.asked_for("/v7/")) == 1
    fake.troubles[:] = [Trouble(Answer(gone, {"error": {}}), "/deployments", times=99)]
    with pytest.raises(PermanentError, match="/v6/deployments"):
        client.list_page(asked())


def test_a_name_that_is_taken_away_in_the_middle_is_no_dead_end(
    vercel: Vercel, fake: Fake, client: VercelClient
) -> None:
    ids = {deploy(vercel, number) for number in range(9)}
    page = client.list_page(asked())
    seen = {one.identity.id for one in page.listed}
    fake.troubles.append(Trouble(Answer(410, {"error": {}}), "/v7/", times=99))
    cursor = stored(page.cursor)
    while cursor is not None:
        page = client.list_page(asked(cursor=cursor))
        seen |= {one.identity.id for one in page.listed}
        cursor = stored(page.cursor)
    assert seen == ids


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(500, b""), TransientError),
        (Answer(502, b"<html>"), TransientError),
        (Answer(503, b""), TransientError),
        (Answer(200, b'{"deployments": [{"uid"'), BadPayload),
        (rate_limited(0), RateLimited),
        (Answer(401, {}), Refused),
        (Answer(402, {}), Refused),
        (Answer(403, {"error": {"code": "forbidden"}}), Refused),
        (Answer(400, {"error": {"code": "bad_request"}}), PermanentError),
        (Answer(422, {}), PermanentError),
    ],
)
@pytest.mark.parametrize("path", ["/v7/deployments", "/v13/"])
def test_an_error_is_what_it_says_and_no_end(
    vercel: Vercel,
    fake: Fake,
    client: VercelClient,
    path: str,
    answer: Answer,
    error: type[Exception],
) -> None:
    id_ = deploy(vercel, 1, "ERROR")
    fake.troubles.append(Trouble(answer, path))
    if path == "/v13/" and issubclass(error, PermanentError | Refused) and answer.status != 401:
        (page,) = walk(client).pages
        assert [one.identity.id for one in page.wanted] == [id_], "a look-up ends it alone"
        return
    with pytest.raises(error):
        client.list_page(asked())


def test_a_list_that_is_not_vercels_is_refused(client: VercelClient) -> None:
    with pytest.raises(PermanentError, match="issues"):
        client.list_page(asked(resource="issues"))


@pytest.mark.parametrize(
    "query",
    [
        {"limit": "101"},
        {"limit": "0"},
        {"until": "soon"},
        {"state": "DELETED"},
        {"projectIds": "prj_1"},
    ],
)
def test_the_fake_refuses_what_vercel_would(vercel: Vercel, query: dict[str, str]) -> None:
    headers = {"authorization": f"Bearer {vercel.token}"}
    told = {"teamId": [TEAM], "projectId": ["prj_1"], **{k: [v] for k, v in query.items()}}
    assert vercel.answer(Asked("GET", "/v7/deployments", told, headers, None, "")).status == 400


def test_the_fake_holds_many_and_pages_through_them_quickly(vercel: Vercel) -> None:
    vercel.page_size = 100
    for number in range(20_000):
        vercel.deploy(f"dpl_{number}", "prj_1", f"{number}.example.com", at_ms=AT_MS + number)
    headers = {"authorization": f"Bearer {vercel.token}"}
    seen, until = 0, ""
    while True:
        query = {"teamId": [TEAM], "projectId": ["prj_1"], "until": [until], "limit": ["100"]}
        body = vercel.answer(Asked("GET", "/v7/deployments", query, headers, None, "")).body
        seen += len(body["deployments"])
        if body["pagination"]["next"] is None:
            break
        until = str(body["pagination"]["next"])
    assert seen == 20_000
