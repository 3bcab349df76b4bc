"""A repository's documents under its names, and what the events of a rename tell."""

from __future__ import annotations

from typing import Any

import pytest

from ingest.core.naming import Called, Rename
from ingest.sources.github.naming import NAMING
from ingest.sources.github.normalise import normalise
from tests.sources.github.deliveries import message

A, B = "Acme/Web", "globex/site.io"


@pytest.mark.parametrize(
    ("key", "after"),
    [
        ("Acme/Web#12", "globex/site.io#12"),
        ("acme/web#12/comment/5", "globex/site.io#12/comment/5"),
        ("Acme/Web/discussions/3", "globex/site.io/discussions/3"),
        ("Acme/Web@v1.0", "globex/site.io@v1.0"),
        ("Acme/Web:docs/a.md", "globex/site.io:docs/a.md"),
        ("docs/a.md", "docs/a.md"),
        ("Acme/Website#12", "Acme/Website#12"),
        ("other/Web#12", "other/Web#12"),
    ],
)
def test_a_key_under_another_name(key: str, after: str) -> None:
    assert NAMING.key(key, A, B) == after


def test_metadata_under_another_name_are_those_that_github_tells_then() -> None:
    told: dict[str, Any] = {
        "type": "github",
        "repoFullName": A,
        "headRepoFullName": "fork/Web",
        "url": "https://github.com/Acme/Web/pull/3#issuecomment-1",
        "answerUrl": "https://github.com/Acme/Website/discussions/3",
        "title": "Acme/Web is here",
    }
    made = NAMING.metadata(told, A, B)
    page = "https://github.com/globex/site.io/pull/3#issuecomment-1"
    assert made == told | {"repoFullName": B, "url": page}
    assert NAMING.within(made) == Called("", B)
    assert NAMING.metadata(made, B, A) == told


@pytest.mark.parametrize(
    ("fixture", "before"),
    [("repository.renamed", "acme/payments"), ("repository.transferred", "alice/payments")],
)
def test_a_rename_tells_which_name_follows_which(fixture: str, before: str) -> None:
    told = message(fixture)
    (rename,) = normalise(told).renames
    assert isinstance(rename, Rename)
    repository = told.payload["repository"]
    assert isinstance(repository, dict)
    assert (rename.space, rename.name, rename.before) == ("", repository["full_name"], before)
    assert rename.at > 0


def test_a_rename_that_tells_no_former_name_is_skipped() -> None:
    told = message("repository.renamed")
    bare = {k: v for k, v in told.payload.items() if k != "changes"}
    assert normalise(message("repository.renamed", bare)).skip is not None
