"""What a look-up saw: the same document that a payload tells, and what only the API knows."""

from __future__ import annotations

from typing import Any

import pytest

from ingest.core.changes import Delete, Field, Patch, Upsert
from ingest.core.errors import BadPayload
from ingest.core.values import JSON
from ingest.sources.vercel.build_log import LONGEST_LINE, MOST_LINES
from tests.sources.vercel.deliveries import (
    LAMPS,
    as_the_api,
    body,
    found,
    identity,
    seen,
    upsert,
)


@pytest.mark.parametrize(
    ("fixture", "state"),
    [
        ("deployment.created", "BUILDING"),
        ("deployment.created.gitlab", "QUEUED"),
        ("deployment.ready", "READY"),
        ("deployment.ready.preview", "READY"),
        ("deployment.succeeded", "READY"),
        ("deployment.error", "ERROR"),
        ("deployment.canceled", "CANCELED"),
    ],
)
def test_webhook_and_api_tell_of_one_document(fixture: str, state: str) -> None:
    payload = body(fixture)
    ready = {"ready": payload["createdAt"]} if state == "READY" else {}
    told, looked_up = upsert(payload), seen(as_the_api(payload, state, **ready))
    for field in ("identity", "version", "source_id", "title", "body", "metadata", "created_at"):
        assert getattr(told, field) == getattr(looked_up, field)
    for field in ("aliases", "references", "temporal", "home", "frontmatter", "labels", "links"):
        assert getattr(told, field) == getattr(looked_up, field)


def _listed(deployment: dict[str, Any]) -> dict[str, Any]:
    item = {key: value for key, value in deployment.items() if key not in {"id", "createdAt"}}
    return {"uid": deployment["id"], "created": deployment["createdAt"], **item}


def test_an_item_of_a_list_is_the_same_document() -> None:
    payload = body("deployment.ready")
    whole = as_the_api(payload, "READY", ready=payload["createdAt"])
    assert found({"deployment": _listed(whole), "events": None}) == (seen(whole),)


def _event(type_: str, line: str, **more: Any) -> dict[str, Any]:
    return {"type": type_, "created": 1, "text": line, **more}


def test_a_failure_has_its_reason_and_the_end_of_its_log() -> None:
    deployment = as_the_api(
        body("deployment.error"),
        "ERROR",
        errorCode="BUILD_FAILED",
        errorMessage='Command "npm run build" exited with 1',
        errorStep="buildStep",
    )
    newest_first: list[JSON] = [
        {"type": "deployment-state", "created": 4},
        _event("stderr", "Error: Command exited with 1"),
        {"type": "stderr", "payload": {"text": "\x1b[31mlamps.ts: no such lamp\x1b[39m\r\n"}},
        _event("stdout", "Compiling", level="info"),
    ]
    whole = seen(deployment, newest_first)
    summary = 'Command "npm run build" exited with 1 (BUILD_FAILED, buildStep)'
    assert whole.metadata["errorSummary"] == summary
    assert whole.metadata["errorCount"] == 2
    assert whole.body.endswith(
        f"Error: {summary}\n\n"
        "Build log:\n\n```\nlamps.ts: no such lamp\nError: Command exited with 1\n```"
    )


def test_where_nothing_is_marked_as_an_error_the_last_lines_are_shown() -> None:
    failed = as_the_api(body("deployment.error"), "ERROR")
    whole = seen(failed, [_event("stdout", "second"), _event("stdout", "first")])
    assert "errorCount" not in whole.metadata
    assert whole.body.endswith("```\nfirst\nsecond\n```")


def test_a_log_is_bounded_and_cannot_leave_its_fence() -> None:
    failed = as_the_api(body("deployment.error"), "ERROR")
    lines: list[JSON] = [_event("stderr", "````" + "x" * 10_000) for _ in range(300)]
    whole = seen(failed, lines)
    assert whole.metadata["errorCount"] == 300
    assert len(whole.body) < (MOST_LINES + 5) * LONGEST_LINE
    assert whole.body.endswith("\n`````")


def test_only_a_failure_shows_a_log() -> None:
    ready = as_the_api(body("deployment.ready"), "READY")
    assert "Build log" not in seen(ready, [_event("stderr", "a warning")]).body


@pytest.mark.parametrize("mark", [{"readyState": "DELETED"}, {"deletedAt": 1}, {"deleted": 1}])
def test_a_deleted_deployment_may_come_back(mark: dict[str, Any]) -> None:
    deployment = as_the_api(body("deployment.ready"), "READY") | mark
    (gone,) = found({"deployment": deployment, "events": None})
    assert gone == Delete(identity(), version=None)


@pytest.mark.parametrize("state", ["READY", "ERROR", "DELETED"])
def test_what_has_aged_out_stays_and_says_so(state: str) -> None:
    deployment = as_the_api(body("deployment.ready"), state)
    marks = {"deletedAt": 5, "softDeletedByRetention": True}
    (change,) = found({"deployment": deployment | marks, "events": None})
    assert isinstance(change, Patch)
    assert change.fields == {"agedOut": Field(value=True, merge="newest")}
    assert found({"agedOut": True}) == (change,)


@pytest.mark.parametrize(
    ("marks", "is_back"),
    [
        ({"deletedAt": 5, "undeletedAt": 6}, True),
        ({"deleted": 5, "undeleted": 6, "softDeletedByRetention": True}, True),
        ({"softDeletedByRetention": True, "undeletedAt": 6}, True),
        ({"deletedAt": 7, "undeletedAt": 6}, False),
        ({"deletedAt": 7, "undeletedAt": "junk"}, False),
    ],
)
def test_what_was_restored_is_back(marks: dict[str, Any], *, is_back: bool) -> None:
    deployment = as_the_api(body("deployment.ready"), "READY") | marks
    (change,) = found({"deployment": deployment, "events": None})
    assert isinstance(change, Upsert) == is_back


def test_a_commit_that_meta_tells_is_told_by_meta_alone() -> None:
    """A list has no `gitSource`: it would take back what a look-up says."""
    deployment = as_the_api(body("deployment.ready"), "READY")
    beside: JSON = {
        "type": "github",
        "org": "other",
        "repo": "other",
        "prId": 99,
        "sha": "ba5eba11",
    }
    assert seen(deployment | {"gitSource": beside}) == seen(deployment)


def test_what_only_the_api_knows() -> None:
    deployment = as_the_api(body("deployment.ready.preview"), "READY") | {
        "customEnvironment": {"id": "env_1", "slug": "rehearsal"},
        "gitSource": {
            "type": "github",
            "org": "halcyon-rail",
            "repo": "web",
            "ref": "main",
            "sha": "ba5eba11",
            "prId": 18,
        },
    }
    whole = seen(deployment)
    assert whole.title == "web rehearsal deployment ba5eba1"
    assert whole.metadata["environment"] == "rehearsal"
    assert whole.metadata["branch"] == "main"
    assert whole.temporal == {"deploymentId": deployment["id"]}  # a part of a hash is no commit
    assert [reference.key for reference in whole.references] == ["halcyon-rail/web#18"]


def test_a_state_that_we_have_not_heard_of_is_kept_and_ends_nothing() -> None:
    deployment = as_the_api(body("deployment.created"), "POLISHING")
    whole = seen(deployment)
    assert whole.metadata["status"] == "POLISHING"
    assert whole.version < seen(deployment | {"readyState": "READY"}).version


@pytest.mark.parametrize(
    ("missing", "path"),
    [
        ("id", "deployment.id"),
        ("url", "deployment.url"),
        ("createdAt", "deployment.createdAt"),
        ("readyState", "deployment.readyState"),
    ],
)
def test_an_answer_without_what_a_document_needs_is_named(missing: str, path: str) -> None:
    deployment = as_the_api(body("deployment.ready"), "READY")
    del deployment[missing]
    with pytest.raises(BadPayload) as refused:
        found({"deployment": deployment, "events": None})
    assert refused.value.path == path


def test_a_sight_is_of_the_deployment_that_was_asked_for() -> None:
    raw: JSON = {"deployment": as_the_api(body("deployment.ready"), "READY"), "events": None}
    (whole,) = found(raw, "dpl_asked")
    assert isinstance(whole, Upsert)
    assert whole.identity == identity("dpl_asked")
    assert whole.source_id == LAMPS
