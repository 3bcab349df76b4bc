"""A branch's files as documents: titles, texts, aliases, and what a broken sight gives."""

from __future__ import annotations

from typing import Any

import pytest

from ingest.core.changes import Delete, Upsert, Withdraw
from ingest.core.errors import BadPayload
from ingest.sources.contract import Lookup
from ingest.sources.github.files import branch_documents, text_of
from ingest.sources.github.types import GitHubDocMetadata
from tests.sources.github.looking import NOW, identity

SHA = "a1" * 20


def _found(raw: Any) -> Lookup:
    return Lookup(identity("branch", "main"), raw=raw, sent_at=NOW)


def _sight(**fields: Any) -> dict[str, Any]:
    at = "2026-03-02T14:00:00.000Z"
    told = {"repository": "halcyon/web", "branch": "main", "head": SHA, "committed_at": at}
    return {**told, "files": [], "gone": [], "unwanted": [], **fields}


def _file(path: str, text: str, *was: str) -> Upsert:
    told = _sight(files=[{"path": path, "text": text, "was": list(was)}])
    (change,) = branch_documents(_found(told))
    assert isinstance(change, Upsert)
    return change


def test_a_file_is_the_seeds_document() -> None:
    document = _file("docs/a.md", "---\ntitle: A title\nowner: lena\n---\n# Heading\ntext")
    assert document.identity == identity("file", "docs/a.md")
    assert (document.version, document.source_id, document.title) == (0, "docs/a.md", "A title")
    assert document.body == "---\ntitle: A title\nowner: lena\n---\n# Heading\ntext"
    assert document.frontmatter == {"title": "A title", "owner": "lena"}
    assert document.aliases == ("halcyon/web:docs/a.md",)
    assert (document.home, document.created_at, document.parent) == (None, None, None)
    assert document.metadata == {
        "type": "github",
        "path": "docs/a.md",
        "commitSha": SHA,
        "committedAt": "2026-03-02T14:00:00.000Z",
        "repoFullName": "halcyon/web",
        "branch": "main",
    }
    GitHubDocMetadata.model_validate(document.metadata, strict=True)


@pytest.mark.parametrize(
    ("path", "text", "title"),
    [
        ("a/b.md", "no heading", "b.md"),
        ("a/b.md", "## Second\n# First #\n", "First"),
        ("a/b.md", "```sh\n# a comment\n```\n# Heading", "Heading"),
        ("a/b.md", "~~~~\n# no\n~~~\n# no\n~~~~\n# Yes", "Yes"),
        ("a/b.md", "#\n# \n#no\n", "b.md"),
        ("a/b.md", "---\ntitle: 7\n---\n# Heading", "Heading"),
        ("a/b.md", "---\ntitle: ' '\n---\n", "b.md"),
        ("a/b.MDX", "# Heading ##", "Heading"),
        ("a/b.adoc", "= Title\n== Part", "Title"),
        ("a/b.rst", "# a comment", "b.rst"),
        ("a/b.txt", "# no heading", "b.txt"),
        ("LICENSE", "# x", "LICENSE"),
    ],
)
def test_a_title_is_looked_for_where_authors_put_it(path: str, text: str, title: str) -> None:
    assert _file(path, text).title == title


def test_a_moved_file_answers_to_its_former_path() -> None:
    document = _file("docs/new.md", "x", "docs/old.md")
    assert set(document.aliases) == {
        "halcyon/web:docs/new.md",
        "halcyon/web:docs/old.md",
        "docs/old.md",
    }


def test_a_path_of_any_length_has_keys_that_fit() -> None:
    path = "/".join(["a long name with spaces and ü"] * 60) + ".md"
    document = _file(path, "x", f"was/{path}")
    assert document.identity.id == path
    assert document.metadata["path"] == path
    assert all(len(key) <= 255 for key in (document.source_id, *document.aliases))


def test_what_went_is_deleted_and_what_is_not_wanted_is_withdrawn() -> None:
    changes = branch_documents(_found(_sight(gone=["../a.md"], unwanted=["b.md"])))
    assert changes == (
        Delete(identity("file", "../a.md"), 0),
        Withdraw(identity("file", "b.md"), 0),
    )


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"", ""),
        (b"plain", "plain"),
        ("\ufeffmarked ü".encode(), "marked ü"),
        ("\ufeffü".encode("utf-16-le"), "ü"),
        ("\ufeffü".encode("utf-16-be"), "ü"),
        ("\ufeffü".encode("utf-32-le"), "ü"),
        (b"a\x00b", None),
        (b"\xff\xfe\x00", None),
        ("ü".encode("latin-1"), None),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n", None),
    ],
)
def test_only_text_is_a_document(raw: bytes, text: str | None) -> None:
    assert text_of(raw) == text


@pytest.mark.parametrize(
    "raw",
    [
        None,
        [],
        "x",
        {},
        _sight(repository=None),
        _sight(files=[{}]),
        _sight(files=[{"path": "", "text": "x"}]),
        _sight(files=[{"path": "a", "text": None}]),
        _sight(gone=[7]),
    ],
)
def test_a_broken_sight_is_refused_with_a_path(raw: Any) -> None:
    with pytest.raises(BadPayload) as refused:
        branch_documents(_found(raw))
    assert refused.value.path


def test_a_file_that_a_commit_touched_is_tied_to_it_and_any_other_to_none() -> None:
    touched = {"path": "a.md", "text": "x", "touched": True}
    told = [touched, {"path": "b.md", "text": "x", "touched": False}, {"path": "c.md", "text": "x"}]
    changes = branch_documents(_found(_sight(files=told)))
    assert [c.temporal for c in changes if isinstance(c, Upsert)] == [{"commitSha": SHA}, {}, {}]
    (empty,) = branch_documents(_found(_sight(head=None, files=[touched])))
    assert isinstance(empty, Upsert)
    assert empty.temporal == {}
