"""Files by few requests, each byte for byte; and a tree compared though its commit is applied."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ingest.core.changes import Delete, Upsert
from ingest.core.errors import RateLimited, Refused, TransientError
from ingest.sources.github import branches, bulk
from ingest.sources.github.demo import fake_schema
from ingest.sources.github.trees import File
from ingest.testing.fakes import Answer, Trouble
from tests.sources.github.looking import Looking, looking

FULL = "2026-03-02T15:00:00.000Z"


def _files(count: int) -> dict[str, str]:
    return {f"d{n % 40:02}/f{n:05}.md": f"# File {n}\n\n{'text ' * 40}" for n in range(count)}


# What it costs.


@pytest.mark.parametrize("tree_limit", [100_000, 500])
@pytest.mark.parametrize("count", [1_000, pytest.param(10_000, marks=pytest.mark.slow)])
def test_ten_thousand_files_cost_three_hundred_requests_at_most(
    count: int, tree_limit: int
) -> None:
    """Trees included, those that do not fit into one answer too."""
    with looking() as at:
        at.github.tree_limit = tree_limit
        at.commit(_files(count))
        at.look()
        assert len(at.documents) == count
        walked = 1 if tree_limit > count * 2 else 42
        assert len(at.fake.asked_for("git/trees")) == walked
        assert at.github.points <= count / bulk.MOST_BLOBS + 1
        spent = at.asked("")
        assert spent <= 300 * count / 10_000 + walked
        assert spent <= 300


def test_a_full_look_that_finds_nothing_new_costs_three_requests() -> None:
    with looking() as at:
        at.commit(_files(400))
        at.look()
        at.asked("")
        assert at.look(full=FULL) == []
        assert at.asked("") == 3, "repository, branch, tree"
        assert at.look(full=FULL) == []
        assert at.asked("") == 2, "it was heard already"


@pytest.mark.parametrize("suffix", ["", "/api/v3"])
def test_an_enterprise_is_asked_where_it_has_its_graphql(suffix: str) -> None:
    with looking() as at:
        if suffix:
            at.clients[at.github.token, ""] = at.client(suffix=suffix)
        at.commit(_files(20))
        at.look()
        assert len(at.documents) == 20
        path = "/api/graphql" if suffix else "/graphql"
        assert {one.path for one in at.fake.asked_for("graphql")} == {path}
        assert at.asked("git/blobs") == 0
        if suffix:
            at.clients.pop((at.github.token, ""))


def test_where_there_is_no_graphql_each_file_is_asked_for_alone() -> None:
    with looking() as at:
        at.github.has_graphql = False
        at.commit(_files(20))
        at.look()
        assert len(at.documents) == 20
        assert at.asked("git/blobs") == 20


def test_one_content_is_asked_for_once_in_a_batch() -> None:
    with looking() as at:
        at.commit({f"{n}.md": "the same" for n in range(20)})
        at.look()
        assert len(at.documents) == 20
        assert at.read() == 1


def test_a_batch_is_bounded_in_files_and_bytes_and_large_files_go_alone() -> None:
    sizes = [1, bulk.LARGEST + 1, *[bulk.LARGEST] * 9, None, *[0] * 150]
    files = [File(f"{n}.md", "5f" * 20, size) for n, size in enumerate(sizes)]
    made = [*bulk.batches(files)]
    assert [file for batch in made for file in batch] == files
    assert all(len(batch) <= bulk.MOST_BLOBS for batch in made)
    assert all(sum(f.size or 0 for f in b) <= bulk.MOST_BYTES for b in made)
    assert [file.path for file in made[1]] == ["1.md"]
    assert [*bulk.batches([])] == []


# Byte for byte.

ODD = {
    "crlf.md": b"a\r\nb\r",
    "bom.md": b"\xef\xbb\xbf# With a mark",
    "utf16.md": "# Wide".encode("utf-16"),
    "latin.md": "\u00fc".encode("latin-1"),
    "null.md": b"a\x00b",
    "empty.md": b"",
    "emoji.md": "\U0001f6a2 \ufffd".encode(),
    "lone.md": b"\xed\xa0\x80",
    "long.md": b"0123456789" * 20_000,
}


def test_a_file_is_the_same_whether_it_is_asked_for_alone_or_among_others() -> None:
    with looking() as alone, looking() as together:
        alone.github.has_graphql = False
        for at in (alone, together):
            at.commit(ODD)
            at.look()
        assert together.documents == alone.documents
        assert together.state == alone.state
        assert len(together.fake.asked_for("git/blobs")) < len(ODD)


def test_a_text_that_was_cut_off_is_read_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    with looking() as at:
        monkeypatch.setattr(fake_schema, "LONGEST_TEXT", 10)
        files = {"a.md": "0123456789 and more", "b.md": "short"}
        at.commit(files)
        at.look()
        assert {path: one.body for path, one in at.documents.items()} == files


@pytest.mark.parametrize(
    "data",
    [
        {"repository": {"b0": {"text": "not this"}, "b1": {"text": None}}},
        {"repository": {"b0": {"text": 7}, "b1": None}},
        {"repository": {"b0": "x"}},
        {"repository": None},
        {},
        None,
    ],
)
def test_what_does_not_hash_to_the_blob_is_not_believed(data: Any) -> None:
    with looking() as at:
        at.commit({"a.md": "a", "b.md": "b"})
        errors = [{"message": "Something went wrong while executing your query."}]
        at.fake.troubles.append(Trouble(Answer(200, {"data": data, "errors": errors}), "graphql"))
        at.look()
        assert {path: one.body for path, one in at.documents.items()} == {"a.md": "a", "b.md": "b"}


def test_a_hash_of_either_kind_is_gits() -> None:
    """git-hash-object(1): of an empty file, and of `hello` with a line feed."""
    assert bulk.git_hash(b"", "5f" * 20) == "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"
    assert bulk.git_hash(b"hello\n", "5f" * 20) == "ce013625030ba8dba906f756967f9e9ca394464a"
    sha256 = "473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813"
    assert bulk.git_hash(b"", "5f" * 32) == sha256


# Trouble.


def test_a_limit_of_queries_is_heard_and_what_was_read_is_kept() -> None:
    with looking() as at:
        at.commit(_files(250))
        limited = Answer(200, {"errors": [{"type": "RATE_LIMITED", "message": "x"}]})
        at.fake.troubles.append(Trouble(limited, "graphql"))
        with pytest.raises(RateLimited):
            at.part()
        at.fake.troubles.append(Trouble(Answer(200, {}), "nowhere"))
        at.look()
        assert len(at.documents) == 250


@pytest.mark.parametrize("status", [502, 504, 403, 422])
def test_a_query_that_github_does_not_manage_is_no_dead_end(status: int) -> None:
    with looking() as at:
        at.commit(_files(30))
        at.fake.troubles.append(Trouble(Answer(status, {"message": "x"}), "graphql", times=99))
        at.look()
        assert len(at.documents) == 30
        assert at.asked("git/blobs") == 30


def test_a_token_that_is_not_known_any_more_is_refused() -> None:
    with looking() as at:
        at.commit(_files(30))
        at.fake.troubles += [
            Trouble(Answer(401, {"message": "Bad credentials"}), path, times=99)
            for path in ("graphql", "git/blobs")
        ]
        with pytest.raises(Refused):
            at.look()


# A plan in the state.


def test_a_tree_that_took_many_requests_is_walked_once_for_all_parts() -> None:
    with looking() as at:
        at.github.tree_limit = 50
        at.commit(_files(branches.MOST_FILES * 2 + 10))
        assert at.part().more
        walked = at.asked("git/trees")
        assert walked > 10
        state = json.loads(json.dumps(at.state))
        assert len(state["plan"]["changed"]) == branches.MOST_FILES + 10
        assert at.part().more
        assert not at.part().more
        assert at.asked("git/trees") == 0
        assert at.state["plan"] is None


@pytest.mark.parametrize(
    "plan", [7, [], {}, {"changed": 7}, {"changed": [7], "moved": {}}, {"changed": [[1, 2, 3]]}]
)
def test_a_plan_that_cannot_be_read_is_made_anew(plan: Any) -> None:
    with looking() as at:
        files = _files(branches.MOST_FILES + 10)
        at.commit(files)
        at.part()
        at.state["plan"] = plan
        at.look()
        assert set(at.documents) == set(files)


def test_files_that_go_in_parts_are_told_each_once() -> None:
    with looking() as at:
        files = _files(branches.MOST_LEAVING + 300)
        at.commit(files)
        at.look()
        at.commit(dict.fromkeys(files) | {"new.md": "new"})
        gone = [change.identity.id for change in at.look() if isinstance(change, Delete)]
        assert sorted(gone) == sorted(files)
        assert set(at.documents) == {"new.md"}


# A look that compares all.


def _forget(at: Looking, *paths: str) -> None:
    """The state says less than was applied, as an older program may have left it."""
    for path in paths:
        at.state["files"].pop(path, None)


def test_a_full_look_mends_what_the_state_does_not_know() -> None:
    with looking() as at:
        at.commit(_files(30))
        at.look()
        _forget(at, "d00/f00000.md")
        at.state["files"]["was.md"] = "5f" * 20
        assert at.look() == []
        upsert, delete = at.look(full=FULL)
        assert isinstance(upsert, Upsert)
        assert upsert.identity.id == "d00/f00000.md"
        assert isinstance(delete, Delete)
        assert delete.identity.id == "was.md"


def test_a_whole_look_reads_every_file_once_more_and_no_more() -> None:
    with looking() as at:
        files = _files(branches.MOST_FILES + 50)
        at.commit(files | {"picture.md": b"\x00"})
        at.look()
        at.read()
        at.documents.clear()
        told = at.look(full=FULL, whole=True)
        assert {change.identity.id for change in told} == set(files)
        assert at.read() == len(files)
        assert at.look(full=FULL, whole=True) == []
        assert at.look() == []


def test_a_push_in_the_middle_of_a_whole_look_begins_nothing_anew() -> None:
    with looking() as at:
        files = _files(branches.MOST_FILES * 2)
        at.commit(files)
        at.look()
        at.read()
        assert at.part(full=FULL, whole=True).more
        at.commit({"d00/f00000.md": "new", "d01/f00001.md": None})
        at.look(full=FULL, whole=True)
        assert at.read() == len(files) + 1
        assert at.documents["d00/f00000.md"].body == "new"
        assert len(at.documents) == len(files) - 1


def test_a_full_look_of_an_empty_repository_says_nothing() -> None:
    with looking() as at:
        assert at.look(full=FULL, whole=True) == []


def test_a_full_look_that_meets_trouble_is_made_again() -> None:
    with looking() as at:
        at.commit(_files(10))
        at.look()
        _forget(at, "d00/f00000.md")
        at.fake.troubles.append(Trouble(Answer(503, {}), "git/trees"))
        with pytest.raises(TransientError):
            at.part(full=FULL)
        assert len(at.look(full=FULL)) == 1
