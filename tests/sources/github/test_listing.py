"""Lists: they name what is there, and say of each object what a look-up says."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from ingest.core.changes import Refresh, Upsert
from ingest.core.errors import BadPayload
from ingest.core.identity import Identity
from ingest.sources.github import SOURCE
from ingest.sources.github.listing import LISTING
from ingest.sources.listing import MOST_CALLS, MOST_LISTED, Unlisted
from tests.sources.github.listed import (
    LISTS,
    START,
    ask,
    at_minute,
    discuss,
    fill,
    here,
    issue,
    looked_up,
    pages,
    pull,
    release,
    remark,
    review,
    said,
    walk,
)
from tests.sources.github.looking import ID, NOW, Looking, identity, looking

every_list = pytest.mark.parametrize("resource", LISTS)
KINDS = {one.name: next(iter(one.kinds), "") for one in LISTING.resources}
HINTS = {"review": "number", "review_comment": "number", "discussion_comment": "number"}


def test_every_kind_that_is_no_file_has_a_list() -> None:
    listed = {kind for one in LISTING.resources for kind in one.kinds}
    named = {str(one.model_fields["kind"].annotation) for one in SOURCE.document_types}
    assert {kind.replace("_", "-") for kind in listed} | {"file"} == {
        name.split("'")[1] for name in named
    }


@pytest.mark.parametrize("size", [1, 2, 3, 100])
@every_list
def test_a_list_names_all_that_is_there_and_nothing_else(resource: str, size: int) -> None:
    with looking() as at:
        at.github.page_size = size
        fill(at)
        assert set(walk(at, resource)) == here(at, KINDS[resource])


@pytest.mark.parametrize("size", [2, 100])
@every_list
def test_a_list_says_of_an_object_what_a_look_up_says(resource: str, size: int) -> None:
    with looking() as at:
        at.github.page_size = size
        fill(at)
        for listed in walk(at, resource).values():
            raw: Any = listed.raw
            hint = {"number": raw["number"]} if listed.identity.kind in HINTS else {}
            (upsert,) = said(at, listed)
            assert isinstance(upsert, Upsert)
            assert (upsert,) == looked_up(at, listed.identity, hint)
            json.dumps(listed.raw)


@every_list
def test_a_run_that_dies_at_any_page_goes_on_with_its_cursor(resource: str) -> None:
    with looking() as at:
        at.github.page_size = 2
        fill(at)
        found = set()
        for page in pages(at, resource):
            found |= {one.identity for one in page.listed}
            cursor = json.loads(json.dumps(page.cursor))
            if cursor is not None:
                assert ask(at, resource, cursor=cursor) == ask(at, resource, cursor=cursor)
        assert found == here(at, KINDS[resource])


@pytest.mark.parametrize("resource", [one.name for one in LISTING.resources[1:] if one.narrows])
def test_since_narrows_to_what_changed(resource: str) -> None:
    with looking() as at:
        at.github.page_size = 2
        fill(at, 6)
        found = walk(at, resource, START + timedelta(minutes=5))
        fifth = {one for one in here(at, KINDS[resource]) if _minute(at, one) >= 5}
        assert fifth <= set(found)
        assert len(found) < len(here(at, KINDS[resource]))


def _minute(at: Looking, of: Identity) -> int:
    """When the object changed, or for what is listed with its conversation, when that did."""
    told = at.github.repositories[ID].objects[of.kind, of.id]
    when = datetime.fromisoformat(told.get("updated_at") or told["submitted_at"])
    return int((when - START) / timedelta(minutes=1))


# Changes in the midst of a listing.

NARROWED = ["issues", "comments", "review-comments"]
MAKES: Mapping[str, Callable[[int, int], dict[str, Any]]] = {
    "issues": issue,
    "comments": remark,
    "review-comments": remark,
    "pulls": pull,
    "discussions": issue,
    "releases": release,
}


def _many(at: Looking, resource: str, count: int, minute: int | None = None) -> None:
    """`minute`: all of them changed then."""
    kind = KINDS[resource]
    for n in range(1, count + 1):
        told = MAKES[resource](n, n if minute is None else minute)
        at.github.put(ID, kind, told, **({} if kind == "issue" else {"number": 7}))


@pytest.mark.parametrize("same", [None, 9])
@pytest.mark.parametrize("resource", NARROWED)
def test_a_row_that_is_touched_meanwhile_hides_no_other_one(
    resource: str, same: int | None
) -> None:
    """By page numbers the untouched row behind it would be skipped, and no later run finds it."""
    with looking() as at:
        at.github.page_size = 3
        _many(at, resource, 14, same)
        found = set()
        for n, page in enumerate(pages(at, resource), 1):
            found |= {one.identity for one in page.listed}
            if n <= 5:
                at.github.edit(ID, KINDS[resource], n, at_minute(100 + n))
        assert found == here(at, KINDS[resource])


@pytest.mark.parametrize("same", [None, 9])
@pytest.mark.parametrize("resource", NARROWED)
def test_a_row_that_is_deleted_meanwhile_hides_no_other_one(
    resource: str, same: int | None
) -> None:
    with looking() as at:
        at.github.page_size = 3
        _many(at, resource, 14, same)
        found = set()
        for n, page in enumerate(pages(at, resource), 1):
            found |= {one.identity for one in page.listed}
            if n <= 3:
                at.github.delete(ID, KINDS[resource], n)
        assert found >= here(at, KINDS[resource])


@pytest.mark.parametrize("resource", ["pulls", "discussions", "releases"])
@pytest.mark.parametrize("since", [None, START])
def test_what_changes_or_comes_meanwhile_hides_nothing(
    resource: str, since: datetime | None
) -> None:
    with looking() as at:
        at.github.page_size = 2
        fill(at, 7)
        there = here(at, KINDS[resource])
        touched, found = set(), set()
        for n, page in enumerate(pages(at, resource, since), 1):
            found |= {one.identity for one in page.listed}
            if n <= 2:
                key = max(int(one.id) for one in there) - n
                at.github.edit(ID, KINDS[resource], key, at_minute(100 + n))
                at.github.put(ID, KINDS[resource], MAKES[resource](9_000 + n, 200 + n))
                touched.add(identity(KINDS[resource], key))
        assert found >= there - touched
        later = walk(at, resource, START + timedelta(minutes=50))
        assert found | set(later) >= there


# What a list does not tell whole.


def test_issues_that_are_blocked_end_a_page_early_and_none_is_told_twice() -> None:
    with looking() as at:
        for n in range(1, 61):
            blocking = [{"number": 900, "html_url": "https://github.com/halcyon/web/issues/900"}]
            summary = {"total_blocked_by": 1}
            told = issue(n, 5, issue_dependencies_summary=summary, blocked_by_issues=blocking)
            at.github.put(ID, "issue", told)
        seen: list[Identity] = []
        at.asked("")
        for page in pages(at, "issues"):
            assert len(at.fake.asked_for("/issues")) <= MOST_CALLS
            at.fake.requests.clear()
            seen += [one.identity for one in page.listed]
            raws: list[Any] = [one.raw for one in page.listed]
            assert all(len(raw["blocked_by"]) == 1 for raw in raws)
        assert len(seen) == len(set(seen)) == 60


def test_a_page_is_bounded_however_much_is_said_in_a_discussion() -> None:
    with looking() as at:
        discuss(at, 201, 1, comments=45, replies=45)
        discuss(at, 202, 1, comments=1, replies=49)
        found = set()
        for page in pages(at, "discussion-comments"):
            assert len(page.listed) <= MOST_LISTED
            found |= {one.identity for one in page.listed}
        assert found == here(at, "discussion_comment")


def test_reviews_of_one_pull_request_beyond_a_page_are_read_to_the_last() -> None:
    with looking() as at:
        at.github.put(ID, "pull_request", pull(101, 1))
        for n in range(230):
            review(at, 2**32 + n, 101, 1)
        found = walk(at, "reviews")
        assert set(found) == here(at, "review")
        assert len(found) == 230


def test_pending_reviews_and_drafts_are_no_documents() -> None:
    with looking() as at:
        at.github.put(ID, "pull_request", pull(101, 1))
        review(at, 1, 101, 1, state="pending", submitted_at=None)
        at.github.put(ID, "release", release(1, 1, draft=True, tag_name=""))
        assert walk(at, "reviews") == {}
        assert walk(at, "releases") == {}


def test_an_object_that_cannot_be_read_is_there_and_costs_the_others_nothing() -> None:
    with looking() as at:
        _many(at, "comments", 3)
        objects = at.github.repositories[ID].objects
        objects["comment", "2"] |= {"issue_url": None, "html_url": None}
        (page,) = pages(at, "comments")
        assert {one.identity.id for one in page.listed} == {"1", "2", "3"}
        with pytest.raises(BadPayload, match="number"):
            said(at, page.listed[1])


def test_what_has_no_key_is_told_and_lets_nothing_be_absent() -> None:
    with looking() as at:
        _many(at, "comments", 3)
        at.github.repositories[ID].objects["comment", "2"] |= {"id": None}
        (page,) = pages(at, "comments")
        assert {one.identity.id for one in page.listed} == {"1", "3"}
        assert "id: required" in (page.gap or "")


# What is as it was.


def test_releases_that_did_not_change_are_present_and_not_told_again() -> None:
    with looking() as at:
        at.github.page_size = 3
        fill(at, 8)
        *_, last = pages(at, "releases")
        again = [*pages(at, "releases", kept=json.loads(json.dumps(last.kept)))]
        assert [one for page in again for one in page.listed] == []
        assert {one for page in again for one in page.present} == here(at, "release")
        assert again[-1].kept == last.kept
        at.github.edit(ID, "release", 3_001, at_minute(99), body="Other words")
        *first, changed = pages(at, "releases", kept=last.kept)
        assert [len(page.listed) for page in first] == [0, 0]
        assert identity("release", 3_001) in {one.identity for one in changed.listed}


def test_pull_requests_that_did_not_change_cost_one_request_that_counts_for_nothing() -> None:
    with looking() as at:
        at.github.page_size = 2
        fill(at, 8)
        since = START + timedelta(minutes=5)
        *_, last = pages(at, "pulls", since)
        at.client().check()
        at.asked("")
        (page,) = pages(at, "pulls", since, kept=last.kept)
        assert (page.listed, page.kept, page.gap) == ((), last.kept, None)
        assert at.asked("") == 1
        at.github.edit(ID, "pull_request", 101, at_minute(99))
        assert identity("pull_request", 101) in walk(at, "pulls", since, last.kept)
        *_, full = pages(at, "pulls", kept=last.kept)
        assert full.kept == last.kept


# Files.


def test_files_are_the_look_up_of_their_branch() -> None:
    with looking() as at:
        first = ask(at, "files")
        (whole,) = first.wanted
        assert whole.identity == identity("branch", "main")
        assert whole.hint == {"full": "2026-03-02T15:00:00.000Z", "whole": True}
        (again,) = ask(at, "files", kept=first.kept).wanted
        assert "whole" not in again.hint
        (moved,) = ask(at, "files", START, kept=first.kept).wanted
        assert moved.hint == {}
        at.metadata["branch"] = "docs"
        assert ask(at, "files").wanted[0].identity == identity("branch", "docs")


# What is absent.


def _unlisted(kind: str, id_: object, **metadata: Any) -> Unlisted:
    return Unlisted(identity(kind, id_), "x", metadata, NOW, {"defaultBranch": "main"}, NOW)


@every_list
def test_what_is_absent_is_looked_up_by_what_its_document_says(resource: str) -> None:
    with looking() as at:
        fill(at)
        for listed in walk(at, resource).values():
            (upsert,) = said(at, listed)
            assert isinstance(upsert, Upsert)
            wanted = LISTING.absent(
                Unlisted(upsert.identity, upsert.source_id, upsert.metadata, NOW, at.metadata, NOW)
            )
            assert isinstance(wanted, Refresh)
            assert looked_up(at, wanted.identity, wanted.hint) == (upsert,)


def test_a_file_that_is_absent_is_a_question_to_its_branch() -> None:
    wanted = LISTING.absent(_unlisted("file", "a.md", branch="main"))
    assert wanted is not None
    assert wanted.identity == identity("branch", "main")
    assert LISTING.absent(_unlisted("file", "a.md")) is None


# What it costs.


def test_calls_an_object() -> None:
    """Of a repository with a few remarks under each conversation, and all pages full."""
    with looking() as at:
        for n in range(1, 301):
            at.github.put(ID, "issue", issue(n, n))
            at.github.put(ID, "pull_request", pull(1_000 + n, n))
            at.github.put(ID, "comment", remark(n, n), number=n)
            at.github.put(ID, "release", release(n, n))
            review(at, n, 1_000 + n, n)
            discuss(at, 2_000 + n, n, comments=2, replies=1)
        at.client().check()
        at.asked("")
        calls = {}
        for resource in LISTS:
            objects = len(walk(at, resource))
            calls[resource] = at.asked("/") / max(objects, 1)
        assert calls["issues"] <= 7 / 300, "pull requests are on the way"
        assert calls["pulls"] <= 3 / 300
        assert calls["comments"] <= 4 / 300
        assert calls["releases"] <= 3 / 300
        assert calls["reviews"] <= 6 / 300
        assert calls["discussions"] <= 3 / 300
        assert calls["discussion-comments"] <= 12 / 900
        assert at.github.points <= 3 * 2 + 6 + 12 * 3
