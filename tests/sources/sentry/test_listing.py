"""Lists of issues against the fake: what they tell, in how many requests, and from any page on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import orjson
import pytest

from ingest.core.changes import Refresh, Upsert
from ingest.core.errors import PermanentError
from ingest.core.values import JSON
from ingest.sources.access import Access
from ingest.sources.listing import MOST_CALLS
from ingest.sources.sentry import SOURCE
from ingest.sources.sentry.client import SentryClient
from ingest.sources.sentry.demo import SAMPLE
from ingest.sources.sentry.demo.drawing import NEWEST
from ingest.testing.fakes import serving
from ingest.testing.walking import changes_of, pages_of
from tests.sources.sentry.organizations import (
    NOW,
    SCOPE,
    Halcyon,
    fetched,
    halcyon,
    of_issue,
    told_of,
)


@pytest.fixture
def org() -> Iterator[Halcyon]:
    with halcyon() as made:
        yield made


@pytest.fixture
def larger() -> Iterator[Halcyon]:
    with halcyon(20, page_size=7) as made:
        yield made


def _event(id_: str, at: datetime) -> dict[str, object]:
    return {"id": id_, "eventID": id_, "dateCreated": at.isoformat(), "tags": [], "entries": []}


def test_a_list_says_of_each_issue_what_a_look_up_says(org: Halcyon) -> None:
    listed = [one for page in org.pages() for one in page.listed]
    assert {one.identity.id for one in listed} == org.ids()
    for one in listed:
        assert told_of(one) == fetched(org.client, one.identity.id)


def test_issues_of_every_state_are_listed_with_their_comments(org: Halcyon) -> None:
    told = [one for page in org.pages() for listed in page.listed for one in told_of(listed)]
    states = {one.metadata.get("status") for one in told if isinstance(one, Upsert)}
    assert {"unresolved", "resolved", "ignored"} <= states
    comments = [one for one in told if isinstance(one, Upsert) and one.identity.kind == "comment"]
    assert len(comments) == 3
    assert all(one.parent is not None for one in comments)


def test_an_issue_takes_three_requests_and_its_share_of_a_page(org: Halcyon) -> None:
    pages = org.pages()
    assert len(org.requests) == 3 * 12 + org.search_calls()
    assert org.search_calls() == 3
    assert all(page.expected == 12 for page in pages)


def test_a_page_takes_no_more_requests_than_it_may(larger: Halcyon) -> None:
    taken: list[int] = []
    cursor: JSON = None
    while not taken or cursor is not None:
        before = len(larger.requests)
        cursor = larger.page(cursor=cursor).cursor
        taken.append(len(larger.requests) - before)
    assert len(taken) == 4
    assert max(taken) <= MOST_CALLS


def test_a_run_goes_on_at_any_page_as_if_it_had_never_stopped(larger: Halcyon) -> None:
    pages = larger.pages()
    whole = [one.identity.id for page in pages for one in page.listed]
    assert {*whole} == larger.ids()
    for cut in range(1, len(pages)):
        larger.again()
        found = [one.identity.id for page in pages[:cut] for one in page.listed]
        cursor = orjson.loads(orjson.dumps(pages[cut - 1].cursor))
        larger.page(cursor=cursor)  # its end was lost, and the page is asked for again
        while cursor is not None:
            page = larger.page(cursor=cursor)
            found += [one.identity.id for one in page.listed]
            cursor = page.cursor
        assert found == whole


def test_no_issue_that_stays_is_lost_while_the_list_moves(larger: Halcyon) -> None:
    untouched, found, cursor, moves = larger.ids(), set(), None, 0
    while True:
        page = larger.page(cursor=cursor)
        found |= {one.identity.id for one in page.listed}
        cursor = page.cursor
        if cursor is None:
            break
        moves += 1
        ids = sorted(untouched)
        larger.sentry.delete(ids[0])
        larger.sentry.add_event(ids[-1], _event(f"e{moves}", NEWEST + timedelta(minutes=moves)))
        larger.sentry.merge(ids[1], ids[-2])
        larger.sentry.fill(2, "web", newest=NEWEST + timedelta(hours=moves))
        untouched -= {ids[0], ids[1]}
    assert moves >= 2
    assert untouched <= found


def test_many_issues_of_one_moment_are_listed_once_each() -> None:
    with halcyon(0, page_size=3) as org:
        for number in range(10):
            at = "2026-03-01T00:00:00Z"
            project = {"id": "501", "slug": "web"}
            issue = {"id": str(number + 1), "firstSeen": at, "lastSeen": at, "project": project}
            org.sentry.put_issue({"shortId": f"WEB-{number}", "title": "t", **issue})
        assert sorted(org.listed(), key=int) == [str(number + 1) for number in range(10)]


def test_an_incremental_list_begins_at_a_time(org: Halcyon) -> None:
    later = NEWEST + timedelta(hours=1)
    ids = sorted(org.ids())
    for id_ in ids[4:6]:
        org.sentry.add_event(id_, _event(f"e{id_}", later + timedelta(seconds=3)))
    before = len(org.requests)
    assert {*org.listed(since=later)} == {*ids[4:6]}
    assert len(org.requests) - before == 1 + 2 * 3
    assert org.listed(since=later + timedelta(seconds=4)) == []


def test_other_projects_are_not_listed(org: Halcyon) -> None:
    org.sentry.put_project("api", "502")
    own = org.ids()
    org.sentry.fill(3, "api", newest=NEWEST + timedelta(days=1))
    assert {*org.listed()} == own
    assert {asked.one("project") for asked in org.requests if asked.one("project")} == {"501"}


def test_a_connection_may_name_its_project_by_the_slug(org: Halcyon) -> None:
    org.again(sentryProjectId="web")
    assert {*org.listed()} == org.ids()
    assert org.requests[0].path == "/api/0/projects/halcyon/web/"


def test_a_renamed_project_is_listed_by_its_number(org: Halcyon) -> None:
    org.sentry.rename_project("web", "site")
    assert {*org.listed()} == org.ids()
    for id_ in [*org.ids()]:
        org.sentry.delete(id_)
    assert org.listed() == []  # the former slug leads to the project, which is there


def test_an_issue_that_went_into_another_while_listed_is_looked_up(org: Halcyon) -> None:
    """Only a look-up is told what it was called, by which the other one is to be found."""
    page = org.page()
    assert isinstance(page.cursor, dict)
    left = page.cursor["left"]
    assert isinstance(left, list)
    gone, into = str(left[0]), str(page.listed[0].identity.id)
    org.sentry.merge(gone, into)
    assert Refresh(of_issue(gone)) in org.page(cursor=page.cursor).wanted
    assert {one.identity for one in fetched(org.client, gone)} >= {of_issue(gone), of_issue(into)}


def test_what_the_story_tells_is_listed_from_nothing() -> None:
    assert SAMPLE.provider is not None
    connection = SAMPLE.connection
    scope = SOURCE.descriptor.scope("", connection)
    with serving(SAMPLE.provider()) as fake:
        client = SentryClient(Access(fake.url, fake.provider.token, connection, lambda: NOW))
        found = {
            (change.identity.kind, change.identity.id, change.identity.scope)
            for page in pages_of(client, "issues", connection=connection)
            for listed in page.listed
            for change in changes_of(SOURCE, listed, connection)
        }
        client.close()
    assert found == {("issue", "5150007001", scope), ("comment", "9100042", scope)}
    assert scope != SCOPE


def test_there_is_no_list_of_anything_else(org: Halcyon) -> None:
    with pytest.raises(PermanentError, match="no list of releases"):
        org.page("releases")


def test_three_thousand_issues_are_thirty_requests_of_the_search() -> None:
    """A sweep that finds nothing new: the list alone, whose fake draws none of them twice."""
    with halcyon(3_000, page_size=100) as org:
        first = org.pages("states")
        assert org.search_calls() == len(org.requests) == 30
        assert org.listed("states", kept=first[-1].kept) == []
        assert len(org.requests) == 60


def test_since_is_told_without_a_zone_as_sentry_reads_it(org: Halcyon) -> None:
    org.pages(since=datetime(2026, 3, 2, 13, 0, 1, 500_000, tzinfo=UTC))
    assert org.requests[0].one("query") == "lastSeen:>=2026-03-02T13:00:01"
    assert org.requests[0].one("sort") == "date"


def test_a_window_reaches_back_over_what_is_kept(org: Halcyon) -> None:
    quiet = {"id": "1", "firstSeen": "2025-06-01T00:00:00Z", "lastSeen": "2025-06-01T00:00:00Z"}
    recent = org.ids()
    org.sentry.put_issue({**quiet, "shortId": "WEB-1", "project": {"id": "501", "slug": "web"}})
    org.sentry.search.now = NEWEST + timedelta(days=1)
    assert {*org.listed()} == recent
    assert org.requests[0].one("statsPeriod") == "90d"
    org.sentry.search.retention = timedelta(days=365)
    assert {*org.listed()} == recent
    org.again(retentionDays=365)
    assert {*org.listed()} == {"1", *recent}
