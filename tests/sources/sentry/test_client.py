"""The client against a fake of Sentry's API: what it asks for, and what each refusal means."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from ingest.core.changes import Delete, Refresh, Upsert
from ingest.core.errors import PermanentError, RateLimited, Refused, TransientError
from ingest.sources.access import Access
from ingest.sources.contract import Client, Lookup
from ingest.sources.sentry import SOURCE
from ingest.sources.sentry.demo.fake import Sentry, make
from ingest.sources.sentry.whole import MOST_KEYS, MOST_PAGES, MOST_VALUES
from ingest.testing.fakes import Answer, Fake, Trouble, serving
from tests.sources.sentry.deliveries import CONNECTION, ISSUE_ID, asked, data, identity, told

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
_PATH = f"/api/0/organizations/halcyon/issues/{ISSUE_ID}/"


@pytest.fixture
def sentry() -> Sentry:
    provider = make("halcyon")
    provider.put_project("web", "501")
    provider.put_issue(data("issue.created")["issue"])
    return provider


@pytest.fixture
def fake(sentry: Sentry) -> Iterator[Fake]:
    with serving(sentry) as served:
        yield served


@pytest.fixture
def client(fake: Fake, sentry: Sentry) -> Iterator[Client]:
    made = _client(fake.url, sentry.token)
    yield made
    made.close()


def _client(url: str, token: str, **metadata: Any) -> Client:
    assert SOURCE.connect is not None
    return SOURCE.connect(Access(url, token, {**CONNECTION, **metadata}, lambda: NOW))


def _documents(client: Client, id_: str = ISSUE_ID) -> list[Any]:
    assert SOURCE.documents is not None
    sight = client.fetch_one(Lookup(identity("issue", id_)))
    assert sight.raw is not None
    return [
        *SOURCE.documents(
            Lookup(
                identity("issue", id_), raw=sight.raw, sent_at=NOW, hint={}, connection=CONNECTION
            )
        )
    ]


def _event(id_: str, at: str, **tags: str) -> dict[str, Any]:
    listed = [{"key": key, "value": value} for key, value in tags.items()]
    thrown = {"type": "TimetableError", "value": f"of {id_}"}
    entries = [{"type": "exception", "data": {"values": [thrown]}}]
    return {"id": id_, "eventID": id_, "dateCreated": at, "tags": listed, "entries": entries}


def test_an_issue_comes_with_its_latest_event_its_tags_and_its_comments(
    sentry: Sentry, client: Client
) -> None:
    sentry.add_event(ISSUE_ID, _event("e2", "2026-03-02T09:00:00Z", environment="production"))
    sentry.add_event(ISSUE_ID, _event("e1", "2026-03-01T09:00:00Z", browser="Firefox", user="id:1"))
    sentry.comment(
        ISSUE_ID, {"id": "7", "text": "See ENG-12.", "dateCreated": "2026-03-02T09:30:00Z"}
    )
    issue, comment = _documents(client)
    assert issue.metadata["count"] == 3
    assert issue.metadata["environments"] == ["production"]
    assert issue.metadata["tags"] == {"browser": ["Firefox"], "environment": ["production"]}
    assert "### TimetableError: of e2" in issue.body
    assert comment.identity == identity("comment", "7")
    assert comment.parent == identity()


def test_while_nothing_changes_it_sees_the_same(sentry: Sentry, client: Client) -> None:
    sentry.add_event(ISSUE_ID, _event("e1", "2026-03-01T09:00:00Z", browser="Firefox"))
    assert _documents(client) == _documents(client)


@pytest.mark.parametrize("base", ["", "/", "/api/0", "/api/0/"])
def test_the_base_may_be_with_or_without_the_apis_path(
    fake: Fake, sentry: Sentry, base: str
) -> None:
    client = _client(fake.url + base, sentry.token)
    assert client.check() == "project web of halcyon"
    assert isinstance(_documents(client)[0], Upsert)
    assert all(asked.path.startswith("/api/0/") for asked in fake.requests)
    assert all(asked.path.endswith("/") for asked in fake.requests)
    client.close()


def test_most_issues_take_three_requests(sentry: Sentry, fake: Fake, client: Client) -> None:
    sentry.add_event(ISSUE_ID, _event("e1", "2026-03-01T09:00:00Z", browser="Firefox", os="Linux"))
    sentry.comment(ISSUE_ID, {"id": "7", "text": "Why?", "dateCreated": "2026-03-02T09:30:00Z"})
    sentry.link(ISSUE_ID, "https://linear.app/halcyon/issue/ENG-12")
    assert len(_documents(client)) == 2
    assert [asked.path.removeprefix(_PATH) for asked in fake.requests] == [
        "",
        "events/latest/",
        "tags/",
    ]


def test_sets_are_read_to_a_bound_where_the_overview_is_cut(
    sentry: Sentry, fake: Fake, client: Client
) -> None:
    kept = sentry.issues[ISSUE_ID]
    kept.tags["environment"] = [f"stage-{n}" for n in range(9)]
    kept.tags["release"] = [f"web@{n}" for n in range(100)]
    kept.tags["browser"] = [f"Browser {n:02}" for n in range(100)]
    issue = _documents(client)[0]
    assert issue.metadata["environments"] == [f"stage-{n}" for n in range(9)]
    assert len(fake.asked_for("/tags/environment/")) == 5
    assert len(fake.asked_for("/tags/release/")) == MOST_PAGES
    assert len(issue.metadata["tags"]["browser"]) == MOST_VALUES
    assert not fake.asked_for("/tags/browser/")


def test_where_there_is_no_overview_each_tag_is_asked_for(
    sentry: Sentry, fake: Fake, client: Client
) -> None:
    sentry.issues[ISSUE_ID].tags |= {"browser": ["Firefox"], "release": ["web@2", "web@1", "web@0"]}
    whole = _documents(client)
    fake.troubles.append(Trouble(Answer(404, {}), "/tags/"))
    assert _documents(client) == whole
    assert len(fake.asked_for("/tags/release/")) == 2


def test_only_so_many_tags_are_asked_for(sentry: Sentry, fake: Fake, client: Client) -> None:
    for n in range(50):
        sentry.issues[ISSUE_ID].tags[f"tag {n:02}/x"] = [str(n)]
    tags = _documents(client)[0].metadata["tags"]
    assert len(tags) == MOST_KEYS
    assert tags["tag 00/x"] == ["0"]
    (asked,) = fake.asked_for("/tags/")
    assert len(asked.query["key"]) == MOST_KEYS + 2


@pytest.mark.parametrize("part", ["/tags/", "/events/latest/"])
def test_what_may_not_be_read_beside_an_issue_is_left_out(
    sentry: Sentry, fake: Fake, client: Client, part: str
) -> None:
    sentry.add_event(ISSUE_ID, _event("e1", "2026-03-01T09:00:00Z", browser="Firefox"))
    refusal = Answer(403, {"detail": "You do not have permission"})
    fake.troubles.append(Trouble(refusal, part, times=9))
    assert isinstance(_documents(client)[0], Upsert)
    fake.troubles[:] = [Trouble(Answer(401, {"detail": "Invalid token"}), part)]
    with pytest.raises(Refused):
        _documents(client)


@pytest.mark.parametrize("part", ["", "events/latest/", "tags/"])
def test_a_path_that_is_withdrawn_says_nothing_of_the_issue(
    fake: Fake, client: Client, part: str
) -> None:
    withdrawn = Answer(410, {"message": "This API no longer exists."})
    fake.troubles.append(Trouble(withdrawn, _PATH + part))
    with pytest.raises(TransientError):
        client.fetch_one(Lookup(identity()))


def test_versions_that_tell_no_links_with_an_issue_are_asked_for_them(
    sentry: Sentry, fake: Fake, client: Client
) -> None:
    sentry.link(ISSUE_ID, "https://linear.app/halcyon/issue/ENG-12")
    fake.troubles.append(Trouble(Answer(body=sentry.issues[ISSUE_ID].whole()), _PATH))
    assert _documents(client)[0].links == ("https://linear.app/halcyon/issue/ENG-12",)
    assert len(fake.asked_for("/external-issues/")) == 1


def test_comments_beyond_the_newest_activity_are_read_to_the_end(
    sentry: Sentry, client: Client, fake: Fake
) -> None:
    for n in range(103):
        at = f"2026-03-02T09:{n // 60:02}:{n % 60:02}Z"
        sentry.comment(ISSUE_ID, {"id": str(n), "text": f"Note {n}", "dateCreated": at})
    _, *comments = _documents(client)
    assert {one.identity.id for one in comments} == {str(n) for n in range(103)}
    assert len(comments) == 103
    assert len(fake.asked_for("/comments/")) == 52


def _comment(client: Client, id_: str) -> Any:
    lookup = Lookup(identity("comment", id_), {"issueId": ISSUE_ID}, connection=CONNECTION)
    raw = client.fetch_one(lookup).raw
    assert SOURCE.documents is not None
    return None if raw is None else SOURCE.documents(replace(lookup, raw=raw, sent_at=NOW))


def test_a_comment_is_there_or_not_as_its_issue_says(sentry: Sentry, client: Client) -> None:
    sentry.comment(ISSUE_ID, {"id": "7", "text": "Why?", "dateCreated": "2026-03-02T09:30:00Z"})
    assert _comment(client, "7") == (_documents(client)[1],)
    assert _comment(client, "8") is None


def test_a_comment_went_along_when_its_issue_was_merged(sentry: Sentry, client: Client) -> None:
    sentry.comment(ISSUE_ID, {"id": "7", "text": "Why?", "dateCreated": "2026-03-02T09:30:00Z"})
    sentry.put_issue({**data("issue.created")["issue"], "id": "99", "shortId": "WEB-99"})
    sentry.merge(ISSUE_ID, "99")
    (comment,) = _comment(client, "7")
    assert comment.parent == identity("issue", "99")


def test_nothing_is_said_of_a_comment_whose_issue_or_comments_cannot_be_read(
    sentry: Sentry, client: Client, fake: Fake
) -> None:
    """A comment went with its issue, or aged out with it: the issue's own look-up tells which."""
    whole = {**sentry.issues[ISSUE_ID].whole(), "numComments": 3}
    for odd in (Answer(403, {"detail": "no"}), Answer(body={"detail": "later"})):
        fake.troubles += [Trouble(Answer(body=whole), _PATH), Trouble(odd, "/comments/")]
        assert _comment(client, "7") == ()
    sentry.delete(ISSUE_ID)
    assert _comment(client, "7") == ()


def test_an_issue_without_events_values_and_links_is_an_issue(
    sentry: Sentry, fake: Fake, client: Client
) -> None:
    fake.troubles.append(Trouble(Answer(404, {}), "/external-issues/"))
    (issue,) = _documents(client)
    assert issue.metadata["tags"] == {}
    assert issue.links == ()


def test_an_issue_that_is_not_there_is_gone_where_its_project_can_be_read(
    sentry: Sentry, fake: Fake, client: Client
) -> None:
    sentry.delete(ISSUE_ID)
    assert client.fetch_one(Lookup(identity())).raw is None
    assert [asked.path for asked in fake.requests] == [_PATH, "/api/0/projects/halcyon/501/"]


def test_without_its_project_nothing_is_known_of_an_issue(
    sentry: Sentry, fake: Fake, client: Client
) -> None:
    sentry.delete(ISSUE_ID)
    sentry.projects.clear()
    with pytest.raises(Refused, match="halcyon/web cannot be read"):
        client.fetch_one(Lookup(identity()))
    with pytest.raises(Refused, match="halcyon/web cannot be read"):
        client.check()


def test_a_project_that_took_over_the_slug_proves_nothing(sentry: Sentry, client: Client) -> None:
    sentry.delete(ISSUE_ID)
    sentry.put_project("web", "777")
    with pytest.raises(Refused, match="another project than the connection's 501"):
        client.fetch_one(Lookup(identity()))


def test_an_answer_that_is_no_project_proves_nothing(
    sentry: Sentry, fake: Fake, client: Client
) -> None:
    sentry.delete(ISSUE_ID)
    fake.troubles.append(Trouble(Answer(body={"detail": "later"}), "/projects/"))
    with pytest.raises(PermanentError):
        client.fetch_one(Lookup(identity()))


def test_a_merged_issue_answers_with_the_other(sentry: Sentry, client: Client) -> None:
    sentry.put_issue({**data("issue.created")["issue"], "id": "99", "shortId": "WEB-99"})
    sentry.merge("99", ISSUE_ID)
    gone, survivor, again = _documents(client, "99")
    assert isinstance(gone, Delete)
    assert survivor.source_id == "WEB-7F"
    assert again == Refresh(identity())


def test_a_merged_issue_may_be_a_redirect(fake: Fake, client: Client) -> None:
    moved = Answer(302, {}, {"location": _PATH})
    fake.troubles.append(Trouble(moved, "/issues/99/"))
    assert isinstance(_documents(client, "99")[0], Delete)


def test_the_token_never_leaves_its_host(fake: Fake, client: Client) -> None:
    moved = Answer(302, {}, {"location": "https://elsewhere.example/api/0/"})
    fake.troubles.append(Trouble(moved, _PATH))
    with pytest.raises(PermanentError, match=r"elsewhere\.example"):
        client.fetch_one(Lookup(identity()))


def test_a_wrong_token_is_refused(fake: Fake, sentry: Sentry) -> None:
    client = _client(fake.url, "sntrys_wrong")
    with pytest.raises(Refused):
        client.check()
    with pytest.raises(Refused):
        client.fetch_one(Lookup(identity()))
    client.close()


@pytest.mark.parametrize(
    ("headers", "least_s", "most_s"),
    [
        ({"x-sentry-rate-limit-reset": 30}, 25.0, 31.0),
        ({"x-sentry-rate-limit-reset": -10}, 1.0, 1.0),
        ({"x-sentry-rate-limit-reset": "soon", "retry-after": "7"}, 7.0, 7.0),
        ({"x-sentry-rate-limit-reset": ""}, 60.0, 60.0),
    ],
)
def test_a_limit_tells_when_it_ends(
    fake: Fake, client: Client, headers: dict[str, str | int], least_s: float, most_s: float
) -> None:
    now = int(datetime.now(UTC).timestamp())  # of the server, which dates its answers
    told = {k: str(now + v) if isinstance(v, int) else v for k, v in headers.items()}
    fake.troubles.append(Trouble(Answer(429, {"detail": "too many"}, told), _PATH))
    with pytest.raises(RateLimited) as limited:
        client.fetch_one(Lookup(identity()))
    assert limited.value.retry_after_s is not None
    assert least_s <= limited.value.retry_after_s <= most_s


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_fault_of_sentrys_own_is_waited_for(fake: Fake, client: Client, status: int) -> None:
    fake.troubles.append(Trouble(Answer(status, b"<html>"), "/events/latest/"))
    with pytest.raises(TransientError):
        client.fetch_one(Lookup(identity()))


@pytest.mark.parametrize("body", [b"<html>", b"null", b"[]", b"{}", b'{"detail": "later"}'])
def test_what_is_no_issue_is_no_proof_that_there_is_none(
    fake: Fake, client: Client, body: bytes
) -> None:
    for lookup in (Lookup(identity()), Lookup(identity("comment", "7"), {"issueId": ISSUE_ID})):
        fake.troubles.append(Trouble(Answer(200, body), _PATH))
        with pytest.raises(PermanentError):
            client.fetch_one(lookup)


def test_an_answer_of_another_shape_is_no_list_of_values(fake: Fake, client: Client) -> None:
    fake.troubles.append(Trouble(Answer(body={"detail": "later"}), "/tags/release/"))
    assert _documents(client)[0].metadata["releases"] == []


def test_only_issues_and_comments_are_looked_up(client: Client) -> None:
    with pytest.raises(PermanentError, match="no look-up of a release"):
        client.fetch_one(Lookup(identity("release", "1")))
    with pytest.raises(PermanentError, match="not the id of a Sentry issue"):
        client.fetch_one(Lookup(identity("comment", "1")))


def test_without_the_slugs_there_is_no_way_to_ask() -> None:
    with pytest.raises(Refused, match="sentryOrganizationSlug is missing"):
        _client("https://sentry.io/api/0", "t", sentryOrganizationSlug="")


def test_what_is_no_id_of_an_issue_is_never_asked_for(fake: Fake, client: Client) -> None:
    for id_ in ("../../x?y#z", "..", "5001/events", "", "5001?a"):
        with pytest.raises(PermanentError, match="the id of a Sentry issue"):
            client.fetch_one(Lookup(identity("issue", id_)))
    assert fake.requests == []


@pytest.mark.parametrize(
    ("fixture", "status", "is_awaited"),
    [
        ("error.created", 404, True),
        ("issue.created", 404, True),
        ("issue.resolved", 404, False),
        ("error.created", 403, False),
        ("error.created", None, False),
    ],
)
def test_the_event_of_a_new_issue_that_is_not_there_yet_is_waited_for(
    fake: Fake, client: Client, sentry: Sentry, fixture: str, status: int | None, is_awaited: bool
) -> None:
    """Sentry tells of an issue before its event can be read; one that may not be read never can."""
    sentry.add_event(ISSUE_ID, _event("e2", "2026-03-02T09:00:00Z"))
    if status is not None:
        fake.troubles.append(Trouble(Answer(status, {}), "/events/latest/"))
    ask = Lookup(identity("issue", ISSUE_ID), dict(asked(told(fixture)).hint))
    sight = client.fetch_one(ask)
    assert SOURCE.documents is not None
    seen = replace(ask, raw=sight.raw, sent_at=NOW, connection=CONNECTION)
    issue, *later = SOURCE.documents(seen)
    assert isinstance(issue, Upsert)
    assert [isinstance(one, Refresh) and one.after_s > 0 for one in later] == [True] * is_awaited
