"""Which paths of a repository are wanted: globs much as `.gitignore` reads them.

`*` and `?` stay within a name, `**` goes over any number of them, `{a,b}` is either. A glob
without a slash fits at any depth, one that ends in a plain name or a slash fits all below it, and
`!` takes back what came before it. Law: a match costs no more than glob times path, whoever wrote
them. Performs no I/O.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from ingest.core.frontmatter import parse_frontmatter
from ingest.core.values import JSON

DEFAULT_INCLUDE = (
    "**/*.md",
    "**/*.mdx",
    "**/*.markdown",
    "**/*.rst",
    "**/*.txt",
    "**/*.adoc",
)
CONFIG_PATHS = ("lightfast.yml", ".lightfast.yml", "lightfast.yaml", ".lightfast.yaml")
"""Where a repository says itself what it wants: the first that is there."""

MOST_GLOBS, LONGEST_GLOB = 200, 500
_MOST_ALTERNATIVES = 64
_ANY_DEPTH = "**"
_WILD = re.compile(r"[*?\[]")
_BRACES = re.compile(r"\{([^{}]*)\}")

_Fits = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class _Glob:
    """One glob: what fits each name of a path in turn; None for any number of names."""

    names: tuple[_Fits | None, ...]
    taken_back: bool

    def matches(self, path: tuple[str, ...]) -> bool:
        """All ways through the glob at once, so that stars never try each other out."""
        if len(self.names) == 2 and self.names[0] is None and self.names[1] is not None:
            return bool(self.names[1](path[-1]))
        at = self._open({0})
        for name in path:
            at = self._open(set(self._after(at, name)))
        return len(self.names) in at

    def _after(self, at: set[int], name: str) -> Iterable[int]:
        for index in at:
            if index < len(self.names):
                fits = self.names[index]
                if fits is None:
                    yield index
                elif fits(name):
                    yield index + 1

    def _open(self, at: set[int]) -> set[int]:
        """With what follows a `**` that fits nothing."""
        return at | {i + 1 for i in at if i < len(self.names) and self.names[i] is None}


@dataclass(frozen=True, slots=True)
class Globs:
    """The paths wanted: included by the last glob that fits, and not excluded."""

    include: tuple[str, ...] = DEFAULT_INCLUDE
    exclude: tuple[str, ...] = ()
    _in: tuple[_Glob, ...] = field(init=False, repr=False, compare=False)
    _out: tuple[_Glob, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_in", _compiled(self.include))
        object.__setattr__(self, "_out", _compiled(self.exclude))

    def want(self, path: str) -> bool:
        """Whether a file of this path is wanted."""
        names = tuple(path.split("/"))
        return _chosen(self._in, names) and not _chosen(self._out, names)

    def as_json(self) -> dict[str, JSON]:
        """The form in which it is kept, and in which `read` takes it."""
        return {"include": [*self.include], "exclude": [*self.exclude]}


def read(told: Mapping[str, JSON]) -> Globs | None:
    """The globs that a mapping gives with `include` and `exclude`; None where they are none.

    A missing or empty list is the default; a single text is a list of one.
    """
    include, exclude = (_list(told.get(name)) for name in ("include", "exclude"))
    if include is None or exclude is None:
        return None
    return Globs(include or DEFAULT_INCLUDE, exclude)


def from_config(text: str) -> Globs | None:
    """The globs of a `lightfast.yml`; None where it is broken, which is no reason to lose files.

    It is read as front matter is: plain values, no anchors, 32,768 characters.
    """
    block = text.removeprefix("\ufeff").strip()
    if not block:
        return Globs()
    if not block.startswith("---"):
        block = f"---\n{block}"
    told, _ = parse_frontmatter(f"{block}\n---\n")
    return None if told is None else read(told)


def _list(told: JSON) -> tuple[str, ...] | None:
    if told is None:
        return ()
    items = [told] if isinstance(told, str) else told
    if not isinstance(items, list) or len(items) > MOST_GLOBS:
        return None
    globs = tuple(item for item in items if isinstance(item, str) and len(item) <= LONGEST_GLOB)
    return globs if len(globs) == len(items) else None


def _chosen(globs: tuple[_Glob, ...], names: tuple[str, ...]) -> bool:
    """gitignore(5): "the last matching pattern decides the outcome"."""
    return next((not g.taken_back for g in reversed(globs) if g.matches(names)), False)


def _compiled(patterns: tuple[str, ...]) -> tuple[_Glob, ...]:
    return tuple(
        _Glob(names, pattern.startswith("!"))
        for pattern in patterns
        for one in _alternatives(pattern.strip().removeprefix("!"))
        if (names := _names(one))
    )


def _alternatives(pattern: str) -> list[str]:
    """`a.{md,mdx}` as `a.md` and `a.mdx`; too many of them, and braces are what they look like."""
    done: list[str] = []
    waiting = [pattern]
    while waiting:
        one = waiting.pop()
        found = _BRACES.search(one)
        if found is None:
            done.append(one)
            continue
        waiting += [one[: found.start()] + a + one[found.end() :] for a in found[1].split(",")]
        if len(done) + len(waiting) > _MOST_ALTERNATIVES:
            return [pattern]
    return done


def _names(pattern: str) -> tuple[_Fits | None, ...]:
    plain = pattern.removeprefix("./")
    anchored = "/" in plain.rstrip("/")
    parts = [part for part in plain.split("/") if part]
    if not parts:
        return ()
    if not anchored and parts[0] != _ANY_DEPTH:
        parts.insert(0, _ANY_DEPTH)
    if plain.endswith("/"):
        parts += [_ANY_DEPTH, "*"]
    elif not _WILD.search(parts[-1]):
        parts.append(_ANY_DEPTH)
    # Several `**` in a row say no more than one.
    said = [
        p for p, before in zip(parts, ["", *parts], strict=False) if {p, before} != {_ANY_DEPTH}
    ]
    return tuple(None if part == _ANY_DEPTH else _fits(part) for part in said)


def _fits(name: str) -> _Fits:
    """`fnmatch` writes each star so that it is tried once only."""
    if not _WILD.search(name):
        return name.__eq__
    return re.compile(fnmatch.translate(name)).match
