"""What a commit holds: its files, out of git's trees, and what stands in them.

Law: what one look-up asks for, goes through and keeps is bounded, however the repository is made. A
tree is asked for once, under however many names it stands, and only folders that can hold something
wanted are gone into. [REST-OAS] git/get-tree, git/get-blob
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from ingest.core.errors import BadPayload, PermanentError, TransientError
from ingest.core.values import JSON
from ingest.sources.answers import Absent
from ingest.sources.forms import ID, segment
from ingest.sources.github.answers import BlobAnswer
from ingest.sources.github.api import GitHubApi, Repository
from ingest.sources.github.applied import MOST_DOCUMENTS
from ingest.sources.github.globs import Globs
from ingest.sources.github.payloads import read
from ingest.sources.github.trees import LARGEST_FILE, File, folders_of, is_path

A_HASH = "a hash of git's"
MOST_TREES = 2_000
"""Requests for the trees of one repository that does not fit into one answer."""
MOST_ENTRIES = 500_000
"""Files and folders that one look-up goes through, each under each of its paths."""
_LARGEST_BLOB = LARGEST_FILE * 3 // 2 + 2**16
_REGULAR = frozenset({"100644", "100755", "100664"})
"""Modes of files; 120000 is a symbolic link, 160000 a submodule."""
_NARROWER = "let `include` and `exclude` take in fewer"
_FOLDERS = (
    "let every glob of `include` begin with a folder (docs/**), or let `branch` name a branch that "
    "holds the documents alone"
)


@dataclass(frozen=True, slots=True)
class _Answer:
    """Of one tree: its `files`, and the `folders` (with their hashes) that it does not show."""

    files: Mapping[str, File]
    folders: Mapping[str, str]
    entries: int


@dataclass(slots=True)
class Tree:
    """The tree of one commit, for one look-up."""

    api: GitHubApi
    repository: Repository
    commit: str
    _answers: dict[str, _Answer] = field(default_factory=dict)
    _asked: int = 0

    def file(self, path: str) -> File | None:
        """The file of this path, however large; None where there is none."""
        answer, rest = self._answer(self.commit), path
        while rest not in answer.files:
            name, _, rest = rest.partition("/")
            if not rest or name not in answer.folders:
                return None
            answer = self._answer(answer.folders[name])
        return answer.files[rest].at(path)

    def documents(self, globs: Globs, applied: Collection[str]) -> dict[str, File]:
        """The files that can be documents and are wanted, or applied already, by path.

        Raises `PermanentError` where that is more than a look-up may cost.
        """
        known = folders_of(applied) if self._answer(self.commit).folders else frozenset()
        found: dict[str, File] = {}
        seen = wanted = 0
        waiting = [("", self.commit)]
        while waiting:
            above, sha = waiting.pop()
            answer = self._answer(sha)
            seen += answer.entries
            self._require(seen, MOST_ENTRIES, "files and folders", _FOLDERS)
            for file in answer.files.values():
                path = f"{above}{file.path}"
                if not (file.is_small and is_path(path)):
                    continue
                is_wanted = globs.want(path)
                if is_wanted or path in applied:
                    found[path] = file.at(path)
                    wanted += is_wanted
            self._require(wanted, MOST_DOCUMENTS, "files that the globs want", _NARROWER)
            for name, below in answer.folders.items():
                folder = f"{above}{name}"
                if is_path(folder) and (folder in known or globs.reach(folder)):
                    waiting.append((f"{folder}/", below))
        return found

    def _answer(self, sha: str) -> _Answer:
        """A tree whole; where one answer does not hold it, its own level."""
        if sha not in self._answers:
            told = self._ask(sha, recursive=True)
            is_whole = not told.get("truncated")
            if not is_whole:
                del told  # a hundred thousand entries that are told again
                told = self._ask(sha, recursive=False)
                if told.get("truncated"):
                    raise PermanentError(
                        f"{self.repository.full_name} has a folder of which GitHub does not show "
                        f"all: {_FOLDERS}"
                    )
            self._answers[sha] = _answer(told.get("tree"), whole=is_whole)
        return self._answers[sha]

    def _ask(self, sha: str, *, recursive: bool) -> dict[str, JSON]:
        self._asked += 1
        self._require(self._asked, MOST_TREES, "trees to be asked for", _FOLDERS)
        path = f"{self.repository.path}/git/trees/{segment(sha, A_HASH, ID)}"
        try:
            told = self.api.get(path, params={"recursive": "1"} if recursive else None).json()
        except Absent as error:
            raise TransientError(
                f"GitHub shows no tree {sha} of {self.repository.full_name}: the branch moves"
            ) from error
        if not isinstance(told, dict):
            raise BadPayload("tree", "required and missing")
        return told

    def _require(self, count: int, most: int, what: str, remedy: str) -> None:
        if count > most:
            raise PermanentError(
                f"{self.repository.full_name} has more than {most} {what}, and is not read: "
                f"{remedy}"
            )


def _answer(entries: JSON, *, whole: bool) -> _Answer:
    """Read by hand, as there may be a hundred thousand; strictly, as what is not there is deleted.

    Raises `BadPayload`.
    """
    if not isinstance(entries, list):
        raise BadPayload("tree", "required and missing")
    files: dict[str, File] = {}
    folders: dict[str, str] = {}
    for index, told in enumerate(entries):
        path, mode, kind, sha, size = _entry(told, index)
        if kind == "blob" and mode in _REGULAR:
            files[path] = File(path, sha, size if type(size) is int else None)
        elif kind == "tree" and not whole:
            folders[path] = sha
    return _Answer(files, folders, len(entries))


def _entry(told: JSON, index: int) -> tuple[str, JSON, JSON, str, JSON]:
    """Path, mode, type, hash and size of one entry of a tree."""
    entry = told if isinstance(told, dict) else {}
    path, mode, kind, sha = (
        entry.get("path"),
        entry.get("mode"),
        entry.get("type"),
        entry.get("sha"),
    )
    if not (isinstance(path, str) and isinstance(sha, str) and sha and mode and kind):
        raise BadPayload(f"tree.{index}", "has no path, mode, type or sha")
    return path, mode, kind, sha, entry.get("size")


def blob(api: GitHubApi, repository: Repository, file: File) -> bytes:
    """A file's content. One that vanished was of a commit that is no more: read again."""
    path = f"{repository.path}/git/blobs/{segment(file.sha, A_HASH, ID)}"
    largest = _LARGEST_BLOB if file.size is not None else None
    try:
        return read(BlobAnswer, api.get(path, max_bytes=largest).json()).raw()
    except Absent as error:
        raise TransientError(
            f"GitHub shows no content {file.sha} of {repository.full_name}: the branch moves"
        ) from error
