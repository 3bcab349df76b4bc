"""Branches looked up: after any pushes, the documents are the files that the head holds now."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.core.changes import Delete, Upsert, Withdraw
from ingest.core.errors import RateLimited, Refused, TransientError
from ingest.sources.github import branches, bulk
from ingest.sources.github.demo.fake_git import SUBMODULE, SYMLINK, File
from ingest.testing.fakes import Answer, Trouble
from tests.sources.github.looking import AT, ID, Looking, looking


def _texts(at: Looking) -> dict[str, str]:
    return {path: document.body for path, document in at.documents.items()}


def test_the_first_look_reads_every_wanted_file() -> None:
    with looking() as at:
        push = at.commit({"README.md": "# A", "docs/b.md": "b", "src/c.py": "c"})
        at.look()
        assert _texts(at) == {"README.md": "# A", "docs/b.md": "b"}
        assert at.documents["README.md"].metadata["commitSha"] == push["after"]
        assert at.documents["README.md"].metadata["committedAt"] == "2026-03-02T14:00:00.000Z"
        json.dumps(at.state)


def test_an_unchanged_head_asks_for_nothing_more() -> None:
    with looking() as at:
        at.commit({"a.md": "a"})
        at.look()
        at.asked("")
        assert at.look() == []
        assert at.asked("git/") == 0


def test_only_content_that_changed_is_read() -> None:
    with looking() as at:
        at.commit({"a.md": "a", "b.md": "b"})
        at.look()
        at.asked("")
        at.commit({"b.md": "B", "c.md": "c"})
        changed = {change.identity.id for change in at.look()}
        assert changed == {"b.md", "c.md"}
        assert at.read() == 2


def _commits(at: Looking) -> dict[str, str | None]:
    return {path: document.temporal.get("commitSha") for path, document in at.documents.items()}


def test_a_file_is_tied_to_the_push_that_touched_it_and_what_was_there_before_to_none() -> None:
    with looking() as at:
        at.commit({"a.md": "a", "b.md": "b", "d.md": "d"})
        at.look()
        assert _commits(at) == {"a.md": None, "b.md": None, "d.md": None}
        first = at.commit({"b.md": "B", "c.md": "c", "d.md": None, "docs/d.md": "d"})["after"]
        at.look()
        assert _commits(at) == {"a.md": None, "b.md": first, "c.md": first, "docs/d.md": first}
        second = at.commit({"c.md": "C"})["after"]
        at.look()
        assert _commits(at)["c.md"] == second
        assert _commits(at)["b.md"] == first, "what a push leaves alone stays with its own"


def test_what_a_configuration_takes_in_was_touched_by_no_push() -> None:
    with looking() as at:
        at.commit({"lightfast.yml": "include: [docs/**]", "docs/a.md": "a", "b.md": "b"})
        at.look()
        push = at.commit({"lightfast.yml": "include: ['**/*.md']", "docs/a.md": "A", "c.md": "c"})
        at.look()
        assert _commits(at) == {"docs/a.md": push["after"], "b.md": None, "c.md": push["after"]}


def test_every_part_of_a_large_push_is_tied_to_it() -> None:
    paths = [f"{n:03}.md" for n in range(branches.MOST_FILES + 5)]
    with looking() as at:
        at.commit({path: f"{path} before" for path in paths})
        at.look()
        push = at.commit({path: f"{path} after" for path in paths})
        assert at.part().more
        at.look()
        assert _commits(at) == dict.fromkeys(paths, push["after"])


@pytest.mark.parametrize("limit", [100_000, 3])
def test_a_push_costs_no_more_requests_than_it_has_to(limit: int) -> None:
    with looking() as at:
        files = {f"docs/{n}.md": f"{n}" for n in range(3)}
        at.commit({"lightfast.yml": "include: [docs/**]", "src/a.py": "a", **files})
        at.look()
        at.github.tree_limit = limit
        at.commit({"docs/1.md": "new"})
        at.asked("")
        at.look()
        assert len(at.fake.asked_for("git/trees")) == (1 if limit > 3 else 3)
        assert at.asked("") == (5 if limit > 3 else 7), "repository, branch, compare, trees, blob"


def test_a_push_that_touches_no_wanted_file_costs_no_tree() -> None:
    with looking() as at:
        push = at.commit({"a.md": "a", "src/a.py": "a"})
        at.look()
        push = at.commit({"src/a.py": "b"})
        at.asked("")
        assert at.look() == []
        assert at.state["head"] == push["after"]
        assert at.asked("git/") == 0


def test_removed_files_are_deleted() -> None:
    with looking() as at:
        at.commit({"a.md": "a", "b.md": "b"})
        at.look()
        at.commit({"a.md": None})
        (change,) = at.look()
        assert isinstance(change, Delete)
        assert _texts(at) == {"b.md": "b"}


def test_a_force_push_leaves_what_the_new_head_holds() -> None:
    with looking() as at:
        at.commit({"a.md": "a"})
        old = at.commit({"b.md": "b", "c.md": "c"})
        at.look()
        at.github.force_push(ID, "main", {"a.md": "a", "d.md": "d"}, at="2020-01-01T00:00:00Z")
        at.look()
        assert _texts(at) == {"a.md": "a", "d.md": "d"}
        at.github.repositories[ID].git.branches["main"] = old["after"]
        at.look()
        assert _texts(at) == {"a.md": "a", "b.md": "b", "c.md": "c"}


def test_an_applied_commit_that_was_collected_is_no_obstacle() -> None:
    with looking() as at:
        at.commit({"a.md": "a", "b.md": "b"})
        at.look()
        at.github.force_push(ID, "main", {"b.md": "b"}, at=AT)
        at.github.repositories[ID].git.collect()
        at.look()
        assert _texts(at) == {"b.md": "b"}


def test_a_comparison_that_is_cut_off_is_not_believed() -> None:
    with looking() as at:
        at.github.compare_limit = branches.MOST_COMPARED
        at.commit({"zz.md": "old"})
        at.look()
        at.commit({f"src/{n:03}.py": "x" for n in range(400)} | {"zz.md": "new"})
        at.look()
        assert _texts(at) == {"zz.md": "new"}


@pytest.mark.parametrize("files", [None, "x", [7], [{}] * 100_000])
def test_a_comparison_that_is_none_is_not_believed(files: Any) -> None:
    with looking() as at:
        at.commit({"a.md": "a"})
        at.look()
        at.commit({"a.md": "b"})
        told = Answer(200, {"status": "ahead", "files": files})
        at.fake.troubles.append(Trouble(told, "compare/"))
        at.look()
        assert _texts(at) == {"a.md": "b"}


@pytest.mark.parametrize("status", [500, 504, 422])
def test_where_github_cannot_compare_the_trees_tell(status: int) -> None:
    with looking() as at:
        at.commit({"a.md": "a"})
        at.look()
        at.commit({"a.md": "b"})
        at.fake.troubles.append(Trouble(Answer(status, {"message": "too large"}), "compare/"))
        at.look()
        assert _texts(at) == {"a.md": "b"}


def test_a_tree_that_does_not_fit_into_one_answer_is_walked() -> None:
    with looking() as at:
        files = {f"docs/{d}/{n}.md": f"{d}{n}" for d in range(4) for n in range(6)}
        at.commit({**files, "README.md": "r", "deep/a/b/c/d.md": "d"})
        at.github.tree_limit = 7
        at.look()
        assert _texts(at) == {**files, "README.md": "r", "deep/a/b/c/d.md": "d"}


def test_a_moved_file_keeps_its_former_path_as_an_alias() -> None:
    with looking() as at:
        at.commit({"docs/old.md": "text", "docs/edited.md": "one\n" * 50})
        at.look()
        at.commit({"docs/old.md": None, "docs/new.md": "text"})
        changes = at.look()
        assert [type(change) for change in changes] == [Upsert, Delete]
        assert "docs/old.md" in at.documents["docs/new.md"].aliases


def test_a_copy_is_no_move_and_neither_are_empty_files_of_other_names() -> None:
    with looking() as at:
        at.commit({"a.md": "text", "e1.md": "", "e2.md": ""})
        at.look()
        at.commit({"b.md": "text", "e1.md": None, "e2.md": None, "x/e2.md": "", "x/y.md": ""})
        at.look()
        assert at.documents["b.md"].aliases == ("halcyon/web:b.md",)
        assert at.documents["x/y.md"].aliases == ("halcyon/web:x/y.md",)
        assert "e2.md" in at.documents["x/e2.md"].aliases


def test_what_is_no_text_is_no_document_and_is_not_read_twice() -> None:
    with looking() as at:
        lfs = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"
        at.commit(
            {
                "link.md": File(b"a.md", SYMLINK),
                "module.md": File(b"5f" * 20, SUBMODULE),
                "lfs.md": lfs,
                "binary.md": b"\x00\x01",
                "latin.md": b"\xfc",
                "large.md": "x" * (2**20 + 1),
                "a.md": "a",
            }
        )
        at.look()
        assert _texts(at) == {"a.md": "a"}
        at.commit({"a.md": "b"})
        at.asked("")
        at.look()
        assert at.asked("git/blobs") == 1


@pytest.mark.parametrize(
    "now", [b"\x00", File(b"b.md", SYMLINK), "x" * (2**20 + 1)], ids=["binary", "link", "large"]
)
def test_a_document_that_becomes_no_text_is_deleted_and_may_come_back(now: Any) -> None:
    with looking() as at:
        at.commit({"a.md": "a"})
        at.look()
        at.commit({"a.md": now})
        assert [type(change) for change in at.look()] == [Delete]
        at.commit({"a.md": "a"})
        at.look()
        assert _texts(at) == {"a.md": "a"}
        at.commit({"a.md": now})
        assert [type(change) for change in at.look()] == [Delete]


# Which files are wanted.


def test_the_repository_says_which_files_are_wanted() -> None:
    with looking() as at:
        at.commit({"lightfast.yml": "include: [docs/**]", "docs/a.py": "a", "b.md": "b"})
        at.look()
        assert _texts(at) == {"docs/a.py": "a"}
        at.commit({"lightfast.yml": "include: ['*.md']"})
        changes = at.look()
        assert [type(change) for change in changes] == [Upsert, Withdraw]
        assert _texts(at) == {"b.md": "b"}
        at.commit({"lightfast.yml": None})
        assert at.look() == []


def test_a_broken_configuration_leaves_the_former_globs_in_force() -> None:
    with looking() as at:
        at.commit({"lightfast.yml": "include: [docs/**]", "docs/a.md": "a", "b.md": "b"})
        at.look()
        at.commit({"lightfast.yml": "include: [docs/**", "c.md": "c", "docs/d.md": "d"})
        at.look()
        assert _texts(at) == {"docs/a.md": "a", "docs/d.md": "d"}


def test_a_configuration_that_was_broken_from_the_start_means_the_default() -> None:
    with looking() as at:
        at.commit({"lightfast.yml": "- x", "docs/a.md": "a"})
        at.look()
        assert _texts(at) == {"docs/a.md": "a"}


def test_the_connections_own_globs_come_first_and_a_change_of_them_is_seen_at_the_same_head() -> (
    None
):
    with looking(include=["docs/**"], exclude=["**/x.md"]) as at:
        at.commit({"lightfast.yml": "include: [b.md]", "docs/a.md": "a", "docs/x.md": "x"})
        at.commit({"b.md": "b"})
        at.look()
        assert _texts(at) == {"docs/a.md": "a"}
        at.metadata["include"] = ["b.md"]
        at.look()
        assert _texts(at) == {"b.md": "b"}


def test_a_configuration_stands_where_the_connection_says() -> None:
    with looking(configPath="/ci/wants.yml") as at:
        at.commit({"ci/wants.yml": "include: [a.py]", "a.py": "a", "b.md": "b"})
        at.look()
        assert _texts(at) == {"a.py": "a"}


# Which branch.


def test_an_empty_repository_has_no_files() -> None:
    with looking() as at:
        assert at.look() == []
        at.commit({"a.md": "a"})
        at.look()
        assert _texts(at) == {"a.md": "a"}


def test_a_renamed_branch_is_the_same_branch() -> None:
    with looking() as at:
        at.commit({"a.md": "a"})
        at.look()
        at.github.rename_branch(ID, "main", "trunk")
        at.commit({"b.md": "b"}, "trunk")
        at.look()
        assert _texts(at) == {"a.md": "a", "b.md": "b"}
        assert {d.metadata["branch"] for d in at.documents.values()} == {"trunk"}
        assert at.look() == []


def test_a_renamed_repository_gives_every_file_its_new_name_once() -> None:
    """Bug: a file that nobody touched kept the former name, and could not be found by the new."""
    with looking() as at:
        at.commit({f"{n:03d}.md": f"{n}" for n in range(130)})
        at.look()
        at.github.rename(ID, "halcyon/site")
        at.asked("")
        at.look()
        assert at.read() == 130
        assert {d.metadata["repoFullName"] for d in at.documents.values()} == {"halcyon/site"}
        assert at.documents["129.md"].aliases == ("halcyon/site:129.md",)
        at.commit({"000.md": None})
        at.look()
        assert len(at.documents) == 129
        assert at.read() == 0


@pytest.mark.parametrize("named", [True, False])
def test_where_another_default_replaced_a_branch_its_files_are_read(named: bool) -> None:
    with looking(**({"branch": "main"} if named else {})) as at:
        at.commit({"a.md": "a", "b.md": "b"})
        at.look()
        at.github.repositories[ID].default_branch = "trunk"
        at.commit({"a.md": "a", "c.md": "c"}, "trunk")
        at.github.delete_branch(ID, "main")
        at.look()
        assert _texts(at) == {"a.md": "a", "c.md": "c"}


def test_a_named_branch_that_is_gone_takes_its_files_with_it_and_may_return() -> None:
    with looking(branch="docs/next") as at:
        at.commit({"m.md": "m"})
        at.commit({"a.md": "a"}, "docs/next")
        at.look("docs/next")
        assert _texts(at) == {"a.md": "a"}
        at.github.delete_branch(ID, "docs/next")
        assert [type(change) for change in at.look("docs/next")] == [Delete]
        at.commit({"b.md": "b"}, "docs/next")
        at.look("docs/next")
        assert _texts(at) == {"b.md": "b"}


def test_a_default_branch_that_cannot_be_seen_proves_nothing() -> None:
    with looking() as at:
        at.commit({"a.md": "a"})
        at.look()
        at.fake.troubles.append(Trouble(Answer(404, {"message": "Branch not found"}), "branches/"))
        at.commit({"a.md": "b"})
        at.github.repositories[ID].git.branches["other"] = "x"
        with pytest.raises(TransientError):
            _gone_default(at)
        at.look()
        assert _texts(at) == {"a.md": "b"}


def _gone_default(at: Looking) -> None:
    git = at.github.repositories[ID].git
    head = git.branches.pop("main")
    try:
        at.look()
    finally:
        git.branches["main"] = head


@pytest.mark.parametrize("name", ["../../user", "a..b", "-x", "a b", "/a", "a//b", "x.lock"])
def test_what_is_no_name_of_a_branch_is_never_asked_for(name: str) -> None:
    with looking(branch=name) as at:
        with pytest.raises(Refused, match="branch in the connection's metadata"):
            at.look(name)
        assert at.asked("branches") == 0


def test_a_repository_out_of_sight_loses_no_files() -> None:
    with looking() as at:
        at.commit({"a.md": "a"})
        at.look()
        at.github.repositories[ID].readable = False
        with pytest.raises(Refused):
            at.look()
        assert _texts(at) == {"a.md": "a"}


# Parts, pushes in the middle, and trouble.


@pytest.mark.parametrize("count", [350, pytest.param(5_000, marks=pytest.mark.slow)])
def test_many_files_are_read_in_parts_and_no_more_is_read_than_there_is(count: int) -> None:
    files = {f"d{n % 50:02}/f{n:04}.md": f"text {n}" for n in range(count)}
    with looking() as at:
        at.commit(files)
        at.look()
        assert _texts(at) == files
        assert at.read() == count


def test_a_sight_is_bounded_in_bytes() -> None:
    with looking() as at:
        at.commit({f"{n:02}.md": f"{n}" + "x" * (2**20 - 16) for n in range(20)})
        sight = at.part()
        assert sight.more
        assert isinstance(sight.raw, dict)
        assert len(json.dumps(sight.raw)) < branches.MOST_BYTES + 2**21
        at.look()
        assert len(at.documents) == 20


def test_a_push_in_the_middle_is_seen_whole() -> None:
    with looking() as at:
        at.commit({f"{n:03}.md": "old" for n in range(350)} | {"z.md": "z"})
        first = at.part()
        assert first.more
        at.commit({"000.md": None, "001.md": "new", "z.md": None, "y.md": "z"})
        at.look()
        expected = {f"{n:03}.md": "old" for n in range(2, 350)}
        assert _texts(at) == {**expected, "001.md": "new", "y.md": "z"}


def test_a_push_that_is_taken_back_in_the_middle_leaves_nothing_behind() -> None:
    with looking() as at:
        before = at.commit({"a.md": "a"})
        at.look()
        at.commit({f"{n:03}.md": f"new {n}" for n in range(350)} | {"a.md": "b"})
        assert at.part().more
        git = at.github.repositories[ID].git
        git.branches["main"] = before["after"]
        at.look()
        assert _texts(at) == {"a.md": "a"}
        at.commit({"c.md": "c"})
        at.look()
        assert _texts(at) == {"a.md": "a", "c.md": "c"}


def test_content_that_vanished_is_asked_for_again_later() -> None:
    with looking() as at:
        at.commit({"a.md": "a"})
        at.fake.troubles.append(Trouble(Answer(404, {"message": "Not Found"}), "git/blobs"))
        with pytest.raises(TransientError) as vanished:
            at.look()
        assert not isinstance(vanished.value, Refused)
        at.look()
        assert _texts(at) == {"a.md": "a"}


def test_what_was_read_before_a_limit_is_kept() -> None:
    with looking() as at:
        at.commit({f"{n:02}.md": f"{n:02}" * bulk.LARGEST for n in range(12)})
        at.github.remaining = 8
        assert at.part().more
        with pytest.raises(RateLimited):
            at.part()
        assert len(at.documents) == 5
        at.github.remaining = None
        at.asked("")
        at.look()
        assert len(at.documents) == 12
        assert at.read() == 7


def test_odd_paths_are_paths_like_any_other() -> None:
    odd = ["a b.md", "ü/ö.md", "..a/..b.md", "#?%2F.md", "emoji 🚢.md", "-rf.md", "x" * 200 + ".md"]
    odd += ["/".join(["long"] * 80) + "/a.md"]
    with looking() as at:
        at.commit({path: path for path in odd})
        at.look()
        assert _texts(at) == {path: path for path in odd}


@pytest.mark.parametrize("state", [None, [], "x", {"files": 7}, {"head": 1, "globs": []}])
def test_any_state_is_one_to_begin_with(state: Any) -> None:
    with looking() as at:
        at.commit({"a.md": "a"})
        at.state = state
        at.look()
        assert _texts(at) == {"a.md": "a"}


_paths = st.sampled_from(["a.md", "b.md", "d/a.md", "d/e.md", "x.py", "lightfast.yml"])
_texts_of = st.sampled_from([None, "", "one", "two", "include: ['d/**']", b"\x00", "- broken"])
_steps = st.lists(
    st.tuples(
        st.sampled_from(["commit", "force", "look", "part", "back"]),
        st.dictionaries(_paths, _texts_of, max_size=4),
    ),
    max_size=8,
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_steps)
def test_however_pushes_and_looks_mix_the_end_is_what_one_look_sees(
    steps: list[tuple[str, Mapping[str, Any]]],
) -> None:
    with looking(include=["**/*.md"]) as at:
        heads = [at.commit({"a.md": "first"})["after"]]
        for what, changes in steps:
            _step(at, what, changes, heads)
        at.look()
        grown, at.documents, at.state = _texts(at), {}, None
        at.look()
        assert grown == _texts(at)


def _step(at: Looking, what: str, changes: Mapping[str, Any], heads: list[str]) -> None:
    if what == "commit":
        heads.append(at.commit(changes)["after"])
    elif what == "force":
        heads.append(at.github.force_push(ID, "main", changes, at=AT)["after"])
    elif what == "back":
        at.github.repositories[ID].git.branches["main"] = heads[0]
    elif what == "look":
        at.look()
    else:
        at.part()


def test_renames_among_many_files_are_known_in_every_part() -> None:
    """Bug: beyond the first hundred files a rename with another content lost the former path."""
    with looking() as at:
        at.commit({f"old/{n:03d}.md": f"This is page {n}.\n" for n in range(140)})
        at.look()
        moved = {f"new/{n:03d}.md": f"This is page {n}, moved.\n" for n in range(140)}
        at.commit(dict.fromkeys([f"old/{n:03d}.md" for n in range(140)]) | moved)
        at.look()
        former = {path: document.aliases[-1] for path, document in at.documents.items()}
        assert former == {f"new/{n:03d}.md": f"old/{n:03d}.md" for n in range(140)}
