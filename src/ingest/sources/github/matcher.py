"""Many globs matched at once, as one automaton whose states are the bits of a number.

Law: a path costs no more than its length, whoever wrote the globs. Each glob is a row of steps, one
bit each; the bits that are set are all the places where a path can be in all of the globs, so that
no star tries anything out and nothing is ever tried again. The number of steps is bounded.
(Navarro and Raffinot, Flexible Pattern Matching in Strings, 4.2: extended strings, bit-parallel.)
Performs no I/O.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from ingest.core.errors import BadInput

MOST_STEPS = 4_096
"""Characters and wildcards of all globs together, each of the alternatives in braces counted."""
MOST_CLASSES = 8
"""Different sets such as `[0-9]`: each is asked about every character that is not ASCII."""
MOST_ALTERNATIVES, MOST_BRACES = 64, 16
"""What the braces of one glob stand for, and how many pairs of them it may have."""

_KEPT = 1_024
_WILD = re.compile(r"[*?\[]")
_BRACES = re.compile(r"\{([^{}]*)\}")
_STEPS = re.compile(r"\[!?+\]?+[^\]]*\]|\*+|.", re.DOTALL)
"""Of a name: a set, stars, or one character. As in `fnmatch`, `]` may stand first in a set."""
_DEPTH = "**"
_SLASH, _NAMES = "/", "…/"
"""Steps beside characters, `?`, `*` and sets: a slash, and any number of whole names (two bits)."""

_Marks = tuple[int, int]
"""For one character: the steps that it fits, and those that it may be repeated in."""


@dataclass(slots=True)
class _Rows:
    """The automaton while it is made: for each kind of step the bits that are of it.

    starts: where a row begins. stars: what fits any number of characters, `anywhere` of slashes
    too. skips: where two steps may be left out. single: `?`. into, out: where rows of the two lists
    end, `taken_back` those of a `!`. hopeful: whole rows that can take something in.
    """

    steps: int = 0
    starts: int = 0
    stars: int = 0
    skips: int = 0
    anywhere: int = 0
    single: int = 0
    into: int = 0
    out: int = 0
    taken_back: int = 0
    hopeful: int = 0
    literal: dict[str, int] = field(default_factory=dict)
    sets: dict[str, int] = field(default_factory=dict)

    def add(self, glob: str) -> int:
        """One glob; the bits of which one is set where a path fits it. Raises `BadInput`."""
        told, began = glob.strip(), self.steps
        fitting = 0
        for one in _alternatives(told.removeprefix("!")):
            for row in _rows_of(one):
                fitting |= self._add(row)
        if told.startswith("!"):
            self.taken_back |= fitting
        else:
            self.hopeful |= (1 << self.steps) - (1 << began)
        return fitting

    def _add(self, row: Sequence[str]) -> int:
        """One row; the bit that is set where a path fits it."""
        self.starts |= 1 << self.steps
        for step in row:
            self._place(step, 1 << self.steps)
            self.steps += 2 if step == _NAMES else 1
        end = 1 << self.steps
        self.steps += 1
        if self.steps > MOST_STEPS:
            raise BadInput(
                f"the globs have more than {MOST_STEPS} characters together, each alternative of "
                "braces counted: name folders rather than files"
            )
        return end

    def _place(self, step: str, bit: int) -> None:
        if step == _NAMES:
            # None at all, or a slash and then anything: what follows begins with a slash, or ends.
            self.skips |= bit
            self.literal[_SLASH] = self.literal.get(_SLASH, 0) | bit
            self.anywhere |= bit << 1
            self.stars |= bit << 1
        elif step == "*":
            self.stars |= bit
        elif step == "?":
            self.single |= bit
        elif len(step) > 1:
            self.sets[step] = self.sets.get(step, 0) | bit
            if len(self.sets) > MOST_CLASSES:
                raise BadInput(f"the globs have more than {MOST_CLASSES} different sets [...]")
        else:
            self.literal[step] = self.literal.get(step, 0) | bit


@dataclass(frozen=True, slots=True)
class Matcher:
    """Two lists of globs, of what is in and what is out; make one with `matcher`."""

    _rows: _Rows
    _hopeful: int
    _marks: dict[str, _Marks] = field(init=False)
    _other: Callable[[str], _Marks] = field(init=False)
    _folder: Callable[[str], int] = field(init=False)

    def __post_init__(self) -> None:
        rows = self._rows
        sets = [(re.compile(fnmatch.translate(one)).match, bit) for one, bit in rows.sets.items()]

        def marks(letter: str) -> _Marks:
            fits = rows.literal.get(letter, 0)
            if letter == _SLASH:
                return fits, rows.anywhere
            for is_in, bits in sets:
                fits |= bits if is_in(letter) else 0
            return fits | rows.single, rows.stars

        known = {*rows.literal, *(map(chr, range(128)) if sets else ())}
        object.__setattr__(self, "_marks", {letter: marks(letter) for letter in known})
        object.__setattr__(self, "_other", lru_cache(_KEPT)(marks))
        object.__setattr__(self, "_folder", lru_cache(_KEPT)(self._inside))

    @property
    def steps(self) -> int:
        """The bits of a state."""
        return self._rows.steps

    def wants(self, path: str) -> bool:
        """Whether the last glob that fits takes it in, and none puts it out."""
        folder, _, name = path.rpartition(_SLASH)
        at = self._after(self._folder(folder), even(name))
        return self._chosen(at & self._rows.into) and not self._chosen(at & self._rows.out)

    def reaches(self, folder: str) -> bool:
        """Whether any path below the folder could be taken in."""
        return self._folder(folder) & self._hopeful != 0

    def _chosen(self, at: int) -> bool:
        """gitignore(5): "the last matching pattern decides the outcome"."""
        return at != 0 and not self._rows.taken_back >> (at.bit_length() - 1) & 1

    def _inside(self, folder: str) -> int:
        """Where the names in a folder begin; each name is read after its slash."""
        rows = self._rows
        at = rows.starts | (rows.starts & rows.skips) << 2
        return self._after(at, f"/{folder}/" if folder else _SLASH)

    def _after(self, at: int, letters: str) -> int:
        """Where letters lead: for each a few operations on numbers of `MOST_STEPS` bits."""
        known, other, stars, skips = self._marks, self._other, self._rows.stars, self._rows.skips
        for letter in letters:
            fits, repeated = known.get(letter) or other(letter)
            at = (at & fits) << 1 | at & repeated
            at |= (at & stars) << 1
            at |= (at & skips) << 2
            if not at:
                break
        return at


def matcher(include: Iterable[str], exclude: Iterable[str]) -> Matcher:
    """The globs as one automaton; raises `BadInput` where they are more than a path may cost."""
    rows = _Rows()
    for glob in include:
        rows.into |= rows.add(glob)
    hopeful = rows.hopeful
    for glob in exclude:
        rows.out |= rows.add(glob)
    return Matcher(rows, hopeful)


def _alternatives(glob: str) -> list[str]:
    """`a.{md,mdx}` as `a.md` and `a.mdx`."""
    if glob.count("{") > MOST_BRACES:
        raise BadInput(f"{glob[:40]!r} has more than {MOST_BRACES} braces")
    done: list[str] = []
    waiting = [glob]
    while waiting:
        one = waiting.pop()
        found = _BRACES.search(one)
        if found is None:
            done.append(one)
            continue
        waiting += [one[: found.start()] + a + one[found.end() :] for a in found[1].split(",")]
        if len(done) + len(waiting) > MOST_ALTERNATIVES:
            raise BadInput(
                f"the braces of {glob[:40]!r} stand for more than {MOST_ALTERNATIVES} alternatives"
            )
    return done


def even(name: str) -> str:
    """A file's name, or the glob of one, with its extension in lower case: `README.MD` is Markdown
    as `README.md` is.
    """
    stem, dot, extension = name.rpartition(".")
    return f"{stem}{dot}{extension.lower()}" if dot else name


def _rows_of(glob: str) -> list[list[str]]:
    """The steps of one glob without braces: of the file that it names, and of all below a folder of
    that name; none where it names nothing.
    """
    plain = glob.removeprefix("./")
    anchored = _SLASH in plain.rstrip(_SLASH)
    names = [name for name in plain.split(_SLASH) if name]
    if not names:
        return []
    if not anchored:
        names.insert(0, _DEPTH)
    if plain.endswith(_SLASH):
        return [_row([*names, _DEPTH, "*"])]
    last = even(names[-1])
    if _WILD.search(last):
        return [_row([*names[:-1], last])]
    if last == names[-1]:
        return [_row([*names, _DEPTH])]
    return [_row([*names[:-1], last]), _row([*names, _DEPTH])]


def _row(names: Sequence[str]) -> list[str]:
    row: list[str] = []
    for name in names:
        if name != _DEPTH:
            row += [_SLASH, *("*" if step[0] == "*" else step for step in _STEPS.findall(name))]
        elif row[-1:] != [_NAMES]:  # several in a row say no more than one
            row.append(_NAMES)
    return row
