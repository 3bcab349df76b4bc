"""Lists that go wrong: no issue is taken for gone by them, and none is left out silently."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ingest.core.changes import Refresh
from ingest.core.errors import (
    BadPayload,
    IngestError,
    PermanentError,
    RateLimited,
    Refused,
    TransientError,
)
from ingest.core.values import JSON
from ingest.testing.fakes import Answer, Trouble
from tests.sources.sentry.organizations import Halcyon, halcyon, of_issue

_SEARCH = "/organizations/halcyon/issues/"
_WITHDRAWN = Answer(410, {"message": "This API no longer exists."})


@pytest.fixture
def org() -> Iterator[Halcyon]:
    with halcyon() as made:
        yield made


@pytest.fixture(scope="module")
def unmoved() -> Iterator[Halcyon]:
    with halcyon() as made:
        yield made


def test_an_empty_list_is_believed_where_the_project_is_readable() -> None:
    with halcyon(0) as org:
        for resource in ("states", "issues"):
            (page,) = org.pages(resource)
            assert (page.listed, page.cursor, page.gap) == ((), None, None)
            assert org.requests[-1].path == "/api/0/projects/halcyon/501/"


def test_a_list_without_a_project_is_refused(org: Halcyon) -> None:
    """A token that lost its projects is answered with an empty list, and a 200."""
    org.sentry.projects.clear()
    for resource in ("states", "issues"):
        with pytest.raises(Refused, match="halcyon/web cannot be read"):
            org.page(resource)


def test_a_project_that_the_token_may_not_list_is_refused(org: Halcyon) -> None:
    org.sentry.put_project("web", "777")
    with pytest.raises(Refused):
        org.page()


def test_an_organization_that_is_not_there_is_refused(org: Halcyon) -> None:
    org.again(sentryOrganizationSlug="other")
    with pytest.raises(Refused, match="organization other cannot be read"):
        org.page()


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(401, {"detail": "Invalid token"}), Refused),
        (Answer(403, {"detail": "no"}), Refused),
        (Answer(429, {"detail": "too many"}, {"retry-after": "3"}), RateLimited),
        (Answer(500, b"<html>"), TransientError),
        (Answer(503, b""), TransientError),
        (_WITHDRAWN, TransientError),
        (Answer(body={"detail": "later"}), BadPayload),
        (Answer(body=[{"id": "1"}, "x"]), BadPayload),
        (Answer(body=[{"id": "1"}]), BadPayload),
        (Answer(body=[{"title": "t"}]), BadPayload),
        (Answer(body=[{"id": "../1"}]), BadPayload),
        (Answer(body=b"[{"), BadPayload),
        (Answer(400, {"detail": "Error parsing search query"}), PermanentError),
    ],
)
def test_what_is_no_list_is_an_error_of_the_page(
    unmoved: Halcyon, answer: Answer, error: type[IngestError]
) -> None:
    unmoved.fake.troubles.append(Trouble(answer, _SEARCH))
    with pytest.raises(error):
        unmoved.page()
    assert len(unmoved.listed()) == 12


@pytest.mark.parametrize("status", [429, 500, 502, 503, 410])
def test_a_fault_in_the_midst_of_a_page_loses_nothing(unmoved: Halcyon, status: int) -> None:
    first = unmoved.page()
    unmoved.fake.troubles.append(
        Trouble(Answer(status, {}, {"retry-after": "1"}), "/events/latest/")
    )
    with pytest.raises(TransientError):
        unmoved.page(cursor=first.cursor)
    rest, cursor = [], first.cursor
    while cursor is not None:
        page = unmoved.page(cursor=cursor)
        rest += [one.identity.id for one in page.listed]
        cursor = page.cursor
    assert {*rest, *(one.identity.id for one in first.listed)} == unmoved.ids()


def test_an_issue_whose_answer_makes_no_sense_stops_no_list(org: Halcyon) -> None:
    odd = sorted(org.ids())[2]
    org.fake.troubles.append(Trouble(Answer(body=b"<html>"), f"/issues/{odd}/events/latest/"))
    pages = org.pages()
    assert {one.identity.id for page in pages for one in page.listed} == org.ids() - {odd}
    assert [one for page in pages for one in page.wanted] == [Refresh(of_issue(odd))]


def test_a_page_that_is_short_or_empty_is_not_the_end(org: Halcyon) -> None:
    ids = sorted(org.ids())
    org.sentry.search.pending = {*ids[:6]}
    assert {*org.listed()} == {*ids[6:]}
    org.sentry.search.pending = {*ids}
    assert org.listed() == []  # and the project is readable


def test_an_issue_that_goes_while_it_is_listed_is_left_out(org: Halcyon) -> None:
    page = org.page()
    assert isinstance(page.cursor, dict)
    left = page.cursor["left"]
    assert isinstance(left, list)
    org.sentry.delete(str(left[0]))
    assert str(left[0]) not in {one.identity.id for one in org.page(cursor=page.cursor).listed}


def test_a_cursor_that_is_not_understood_any_more_begins_the_list_again(org: Halcyon) -> None:
    page = org.page()
    assert isinstance(page.cursor, dict)
    found = {one.identity.id for one in page.listed}
    cursor: JSON = {**page.cursor, "after": "no cursor"}
    while cursor is not None:
        page = org.page(cursor=cursor)
        found |= {one.identity.id for one in page.listed}
        cursor = page.cursor
    assert found == org.ids()


def test_cursors_that_are_never_understood_are_no_endless_list(unmoved: Halcyon) -> None:
    page = unmoved.page()
    assert isinstance(page.cursor, dict)
    cursor = {**page.cursor, "after": "0:0:0", "left": [], "begunAgain": 3}
    unmoved.fake.troubles.append(Trouble(Answer(400, {"detail": "Invalid cursor"}), _SEARCH))
    with pytest.raises(PermanentError, match="does not understand its own cursors"):
        unmoved.page(cursor=cursor)


def test_a_page_that_leads_to_itself_is_an_error(unmoved: Halcyon) -> None:
    link = '<https://x/>; rel="next"; results="true"; cursor="7:0:0"'
    row = unmoved.sentry.issues[min(unmoved.ids())].row()
    unmoved.fake.troubles += [Trouble(Answer(body=[row], headers={"link": link}), _SEARCH)]
    page = unmoved.page(cursor={"project": "501", "after": "9:0:0", "more": True})
    unmoved.fake.troubles += [Trouble(Answer(body=[row], headers={"link": link}), _SEARCH)]
    assert page.listed
    with pytest.raises(BadPayload, match="the one that was asked for"):
        unmoved.page(cursor={"project": "501", "after": "7:0:0", "more": True})


def test_a_search_that_ends_early_proves_no_absence(org: Halcyon) -> None:
    org.sentry.search.ends_after = 5
    pages = org.pages()
    assert sum(len(page.listed) for page in pages) == 5
    assert pages[-1].gap == "Sentry's search ended after 5 of about 12 issues"
    org.sentry.search.ends_after = None
    assert all(page.gap is None for page in org.pages())
