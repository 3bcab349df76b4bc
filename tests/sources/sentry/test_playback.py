"""Recorded answers of Sentry's: issues in lists and alone, and what is read with an issue."""

from __future__ import annotations

from typing import Any

import pytest

from tests.corpus import answers
from tests.corpus.recording import answered

AT = "2026-03-01T08:00:00Z"
NOTE = {"id": "71", "type": "note", "data": {"text": "The lamp again."}, "dateCreated": AT}


def issue(id_: str, project: str = "7", **more: Any) -> dict[str, Any]:
    told: dict[str, Any] = {
        "id": id_,
        "shortId": f"LAMP-{id_}",
        "title": f"It is dim {id_}",
        "count": "3",
    }
    told |= {"firstSeen": AT, "lastSeen": AT, "permalink": None, "status": "resolved"}
    return {**told, "project": {"id": project, "slug": f"lamps-{project}"}, **more}


def end(path: str, body: object, status: int = 200, **about: str) -> answers.AnswerEnd:
    return answers.read_one(answered("sentry", f"/api/0/{path}", body, status, **about))


@pytest.mark.parametrize("place", ["organizations/brindle", "projects/brindle/lamps-7"])
def test_a_list_tells_the_issues_of_one_project(place: str) -> None:
    """Printed without the header that says where the next page is."""
    found = end(f"{place}/issues/", [issue("1"), issue("2"), issue("3", project="8")])
    assert (found.objects, found.documents, found.faults) == (2, 2, ())


@pytest.mark.parametrize("place", ["organizations/brindle/", ""])
def test_an_issue_comes_with_the_comments_that_happened_to_it(place: str) -> None:
    told = issue("1", activity=[NOTE, {"id": "72", "type": "set_resolved"}], numComments=1)
    found = end(f"{place}issues/1/", told)
    assert (found.documents, found.faults) == (2, ())


def test_what_is_read_with_an_issue_is_played_around_one() -> None:
    values: list[dict[str, Any]] = [{"exception": {"values": [{"type": "Dim", "value": "lamp"}]}}]
    event = {"eventID": "e" * 32, "groupID": "1", "entries": values, "tags": [], "dateCreated": AT}
    assert end("projects/brindle/lamps/events/latest/", event).documents == 1
    assert end("organizations/brindle/issues/1/events/latest/", event).documents == 1
    assert end("organizations/brindle/issues/1/comments/", [NOTE]).documents == 2
    overview = [{"key": "environment", "topValues": [{"value": "harbour"}]}]
    assert end("organizations/brindle/issues/1/tags/", overview).faults == ()
    assert end("organizations/brindle/issues/1/tags/browser/values/", [{"value": "x"}]).faults == ()


def test_an_issue_of_no_time_is_a_failure() -> None:
    found = end("organizations/brindle/issues/1/", issue("1", firstSeen=None, lastSeen=None))
    assert found.end == answers.FAILED


@pytest.mark.parametrize(
    ("status", "ending"), [(403, "Refused"), (404, "gone"), (410, "TransientError")]
)
def test_a_withdrawn_path_says_nothing_of_the_issue(status: int, ending: str) -> None:
    found = end("issues/1/", {"detail": "no"}, status)
    assert (found.end, found.faults) == (ending, ())


def test_what_no_client_asks_for_is_said_to_be_that() -> None:
    assert end("organizations/brindle/releases/", []).end == answers.NOT_ASKED
