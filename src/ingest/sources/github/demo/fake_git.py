"""Git as GitHub's API shows it: blobs, trees and commits with their real hashes, and branches.

Nothing is forgotten: what a force push leaves behind can still be read, as at GitHub, until
`collect` takes it away.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

EMPTY = "0" * 40
REGULAR, SYMLINK, SUBMODULE, FOLDER = "100644", "120000", "160000", "040000"
_TYPES = {FOLDER: "tree", SUBMODULE: "commit"}


@dataclass(frozen=True, slots=True)
class File:
    """A path's mode and content; a submodule's content is the hash of its commit."""

    content: bytes
    mode: str = REGULAR

    @property
    def sha(self) -> str:
        return self.content.decode() if self.mode == SUBMODULE else _hash("blob", self.content)


@dataclass(frozen=True, slots=True)
class Commit:
    """A whole state of the files, by path; or `tree`, one that was put there by hand."""

    sha: str
    files: Mapping[str, File]
    parents: tuple[str, ...]
    at: str
    message: str
    tree: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a tree; `path` is relative to it."""

    path: str
    mode: str
    sha: str
    size: int | None = None

    @property
    def type(self) -> str:
        return _TYPES.get(self.mode, "blob")


@dataclass(slots=True)
class Git:
    """The objects and branches of one repository."""

    commits: dict[str, Commit] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    renamed: dict[str, str] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    trees: dict[str, tuple[Entry, ...]] = field(default_factory=dict)
    _stored: dict[str, str] = field(default_factory=dict)
    """The tree of each commit whose files can be asked for."""

    def grow(
        self, files: Mapping[str, File], *parents: str, at: str, message: str, sha: str | None
    ) -> Commit:
        """A commit of exactly these files; its hash is git's, unless one is given."""
        tree = self._store(files)
        parts = [f"tree {tree}", *(f"parent {p}" for p in parents), f"date {at}", "", message]
        made = sha or _hash("commit", "\n".join(parts).encode())
        found = Commit(made, dict(files), tuple(p for p in parents if p != EMPTY), at, message)
        self.commits[made], self._stored[made] = found, tree
        return found

    def plant(self, branch: str, lines: Iterable[Entry], *, at: str) -> Commit:
        """The branch is a commit of exactly these lines, be they what no git would write."""
        tree = self.put(lines)
        made = Commit(_hash("commit", tree.encode()), {}, (), at, "planted", tree)
        self.commits[made.sha] = made
        self.branches[branch] = made.sha
        return made

    def put(self, lines: Iterable[Entry]) -> str:
        """The hash of a tree of these lines; it can be asked for from now on."""
        kept = tuple(lines)
        written = b"".join(
            f"{e.mode.lstrip('0')} {e.path}\0".encode() + bytes.fromhex(e.sha) for e in kept
        )
        sha = _hash("tree", written)
        self.trees[sha] = kept
        return sha

    def files(self, branch: str) -> Mapping[str, File]:
        """What the branch holds; nothing where there is none."""
        found = self.commits.get(self.branches.get(branch, ""))
        return found.files if found else {}

    def tree(self, ref: str) -> tuple[str, tuple[Entry, ...]] | None:
        """(hash, lines) of the tree that a branch, a commit or a tree's own hash names."""
        commit = self.commits.get(self.branches.get(ref, ref))
        sha = self._tree_of(commit) if commit else ref
        return (sha, self.trees[sha]) if sha in self.trees else None

    def below(self, sha: str, above: str = "") -> Iterator[Entry]:
        """Every line of a tree and of the trees in it, with whole paths."""
        for entry in self.trees[sha]:
            yield replace(entry, path=f"{above}{entry.path}")
            if entry.mode == FOLDER:
                yield from self.below(entry.sha, f"{above}{entry.path}/")

    def ancestors(self, sha: str) -> set[str]:
        """The commit and all that it grew out of."""
        found: set[str] = set()
        waiting = [sha]
        while waiting:
            one = waiting.pop()
            if one not in found and one in self.commits:
                found.add(one)
                waiting += self.commits[one].parents
        return found

    def merge_base(self, one: str, other: str) -> Commit | None:
        """The newest commit that both grew out of."""
        common = self.ancestors(one) & self.ancestors(other)
        return max(
            (self.commits[sha] for sha in common),
            key=lambda commit: len(self.ancestors(commit.sha)),
            default=None,
        )

    def _tree_of(self, commit: Commit) -> str:
        if commit.tree is not None:
            return commit.tree
        if commit.sha not in self._stored:
            self._stored[commit.sha] = self._store(commit.files)
        return self._stored[commit.sha]

    def collect(self) -> None:
        """Forget what no branch reaches any more."""
        kept: set[str] = set()
        for sha in self.branches.values():
            kept |= self.ancestors(sha)
        self.commits = {sha: commit for sha, commit in self.commits.items() if sha in kept}
        self.blobs, self.trees, self._stored = {}, {}, {}
        for commit in self.commits.values():
            self._store(commit.files)

    def _store(self, files: Mapping[str, File]) -> str:
        """The hash of the tree of these files; blobs and trees can be asked for from now on."""
        folders: dict[str, dict[str, File]] = {}
        lines: list[Entry] = []
        for path, file in files.items():
            name, slash, rest = path.partition("/")
            if slash:
                folders.setdefault(name, {})[rest] = file
                continue
            size = len(file.content) if file.mode != SUBMODULE else None
            lines.append(Entry(name, file.mode, file.sha, size))
            if size is not None:
                self.blobs[file.sha] = file.content
        lines += [Entry(name, FOLDER, self._store(inside)) for name, inside in folders.items()]
        lines.sort(key=lambda entry: f"{entry.path}/" if entry.mode == FOLDER else entry.path)
        return self.put(lines)


def changes(before: Mapping[str, File], after: Mapping[str, File]) -> dict[str, list[str]]:
    """Paths that were added, removed and modified, as a push lists them."""
    return {
        "added": sorted(after.keys() - before.keys()),
        "removed": sorted(before.keys() - after.keys()),
        "modified": sorted(p for p in after.keys() & before.keys() if after[p] != before[p]),
    }


def _hash(kind: str, content: bytes) -> str:
    written = f"{kind} {len(content)}\0".encode() + content
    return hashlib.sha1(written, usedforsecurity=False).hexdigest()
