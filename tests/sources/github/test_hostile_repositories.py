"""Repositories that somebody made to be read for ever: what they cost, and what is told of it."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from ingest.core.changes import Delete, Withdraw
from ingest.core.errors import BadPayload, PermanentError
from ingest.sources.github import branches, contents
from ingest.sources.github.applied import MOST_DOCUMENTS
from ingest.sources.github.demo.fake_git import FOLDER, REGULAR, Entry
from ingest.testing.fakes import Answer, Trouble
from tests.sources.github.looking import AT, ID, NAME, Looking, looking
from tests.sources.github.measured import measure

SHA = "5f" * 20


def _file(path: str, sha: str = SHA) -> Entry:
    return Entry(path, REGULAR, sha, 1)


def _plant(at: Looking, lines: Iterable[Entry]) -> None:
    at.github.repositories[ID].git.plant("main", lines, at=AT)


def _put(at: Looking, lines: Iterable[Entry]) -> str:
    return at.github.repositories[ID].git.put(lines)


def _write(at: Looking, text: str) -> str:
    """Content that can be read; its hash."""
    pushed = at.commit({"x": text})
    return at.github.repositories[ID].git.commits[pushed["after"]].files["x"].sha


def _names(at: Looking, names: int, files: int, suffix: str) -> None:
    """One folder under many names, as the issue tells it."""
    below = _put(at, [_file(f"{n:05}{suffix}") for n in range(files)])
    _plant(at, [Entry(f"name-{n:05}", FOLDER, below) for n in range(names)])


# Globs.


@pytest.mark.parametrize(
    "glob",
    ["/".join(["**", "a*"] * 70), "*a" * 240 + "b", "{a,b}" * 60, "a?*" * 150],
)
def test_a_configuration_of_hostile_globs_is_told_and_the_former_stay_in_force(glob: str) -> None:
    """Bug: 30 KB of globs took 87 ms for each path, and 18.6 s for one deep path."""
    globs = "".join(f"\n- '{glob}{n}'" for n in range(30_000 // len(glob)))
    files = {"docs/a.md": "a", "b.md": "b", "/".join("a" * 200): "c"}
    with looking() as at:
        at.commit({"lightfast.yml": "include: [docs/**]", **files})
        at.look()
        at.commit({"lightfast.yml": f"include:{globs}", "docs/c.md": "c"})
        sight = at.part()
        assert set(at.documents) == {"docs/a.md", "docs/c.md"}
        assert sight.problem is not None
        assert sight.problem.startswith("lightfast.yml is broken: ")
        assert at.part().problem == sight.problem, "as long as it is so"
        at.commit({"lightfast.yml": "include: ['*.md']"})
        mended = at.part()
        assert (mended.problem, mended.mended) == (None, sight.problem)
        assert set(at.documents) == {"docs/a.md", "docs/c.md", "b.md"}


@pytest.mark.parametrize("text", [b"\x00", "x" * 200_000, "include: [docs/**\n"])
def test_a_configuration_that_is_none_is_told(text: Any) -> None:
    with looking() as at:
        at.commit({"lightfast.yml": text, "a.md": "a"})
        at.asked("")
        assert (at.part().problem or "").startswith("lightfast.yml is broken: ")
        assert set(at.documents) == {"a.md"}
        assert at.asked("git/blobs") == (1 if len(text) > 100_000 else 2), "what is large is left"


def test_globs_of_the_connection_that_are_broken_are_told_and_change_nothing() -> None:
    with looking(include=["docs/**"]) as at:
        at.commit({"docs/a.md": "a", "b.md": "b"})
        at.look()
        at.metadata["include"] = ["{a,b}" * 7]
        assert "the connection's metadata are broken" in (at.part().problem or "")
        assert set(at.documents) == {"docs/a.md"}


def test_where_nobody_knows_the_former_globs_a_broken_configuration_takes_nothing() -> None:
    """Such a state is an older program's, with globs that are over the bounds of today."""
    with looking() as at:
        at.commit({"a.md": "a"})
        at.state = {"files": {"docs/x.md": SHA}, "globs": {"include": ["{a,b}" * 7]}}
        at.commit({"lightfast.yml": "include: ['" + "{a,b}" * 7 + "']"})
        with pytest.raises(PermanentError, match="not known any more"):
            at.part()


# Trees.


def test_a_folder_under_many_names_is_asked_for_once() -> None:
    """Bug: each of 1,500 names was asked for and kept, 1.6 GB of it."""
    with looking() as at:
        at.github.tree_limit = 1_000
        _names(at, 1_500, 100, ".py")
        at.asked("")
        assert at.look() == []
        assert at.asked("git/trees") == 3, "the root whole and by its level, and the folder"


SMALL = 100
"""A hundredth of the bounds is met in a hundredth of the time; what is slow meets them whole."""
scaled = pytest.mark.parametrize("scale", [SMALL, pytest.param(1, marks=pytest.mark.slow)])


@scaled
def test_what_a_tree_stands_for_is_bounded_and_the_remedy_is_told(
    scale: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contents, "MOST_ENTRIES", contents.MOST_ENTRIES // scale)
    with looking() as at:
        _names(at, 700, 800 // scale, ".py")
        with pytest.raises(PermanentError) as refused:
            at.look()
        said = str(refused.value)
        assert NAME in said
        assert f"more than {contents.MOST_ENTRIES} files and folders" in said
        assert "docs/**" in said
        assert at.asked("git/trees") <= 3


@scaled
def test_folders_within_folders_of_one_hash_are_no_bomb(
    scale: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contents, "MOST_ENTRIES", contents.MOST_ENTRIES // scale)
    with looking() as at:
        below = _put(at, [_file(f"{n}.py") for n in range(10)])
        for _ in range(12):
            below = _put(at, [Entry(f"d{n}", FOLDER, below) for n in range(10)])
        _plant(at, [Entry("d", FOLDER, below)])
        at.github.tree_limit = 2_000
        with pytest.raises(PermanentError, match="files and folders"):
            at.look()
        assert at.asked("git/trees") <= 2 * 14


@scaled
def test_more_documents_than_are_kept_end_the_look_up_with_the_remedy(
    scale: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    most = MOST_DOCUMENTS // scale
    monkeypatch.setattr(contents, "MOST_DOCUMENTS", most)
    with looking() as at:
        _plant(at, [_file(f"{n:06}.md") for n in range(most + 1)])
        with pytest.raises(PermanentError, match=f"{NAME} has more than {most} files"):
            at.look()
        at.metadata["include"] = ["000[0-9]*.txt"]
        assert at.look() == [], "as the remedy says"


def test_only_folders_that_can_hold_something_wanted_are_gone_into() -> None:
    files = {f"{top}/{n}/a.md": f"{top}{n}" for top in ("docs", "src") for n in range(9)}
    with looking(include=["docs/**"]) as at:
        at.commit(files)
        at.github.tree_limit = 4
        at.asked("")
        at.look()
        assert set(at.documents) == {path for path in files if path.startswith("docs")}
        below = at.github.repositories[ID].git.tree("main")
        assert below is not None
        (source,) = [line.sha for line in below[1] if line.path == "src"]
        assert not at.fake.asked_for(source)


def test_files_of_former_globs_are_known_to_be_there_in_a_tree_that_is_walked() -> None:
    files = {f"{top}/{n}.md": f"{top}{n}" for top in ("docs", "src") for n in range(9)}
    with looking(include=["docs/**", "src/**"]) as at:
        at.commit(files)
        at.look()
        at.github.tree_limit = 4
        at.metadata["include"] = ["docs/**"]
        at.commit({"src/0.md": None})
        kinds = [(type(change), change.identity.id) for change in at.look()]
        assert kinds == [
            (Delete, "src/0.md"),
            *((Withdraw, f"src/{n}.md") for n in range(1, 9)),
        ]


def test_a_configuration_in_a_folder_is_found_in_a_tree_that_is_walked() -> None:
    with looking(configPath="ci/docs/wants.yml") as at:
        at.commit({f"src/{n}.py": f"{n}" for n in range(9)} | {"a.md": "a"})
        at.commit({"ci/docs/wants.yml": "include: [src/1.py]"})
        at.github.tree_limit = 4
        at.look()
        assert set(at.documents) == {"src/1.py"}


def test_a_level_that_github_does_not_show_whole_proves_nothing_gone() -> None:
    """Bug: what a truncated answer left out was taken for deleted."""
    with looking() as at:
        at.commit({"a.md": "a", "b.md": "b"})
        at.look()
        at.github.force_push(ID, "main", {"a.md": "b", "b.md": "b"}, at=AT)
        cut = Answer(200, {"sha": SHA, "tree": [], "truncated": True})
        at.fake.troubles.append(Trouble(cut, "git/trees", times=2))
        with pytest.raises(PermanentError, match="does not show all"):
            at.look()
        assert set(at.documents) == {"a.md", "b.md"}


@pytest.mark.parametrize(
    "tree",
    [None, {}, "x", [1], [{"path": "a.md"}], [{"path": 1, "mode": REGULAR, "type": "blob"}]],
)
def test_an_answer_that_is_no_tree_deletes_nothing(tree: Any) -> None:
    with looking() as at:
        at.commit({"a.md": "a"})
        at.look()
        at.github.force_push(ID, "main", {"a.md": "b"}, at=AT)
        at.fake.troubles.append(Trouble(Answer(200, {"tree": tree}), "git/trees"))
        with pytest.raises(BadPayload, match="tree"):
            at.look()
        assert set(at.documents) == {"a.md"}


def test_paths_that_no_file_system_holds_are_no_documents() -> None:
    with looking() as at:
        sha = _write(at, "text")
        odd = ["../up.md", "a/./b.md", "a//b.md", "/a.md", "a/../b.md"]
        odd += ["ü" * 2_100 + ".md", "x" * 4_097 + ".md", "/".join("d" * 300) + "/a.md"]
        _plant(at, [_file(path, sha) for path in [*odd, "fine.md", "..fine/a..md"]])
        at.look()
        assert set(at.documents) == {"fine.md", "..fine/a..md"}


# What is kept between look-ups.


def _applied(at: Looking, paths: Iterable[str], skipped: Mapping[str, str] | None = None) -> None:
    at.state = {
        "files": dict.fromkeys(paths, SHA),
        "skipped": dict(skipped or {}),
        "named": f"{NAME}:main",
    }


def test_many_files_that_went_are_told_in_parts() -> None:
    """Bug: fifty thousand deletions were one transaction."""
    most = branches.MOST_LEAVING
    with looking(include=["docs/**"]) as at:
        at.commit({"docs/a.md": "a", **{f"x/{n:04}.md": "" for n in range(most)}})
        _applied(at, [f"docs/{n:05}.md" for n in range(most * 2)])
        at.state["files"] |= {f"x/{n:04}.md": SHA for n in range(most)}
        sights = [at.part() for _ in range(3)]
        told = [(len(s.raw["gone"]), len(s.raw["unwanted"])) for s in sights]  # type: ignore[index,call-overload,arg-type]
        assert told == [(most, 0), (most, 0), (0, most)]
        assert [sight.more for sight in sights] == [True, True, False]
        assert set(at.state["files"]) == {"docs/a.md"}


def test_the_files_of_a_branch_that_is_gone_are_told_in_parts() -> None:
    with looking(branch="docs") as at:
        at.commit({"m.md": "m"})
        _applied(at, [f"{n:05}.md" for n in range(branches.MOST_LEAVING + 1)])
        assert len(at.look("docs")) == branches.MOST_LEAVING + 1
        assert at.state["files"] == {}


def test_pushes_that_never_let_it_finish_do_not_make_the_state_grow() -> None:
    with looking() as at:
        at.commit({f"{n:03}.md": "new" for n in range(branches.MOST_FILES * 2)})
        _applied(at, [f"old/{n:06}.md" for n in range(MOST_DOCUMENTS + 1)])
        assert at.part().more
        kept = MOST_DOCUMENTS + 1 + branches.MOST_FILES - branches.MOST_LEAVING
        assert len(at.state["files"]) == kept


def test_what_can_be_no_document_is_forgotten_when_it_is_gone() -> None:
    """Bug: the state kept every binary file that there ever was."""
    with looking() as at:
        at.commit({"a.md": "a", "b.md": b"\x00"})
        at.look()
        assert set(at.state["skipped"]) == {"b.md"}
        at.commit({"b.md": None, "c.md": b"\x00"})
        at.look()
        assert set(at.state["skipped"]) == {"c.md"}


# What it costs, in a process of its own.

_MEMORY = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@_MEMORY
@pytest.mark.slow
@pytest.mark.parametrize(("names", "files", "most_mib"), [(1_500, 400, 200), (1_500, 90_000, 400)])
def test_a_folder_under_many_names_costs_the_memory_of_one(
    names: int, files: int, most_mib: int
) -> None:
    """Bug: 1,660 MiB and 26 s. What is left is one answer of 100,000 entries."""
    with looking() as at:
        _names(at, names, files, ".md.py")
        cost = measure(at.fake.url, at.github.token, at.metadata)
        assert cost.mib < most_mib
        assert "files and folders" in (cost.error or "")


@_MEMORY
@pytest.mark.parametrize("files", [20_000, pytest.param(99_000, marks=pytest.mark.slow)])
def test_of_a_large_tree_only_what_is_wanted_is_kept(files: int) -> None:
    with looking() as at:
        sha = _write(at, "text")
        lines = [_file(f"src/package-{n % 500}/module-{n}.py") for n in range(files)]
        _plant(at, [*lines, _file("docs/a.md", sha)])
        cost = measure(at.fake.url, at.github.token, at.metadata)
        assert cost.error is None
        assert cost.documents == 1
        assert cost.mib < 32 + files * 0.0016


@_MEMORY
def test_hostile_globs_over_a_large_tree_are_paid_once() -> None:
    """As many as the bounds allow. Thirty kilobytes of them took half an hour for 20,000 paths."""
    glob = "/".join(["**", "a*"] * 70)
    with looking(include=[f"{glob}/b{n}" for n in range(9)]) as at:
        _plant(at, [_file(f"a/a{n % 300}/a/a/a{n}/a.md") for n in range(20_000)])
        cost = measure(at.fake.url, at.github.token, at.metadata)
        assert cost.error is None
        assert cost.seconds < 20
