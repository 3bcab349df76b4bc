"""The files of a tree, and what differs between them and what is applied.

Law: files are compared by the hash of their content (git's), so what did not change is never read
again, and neither dates nor the order of pushes decide. Performs no I/O.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from ingest.sources.github.applied import Applied
from ingest.sources.github.globs import LONGEST_PATH, Globs

LARGEST_FILE = 2**20
"""Above it a file is no text that somebody wrote."""
DEEPEST = 256
"""Names in the path of a document."""
_NO_NAMES = frozenset({"", ".", ".."})


@dataclass(frozen=True, slots=True)
class File:
    """A regular file of a tree: its path, the hash of its content, its size in bytes if told."""

    path: str
    sha: str
    size: int | None = None

    @property
    def is_small(self) -> bool:
        """Whether it can be a text, as far as its size tells."""
        return self.size is None or self.size <= LARGEST_FILE

    def at(self, path: str) -> File:
        """The same content under this path."""
        return self if path == self.path else File(path, self.sha, self.size)


def is_path(path: str) -> bool:
    """Whether a document, or a folder of some, may have this path.

    Git allows paths that no file system can hold; such a file is no document.
    """
    return (
        len(path) <= LONGEST_PATH
        and path.count("/") < DEEPEST
        and "\x00" not in path
        and _NO_NAMES.isdisjoint(path.split("/"))
        and (path.isascii() or len(path.encode("utf-8", "replace")) <= LONGEST_PATH)
    )


def folders_of(paths: Iterable[str]) -> set[str]:
    """Every folder that one of these is below."""
    found: set[str] = set()
    for path in paths:
        folder = path.rpartition("/")[0]
        while folder and folder not in found:
            found.add(folder)
            folder = folder.rpartition("/")[0]
    return found


@dataclass(frozen=True, slots=True)
class Difference:
    """What has to be done so that `files` is what the branch holds and the globs want.

    changed: to be read, by path. gone: no longer there as a file. unwanted: there, and not wanted.
    moved: of a changed path, the one that it had before. skipped: what can still be no document.
    touched: of the changed paths those that a commit touched after the one that is applied; the
        others are read for the first time, or anew.
    """

    changed: tuple[File, ...] = ()
    gone: tuple[str, ...] = ()
    unwanted: tuple[str, ...] = ()
    moved: Mapping[str, str] = field(default_factory=dict)
    skipped: Mapping[str, str] = field(default_factory=dict)
    touched: frozenset[str] = frozenset()

    @property
    def is_empty(self) -> bool:
        """Whether nothing is to be done."""
        return not (self.changed or self.gone or self.unwanted)

    @property
    def left(self) -> tuple[str, ...]:
        """What was a document and is none any more."""
        return (*self.gone, *self.unwanted)

    def leaving(self, most: int) -> Difference:
        """The same with so many of those that went."""
        unwanted = self.unwanted[: max(0, most - len(self.gone))]
        return replace(self, gone=self.gone[:most], unwanted=unwanted)


def difference(
    before: Applied,
    there: Mapping[str, File],
    globs: Globs,
    renamed: Mapping[str, str | None],
) -> Difference:
    """Between what is applied and the files of a tree that can be documents.

    `renamed` are the paths that differ from the applied commit, as GitHub itself says (new: old).
    """
    wanted = {path: file for path, file in there.items() if globs.want(path)}
    changed = tuple(
        wanted[path]
        for path in sorted(wanted)
        if wanted[path].sha not in (before.files.get(path), before.skipped.get(path))
    )
    gone = tuple(sorted(path for path in before.files if path not in there))
    unwanted = tuple(sorted(p for p in before.files if p in there and p not in wanted))
    moved = _moved(before, changed, gone, renamed)
    skipped = {path: sha for path, sha in before.skipped.items() if path in wanted}
    touched = _touched(before, changed, {*moved, *renamed})
    return Difference(changed, gone, unwanted, moved, skipped, touched)


def _touched(before: Applied, changed: Iterable[File], told: Collection[str]) -> frozenset[str]:
    """Those that are told to differ, or had another content; what is read anew had none."""
    return frozenset(f.path for f in changed if f.path in told or before.files.get(f.path))


def _moved(
    before: Applied,
    changed: Iterable[File],
    gone: Iterable[str],
    renamed: Mapping[str, str | None],
) -> dict[str, str]:
    """A file that went and one that came with the same content are one file that moved.

    Of several with one content (empty files), those of one name are it, and else nobody knows.
    """
    left = frozenset(gone)
    went: dict[str, list[str]] = defaultdict(list)
    for path in gone:
        went[before.files[path]].append(path)
    came: dict[str, list[str]] = defaultdict(list)
    moved: dict[str, str] = {}
    for entry in changed:
        if entry.path in before.files:
            continue
        former = renamed.get(entry.path)
        if former is not None and former in left:
            moved[entry.path] = former
        elif entry.sha in went:
            came[entry.sha].append(entry.path)
    for sha, paths in came.items():
        moved |= _paired(paths, went[sha])
    return moved


def _paired(came: list[str], went: list[str]) -> dict[str, str]:
    if len(came) == len(went) == 1:
        return {came[0]: went[0]}
    by_name: dict[str, list[str]] = defaultdict(list)
    for path in went:
        by_name[path.rpartition("/")[2]].append(path)
    names = {path: by_name[path.rpartition("/")[2]] for path in came}
    return {path: olds[0] for path, olds in names.items() if len(olds) == 1}
