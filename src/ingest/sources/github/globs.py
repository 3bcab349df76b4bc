"""Which paths of a repository are wanted: globs much as `.gitignore` reads them.

`*` and `?` stay within a name, `**` goes over any number of them, `{a,b}` is either. A glob
without a slash fits at any depth, one that ends in a plain name or a slash fits all below it, and
`!` takes back what came before it. Names are told apart by case, as git does, and extensions are
not: `README.MD` is Markdown. Law: whoever wrote the globs, their number, their length and so
the cost of a path is bounded; what exceeds that is no configuration. Performs no I/O.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ingest.core.errors import BadInput
from ingest.core.frontmatter import MAX_CHARS, parse_frontmatter
from ingest.core.values import JSON
from ingest.sources.github.matcher import Matcher, matcher

DEFAULT_INCLUDE = (
    "**/*.md",
    "**/*.mdx",
    "**/*.markdown",
    "**/*.rst",
    "**/*.txt",
    "**/*.adoc",
)
MOST_GLOBS, LONGEST_GLOB = 200, 500
LONGEST_PATH = 4_096
"""In bytes, as PATH_MAX of Linux: what cannot be checked out is no document."""


@dataclass(frozen=True, slots=True)
class Globs:
    """The paths wanted: included by the last glob that fits, and not excluded.

    Raises `BadInput` for globs whose cost is over the bounds of `matcher`.
    """

    include: tuple[str, ...] = DEFAULT_INCLUDE
    exclude: tuple[str, ...] = ()
    _matcher: Matcher = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_matcher", matcher(self.include, self.exclude))

    def want(self, path: str) -> bool:
        """Whether a file of this path is wanted."""
        return len(path) <= LONGEST_PATH and self._matcher.wants(path)

    def reach(self, folder: str) -> bool:
        """Whether any file below this folder could be wanted."""
        return self._matcher.reaches(folder)

    def as_json(self) -> dict[str, JSON]:
        """The form in which it is kept, and in which `read` takes it."""
        return {"include": [*self.include], "exclude": [*self.exclude]}


def read(told: Mapping[str, JSON]) -> Globs:
    """The globs that a mapping gives with `include` and `exclude`; raises `BadInput` for others.

    A missing or empty list is the default; a single text is a list of one.
    """
    include, exclude = (_list(name, told.get(name)) for name in ("include", "exclude"))
    return Globs(include or DEFAULT_INCLUDE, exclude)


def from_config(text: str) -> Globs:
    """The globs of a `lightfast.yml`; raises `BadInput`, which is no reason to lose files.

    It is read as front matter is: plain values, no anchors, 32,768 characters.
    """
    block = text.removeprefix("\ufeff").strip()
    if not block:
        return Globs()
    if not block.startswith("---"):
        block = f"---\n{block}"
    told, _ = parse_frontmatter(f"{block}\n---\n")
    if told is None:
        raise BadInput(
            f"it is no YAML mapping of at most {MAX_CHARS} characters, without anchors "
            "and not nested deeply"
        )
    return read(told)


def _list(name: str, told: JSON) -> tuple[str, ...]:
    if told is None:
        return ()
    items = [told] if isinstance(told, str) else told
    if not isinstance(items, list):
        raise BadInput(f"{name} is no list of globs")
    if len(items) > MOST_GLOBS:
        raise BadInput(f"{name} has {len(items)} globs, and {MOST_GLOBS} are the most")
    globs = tuple(one for one in items if isinstance(one, str) and len(one) <= LONGEST_GLOB)
    if len(globs) < len(items):
        raise BadInput(f"{name} has what is no text of up to {LONGEST_GLOB} characters")
    return globs
