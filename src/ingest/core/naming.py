"""What a space of a scope (a repository, a team, a project) is called by now, of all it was called.

Law: the answer is a function of everything that was told, in whichever order that came. What a
rename itself says (`before`) decides; times decide where no rename was told. Performs no I/O.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ingest.core.lean import lean


@lean
class Called:
    """What a space is called: its immutable id within the scope, `""` where it is the scope itself,
    and its name, in the provider's spelling.
    """

    space: str
    name: str


@dataclass(frozen=True, slots=True)
class Rename:
    """A payload says that a space got another name, and which one it had until then.

    at: the newest time that the payload tells, microseconds since the epoch; 0 where it tells none.
    """

    space: str
    name: str
    before: str
    at: int = 0


@lean
class NameTold:
    """One name that a space has, or had, and by what that is known.

    before: the name that it took the place of, where a rename was told; else empty.
    at: the newest time at which it was told to be called so; microseconds since the epoch.
    sure_at: of a rename, by when it had happened for certain (it was received); else when a look-up
        last saw the name, 0 where none did.
    """

    name: str
    before: str = ""
    at: int = 0
    sure_at: int = 0


def merged(told: Iterable[NameTold]) -> tuple[NameTold, ...]:
    """What was told, each name and each rename once, with its newest times; sorted."""
    found: dict[tuple[str, str], NameTold] = {}
    for one in told:
        key = one.name, one.before
        known = found.get(key, one)
        times = max(known.at, one.at), max(known.sure_at, one.sure_at)
        found[key] = NameTold(one.name, one.before, *times)
    return tuple(found[key] for key in sorted(found))


def current(told: Iterable[NameTold]) -> str | None:
    """The name of now; None where none was told.

    A name that a rename took away is a former one, unless another rename brought it back, or a
    look-up saw it after that rename was received. Of those that are left the one that was told
    last, then the one that a rename gave last, then the last in the alphabet.
    """
    every = merged(told)
    if len(every) < 2:
        return every[0].name if every else None
    left = _left(every)
    return max(left, key=lambda name: (*_times(name, every), name))


def _left(told: Iterable[NameTold]) -> list[str]:
    """The names that no rename took away for good."""
    every = list(told)
    seen = {one.name: one.sure_at for one in every if not one.before}
    renames = [one for one in every if one.before and seen.get(one.before, 0) <= one.sure_at]
    after = _reachable(renames)
    names = {one.name for one in every} | {one.before for one in every if one.before}
    return [name for name in names if all(name in after.get(to, ()) for to in after.get(name, ()))]


def _reachable(renames: Iterable[NameTold]) -> dict[str, set[str]]:
    """By name, all that it was renamed to, directly or by way of others."""
    steps = list(renames)
    after: dict[str, set[str]] = {one.before: set() for one in steps}
    for _ in steps:  # each round goes one rename further
        for one in steps:
            after[one.before] |= {one.name} | after.get(one.name, set())
    return after


def _times(name: str, told: Iterable[NameTold]) -> tuple[int, int]:
    own = [one for one in told if one.name == name]
    given = (one.sure_at for one in own if one.before)
    return max((one.at for one in own), default=0), max(given, default=0)
