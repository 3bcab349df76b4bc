"""What a branch holds, what of it is applied already, and what therefore differs.

Law: files are compared by the hash of their content (git's), so what did not change is never read
again, and neither dates nor the order of pushes decide. Performs no I/O.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import orjson

from ingest.core.values import JSON
from ingest.sources.contract import Payload
from ingest.sources.github.answers import TreeEntry
from ingest.sources.github.globs import CONFIG_PATHS, Globs, read

LARGEST_FILE = 2**20
"""Above it a file is no text that somebody wrote."""
_REGULAR = frozenset({"100644", "100755", "100664"})


@dataclass(frozen=True, slots=True)
class Wants:
    """What the connection itself says of the files: its globs, or where the repository says them.

    `globs` is None where they stand in the repository, in the first of `config_paths`.
    """

    globs: Globs | None
    config_paths: tuple[str, ...]
    digest: str


def wants(metadata: Payload) -> Wants:
    """Out of the connection's metadata: `include` and `exclude`, `configPath`."""
    told = {name: metadata.get(name) for name in ("include", "exclude")}
    own = read(told) if any(told.values()) else None
    named = metadata.get("configPath")
    paths = (named.lstrip("/"),) if isinstance(named, str) and named else ()
    said: JSON = [own.as_json() if own else None, *paths]
    digest = hashlib.sha256(orjson.dumps(said)).hexdigest()[:16]
    return Wants(own, (*paths, *CONFIG_PATHS), digest)


@dataclass(frozen=True, slots=True)
class Applied:
    """What look-ups have applied of a branch so far: the state between them.

    head: the commit that is applied whole; None where nothing is, or the repository is empty.
    files: the hash of each file that is a document, by path; `skipped`: of each that can be none.
    want: the digest of the connection's own wish; `globs` those in force, out of `config` (the
        hash of the repository's own configuration).
    toward: the commit that is being applied in parts.
    named: the repository's and the branch's name, which every document of theirs bears.
    """

    head: str | None = None
    files: Mapping[str, str] = field(default_factory=dict)
    skipped: Mapping[str, str] = field(default_factory=dict)
    want: str = ""
    globs: Globs | None = None
    config: str | None = None
    toward: str | None = None
    named: str | None = None

    def as_json(self) -> dict[str, JSON]:
        """The form in which it is kept, and in which `applied` takes it."""
        told: dict[str, JSON] = {
            "head": self.head,
            "files": dict(self.files),
            "skipped": dict(self.skipped),
            "want": self.want,
            "globs": self.globs.as_json() if self.globs else None,
            "config": self.config,
            "toward": self.toward,
            "named": self.named,
        }
        return told

    def under(self, name: str) -> Applied:
        """The same where that was its name; under another one every file is to be read anew."""
        if self.named in (None, name):
            return replace(self, named=name)
        unread = dict.fromkeys(self.files, "")
        return replace(self, head=None, files=unread, named=name)

    def holds(self, head: str, want: str) -> bool:
        """Whether that very commit is applied whole, as the connection wants it now."""
        return self.head == head and self.want == want and self.toward is None


def applied(state: JSON) -> Applied:
    """The state of the last look-up; of what is none, nothing is applied."""
    if not isinstance(state, dict):
        return Applied()
    globs = state.get("globs")
    return Applied(
        head=_text(state.get("head")),
        files=_hashes(state.get("files")),
        skipped=_hashes(state.get("skipped")),
        want=_text(state.get("want")) or "",
        globs=read(globs) if isinstance(globs, dict) else None,
        config=_text(state.get("config")),
        toward=_text(state.get("toward")),
        named=_text(state.get("named")),
    )


@dataclass(frozen=True, slots=True)
class Difference:
    """What has to be done so that `files` is what the branch holds and the globs want.

    changed: to be read, by path. gone: no longer there as a file. unwanted: there, and not wanted.
    moved: of a changed path, the one that it had before.
    """

    changed: tuple[TreeEntry, ...]
    gone: tuple[str, ...]
    unwanted: tuple[str, ...]
    moved: Mapping[str, str]


def difference(
    before: Applied,
    entries: Iterable[TreeEntry],
    globs: Globs,
    renamed: Mapping[str, str | None],
) -> Difference:
    """Between what is applied and a tree; `renamed` is what GitHub itself says (new: old)."""
    there = {entry.path: entry for entry in entries if is_document(entry)}
    wanted = {path: entry for path, entry in there.items() if globs.want(path)}
    changed = tuple(
        wanted[path]
        for path in sorted(wanted)
        if wanted[path].sha not in (before.files.get(path), before.skipped.get(path))
    )
    gone = tuple(sorted(path for path in before.files if path not in there))
    unwanted = tuple(sorted(p for p in before.files if p in there and p not in wanted))
    return Difference(changed, gone, unwanted, _moved(before, changed, gone, renamed))


def is_document(entry: TreeEntry) -> bool:
    """A file of text, as far as its entry tells: no link, no submodule, and not too large."""
    small = entry.size is None or entry.size <= LARGEST_FILE
    return entry.type == "blob" and entry.mode in _REGULAR and small and bool(entry.path)


def advanced(
    before: Applied,
    done: Difference,
    *,
    read_as: Mapping[str, str],
    skipped: Mapping[str, str],
    whole: str | None,
) -> Applied:
    """The state after `read_as` and `skipped` (hashes by path) of a difference are applied.

    `whole` is the commit where that was all of it.
    """
    files = {**before.files, **read_as}
    others = {**before.skipped, **skipped}
    for path in (*skipped, *(() if whole is None else (*done.gone, *done.unwanted))):
        files.pop(path, None)
    for path in read_as:
        others.pop(path, None)
    if whole is None:
        return replace(before, files=files, skipped=others)
    return replace(before, files=files, skipped=others, head=whole, toward=None)


def _moved(
    before: Applied,
    changed: Iterable[TreeEntry],
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


def _text(told: JSON) -> str | None:
    return told if isinstance(told, str) and told else None


def _hashes(told: JSON) -> dict[str, str]:
    items = told.items() if isinstance(told, dict) else ()
    return {path: sha for path, sha in items if isinstance(sha, str)}
