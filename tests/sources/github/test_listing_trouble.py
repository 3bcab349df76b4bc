"""Lists in trouble: lost rights, limits, garbage. No list is silently shorter than it is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ingest.core.errors import (
    BadPayload,
    IngestError,
    PermanentError,
    RateLimited,
    Refused,
    TransientError,
)
from ingest.sources.github.graphql_lists import BY_CREATION, discussions, reviews, talks
from ingest.sources.github.listing import LISTING
from ingest.testing.fakes import Answer, Trouble
from tests.sources.github.listed import LISTS, ask, asking, fill, here, issue, walk
from tests.sources.github.looking import ID, looking

every_list = pytest.mark.parametrize("resource", LISTS)
KINDS = {one.name: next(iter(one.kinds), "") for one in LISTING.resources}
QUERIED = ["discussions", "discussion-comments", "reviews"]


def _path(resource: str) -> str:
    """Of its requests, and of no other ones."""
    return "graphql" if resource in QUERIED else "/repos/halcyon/web/"


@every_list
def test_an_empty_list_of_a_repository_that_cannot_be_read_is_refused(resource: str) -> None:
    with looking() as at:
        at.client().check()
        at.github.repositories[ID].readable = False
        empty: Any = []
        if resource in QUERIED:
            name = "pullRequests" if resource == "reviews" else "discussions"
            of = {"nodes": [], "pageInfo": {"hasNextPage": False, "endCursor": None}}
            empty = {"data": {"repository": {"databaseId": ID, name: of}}}
        at.fake.troubles.append(Trouble(Answer(200, empty), _path(resource)))
        with pytest.raises(Refused):
            ask(at, resource)


@every_list
def test_a_list_that_the_token_may_not_read_is_a_gap_and_ends_no_other(resource: str) -> None:
    with looking() as at:
        fill(at)
        forbidden = Answer(403, {"message": "Resource not accessible by integration"})
        at.fake.troubles.append(Trouble(forbidden, _path(resource)))
        page = ask(at, resource)
        assert page.cursor is None
        assert page.listed == ()
        assert "can be listed" in (page.gap or "")


@every_list
def test_a_token_that_is_not_known_is_refused(resource: str) -> None:
    with looking() as at:
        fill(at)
        at.github.page_size = 2
        cursor = ask(at, resource).cursor
        at.github.token = "ghp_another"
        with pytest.raises(Refused):
            at.client("ghp_a-token-of-the-demo").list_page(
                replace(asking(at, resource), cursor=cursor)
            )


def test_issues_that_are_switched_off_are_a_gap_and_nothing_is_absent() -> None:
    with looking() as at:
        fill(at)
        at.github.repositories[ID].switched_off.add("issues")
        assert "410" in (ask(at, "issues").gap or "")
        assert walk(at, "pulls")


@pytest.mark.parametrize("body", [{}, {"message": "x"}, "x", 7, None, b"<html>", {"data": {}}])
@every_list
def test_an_answer_that_is_no_list_is_an_error(resource: str, body: Any) -> None:
    with looking() as at:
        fill(at)
        at.client().check()
        at.fake.troubles.append(Trouble(Answer(200, body), _path(resource)))
        with pytest.raises(PermanentError):
            ask(at, resource)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(429, {}, {"retry-after": "7"}), RateLimited),
        (Answer(403, {}, {"x-ratelimit-remaining": "0"}), RateLimited),
        (Answer(503, {}), TransientError),
        (Answer(502, {}), TransientError),
    ],
)
@every_list
def test_trouble_in_the_midst_is_an_error_and_the_page_is_asked_for_again(
    resource: str, answer: Answer, error: type[IngestError]
) -> None:
    with looking() as at:
        at.github.page_size = 2
        fill(at)
        cursor = ask(at, resource).cursor
        assert cursor is not None
        at.fake.troubles.append(Trouble(answer, _path(resource), times=3))
        with pytest.raises(error):
            ask(at, resource, cursor=cursor)
        at.fake.troubles.clear()
        page = ask(at, resource, cursor=cursor)
        assert page.listed or page.cursor


@pytest.mark.parametrize("resource", QUERIED)
def test_a_query_that_is_too_much_is_asked_with_less(resource: str) -> None:
    """A partial result with an error beside it is no list: nothing is absent by it."""
    with looking() as at:
        fill(at)
        partial = {
            "data": {"repository": None},
            "errors": [{"message": "Resource limits exceeded"}],
        }
        at.fake.troubles.append(Trouble(Answer(200, partial), "graphql"))
        at.fake.troubles.append(Trouble(Answer(504, {}), "graphql"))
        assert set(walk(at, resource)) == here(at, KINDS[resource])


@pytest.mark.parametrize("resource", QUERIED)
def test_an_object_that_github_cannot_show_is_a_gap_and_no_dead_end(resource: str) -> None:
    with looking() as at:
        fill(at)
        answers = [Answer(502, {}), Answer(502, {})]
        whole = at.client()._api.query(_first(resource), {**_NAMED, "first": 2, "after": None})
        connection: Any = whole["repository"]
        (nodes,) = (of["nodes"] for name, of in connection.items() if name != "databaseId")
        nodes[0] = None
        nodes[1]["comments"] = None
        errors = [{"message": "Something went wrong", "path": ["repository"]}]
        answers.append(Answer(200, {"data": whole, "errors": errors}))
        at.fake.troubles += [Trouble(answer, "graphql") for answer in answers]
        page = ask(at, resource)
        assert "only a part: Something" in (page.gap or "")
        assert page.cursor is not None


_NAMED = {"owner": "halcyon", "name": "web"}


def _first(resource: str) -> str:
    queries = {"discussions": discussions, "discussion-comments": talks, "reviews": reviews}
    return queries[resource](BY_CREATION)


@every_list
def test_a_cursor_that_github_takes_no_more_begins_the_list_anew_once(resource: str) -> None:
    with looking() as at:
        at.github.page_size = 2
        fill(at, 6)
        gone = Answer(422, {"message": "invalid cursor"})
        if resource in QUERIED:
            cursor: Any = {"at": {"after": "gone", "left": []}, "again": False}
        else:
            cursor = {"at": {"next": {"page": "2", "after": "x"}}, "again": False}
            at.fake.troubles.append(Trouble(gone, "/repos/halcyon/web/"))
        page = ask(at, resource, cursor=cursor)
        assert page.cursor == {"at": None, "again": True}
        found = set()
        while page.cursor is not None:
            page = ask(at, resource, cursor=page.cursor)
            found |= {one.identity for one in page.listed}
        assert found == here(at, KINDS[resource])
        if resource == "pulls":
            at.fake.troubles.append(Trouble(gone, "/repos/halcyon/web/"))
            with pytest.raises(PermanentError):
                ask(at, resource, cursor={**cursor, "again": True})


@pytest.mark.parametrize("link", ["<https://api.github.com/x>; rel=next", '<::[>; rel="next"'])
def test_a_link_that_leads_nowhere_is_an_error_and_no_end(link: str) -> None:
    with looking() as at:
        at.fake.troubles.append(Trouble(Answer(200, [], {"link": link}), "/pulls"))
        with pytest.raises(BadPayload, match="link"):
            ask(at, "pulls")


def test_a_list_deeper_than_page_numbers_go_is_read_by_its_links() -> None:
    with looking() as at:
        at.github.populate(ID, "issue", range(1, 10_301), lambda n: issue(n, 1))
        assert len(walk(at, "issues")) == 10_300


def test_an_unknown_list_is_an_error() -> None:
    with looking() as at, pytest.raises(PermanentError, match="no list"):
        ask(at, "wikis")
