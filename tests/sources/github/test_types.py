"""Every metadata that is written conforms to the models that are exported."""

from __future__ import annotations

from typing import Any

import pytest

from ingest.core.changes import Upsert
from ingest.sources.github import types
from tests.sources.github.deliveries import FIXTURES, told

DOCUMENTS: dict[str, type[types.Written]] = {
    "issue": types.GitHubIssueDocMetadata,
    "pull-request": types.GitHubPullRequestDocMetadata,
    "comment": types.GitHubCommentDocMetadata,
    "review": types.GitHubReviewDocMetadata,
    "review-comment": types.GitHubReviewCommentDocMetadata,
    "discussion": types.GitHubDiscussionDocMetadata,
    "discussion-comment": types.GitHubDiscussionCommentDocMetadata,
    "release": types.GitHubReleaseDocMetadata,
}


def _as_written(model: type[types.Written], metadata: Any) -> dict[str, Any]:
    read = model.model_validate(metadata, strict=True)
    return read.model_dump(by_alias=True, exclude_none=True)


@pytest.mark.parametrize("fixture", FIXTURES)
def test_the_metadata_of_a_document_is_what_its_model_says(fixture: str) -> None:
    for change in told(fixture).untokened:
        if isinstance(change, Upsert):
            model = DOCUMENTS[str(change.metadata["kind"])]
            assert _as_written(model, change.metadata) == change.metadata


@pytest.mark.parametrize("fixture", FIXTURES)
def test_the_metadata_of_an_event_is_what_its_model_says(fixture: str) -> None:
    event = told(fixture).event
    pushed = event["action"] == "push"
    model = types.GitHubEventMetadata if pushed else types.GitHubActionEventMetadata
    assert _as_written(model, event) == event


def test_every_document_model_but_the_seeds_file_is_written_by_some_fixture() -> None:
    assert {types.GitHubDocMetadata, *DOCUMENTS.values()} == set(types.DOCUMENT_TYPES)
    written = {
        change.metadata["kind"]
        for fixture in FIXTURES
        for change in told(fixture).untokened
        if isinstance(change, Upsert)
    }
    assert written == set(DOCUMENTS)


def test_every_field_of_a_model_is_written_by_some_fixture() -> None:
    for kind, model in DOCUMENTS.items():
        written = {
            field
            for fixture in FIXTURES
            for change in told(fixture).untokened
            if isinstance(change, Upsert) and change.metadata["kind"] == kind
            for field in change.metadata
        }
        assert written == {field.alias for field in model.model_fields.values()}


def test_a_file_of_the_seed_needs_no_kind() -> None:
    file = {
        "type": "github",
        "path": "docs/refunds.md",
        "commitSha": "0" * 40,
        "committedAt": "2024-03-01T10:00:00.000Z",
        "repoFullName": "acme/payments",
    }
    assert _as_written(types.GitHubDocMetadata, file) == file
