"""Recorded answers of Vercel's: deployments in lists and alone, and the log of one that failed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.corpus import answers
from tests.corpus.recording import answered

MADE_MS = 1_772_352_000_000


def deployment(name: str, **more: Any) -> dict[str, Any]:
    told = {"uid": f"dpl_{name}", "name": "ferries", "url": f"ferries-{name}.vercel.app"}
    return {**told, "state": "READY", "created": MADE_MS, "projectId": "prj_ferries", **more}


def end(path: str, body: object, status: int = 200, **about: str) -> answers.AnswerEnd:
    return answers.read_one(answered("vercel", path, body, status, **about))


@pytest.mark.parametrize("path", ["/v6/deployments?limit=4", "/v7/deployments"])
def test_a_list_tells_what_is_there(path: str) -> None:
    told = [
        deployment("a", meta={"githubCommitSha": "a" * 40, "githubCommitRef": "main"}),
        deployment("b", state="ERROR", errorMessage="no lamp"),
        deployment("c", state="DELETED"),
        deployment("d", softDeletedByRetention=True, deleted=MADE_MS),
    ]
    page = {"deployments": told, "pagination": {"count": 4, "next": MADE_MS, "prev": None}}
    found = end(path, page)
    assert (found.objects, found.documents, found.faults) == (4, 2, ())


def test_a_deployment_is_told_by_either_name_of_its_id() -> None:
    told = deployment("a", readyState="READY", createdAt=MADE_MS)
    assert end("/v13/deployments/ferries-a.vercel.app", {"id": "dpl_a", **told}).documents == 1
    assert end("/v12/deployments/dpl_a", told).documents == 1


def test_a_log_is_read_with_the_deployment_that_failed() -> None:
    log = [{"type": "stderr", "created": MADE_MS, "payload": {"text": "Error: no lamp"}}]
    assert end("/v3/deployments/dpl_a/events?builds=1", log).documents == 1


@pytest.mark.parametrize(
    ("status", "code", "ending"),
    [
        (402, "payment_required", "Refused"),
        (403, "forbidden", "Refused"),
        (404, "not_found", "gone"),
        (400, "rate_limited", "RateLimited"),
    ],
)
def test_a_refusal_means_what_it_says(status: int, code: str, ending: str) -> None:
    found = end("/v13/deployments/dpl_a", {"error": {"code": code}}, status)
    assert (found.end, found.faults) == (ending, ())


def test_what_no_client_asks_for_is_said_to_be_that() -> None:
    assert end("/v2/user", {"user": {"id": "1"}}).end == answers.NOT_ASKED
