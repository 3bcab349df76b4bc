"""Recorded answers of Linear's: whatever query they answer, objects in them are what they are."""

from __future__ import annotations

from typing import Any

import pytest

from tests.corpus import answers
from tests.corpus.recording import answered

TIMES = {"createdAt": "2026-03-01T08:00:00.000Z", "updatedAt": "2026-03-01T08:00:00.000Z"}


def issue(number: int, **more: Any) -> dict[str, Any]:
    id_ = f"0000000{number}-1111-4111-8111-111111111111"
    return {"id": id_, "identifier": f"LMP-{number}", "title": f"Lamp {number}", **TIMES, **more}


def end(body: object, status: int = 200, **about: str) -> answers.AnswerEnd:
    return answers.read_one(answered("linear", "/graphql", body, status, method="POST", **about))


def test_a_list_of_ours_is_read_as_one() -> None:
    page = {"nodes": [issue(1), issue(2, description=None)], "pageInfo": {"hasNextPage": True}}
    found = end({"data": {"issues": page}})
    assert (found.kind, found.documents, found.faults) == ("list of issues", 2, ())


def test_an_object_within_another_is_read_by_itself() -> None:
    comment = {"id": "c1", "body": "Lit.", "url": "https://linear.app/c", **TIMES}
    made = {"success": True, "issue": issue(1, comments={"nodes": [comment]})}
    found = end({"data": {"issueCreate": made}})
    assert (found.kind, found.documents, found.faults) == ("issue", 1, ())
    team = {"id": "t", "issues": {"nodes": [issue(1), issue(2)]}}
    assert end({"data": {"team": team}}).documents == 2


def test_what_answers_another_question_is_not_asked_for() -> None:
    assert end({"data": {"issue": {"id": "1", "title": "Lamp"}}}).end == answers.NOT_ASKED
    assert end({"data": {"teams": {"nodes": []}}}).end == answers.NOT_ASKED


@pytest.mark.parametrize(
    ("status", "told", "ending"),
    [
        (400, {"extensions": {"code": "RATELIMITED"}}, "RateLimited"),
        (200, {"extensions": {"type": "authentication error"}}, "Refused"),
        (400, {"extensions": {"code": "AUTHENTICATION_ERROR"}}, "Refused"),
        (200, {"message": "Entity not found: Issue"}, "gone"),
        (400, {"extensions": {"code": "GRAPHQL_VALIDATION_FAILED"}}, "PermanentError"),
        (502, {}, "TransientError"),
    ],
)
def test_an_error_means_what_it_says(status: int, told: dict[str, Any], ending: str) -> None:
    found = end({"errors": [{"message": "no", **told}]}, status)
    assert (found.end, found.faults) == (ending, ())
