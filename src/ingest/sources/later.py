"""What a provider does not show yet, although it tells of it: asked for again, a few times.

An event may be ahead of the API that is asked because of it: the object is there as it was before,
or without what belongs to it. Law: what is shown stands meanwhile; each time is further off than
the last, nobody waits for any of them (`Refresh.after_s`), and after the last one it stays as it
is. Performs no I/O.
"""

from __future__ import annotations

from collections.abc import Mapping

from ingest.core.changes import Change, Delete, Refresh, Upsert
from ingest.core.values import JSON
from ingest.sources.contract import Lookup

WAITS_S = (10.0, 30.0, 60.0)
"""After each look-up that something is missing from."""
_TIMES, _TOLD, _IS_THERE = "again", "told", "isThere"


def fresh(told: int | None = None, *, is_there: bool | None = None) -> dict[str, JSON]:
    """The hint of an event: what it tells of is new.

    told: the version that the object has by then. is_there: whether it came (back), or went; None
    where the event tells neither.
    """
    hint: dict[str, JSON] = {_TIMES: 0}
    if told is not None:
        hint[_TOLD] = told
    if is_there is not None:
        hint[_IS_THERE] = is_there
    return hint


def caught_up(
    lookup: Lookup, changes: tuple[Change | Refresh, ...]
) -> tuple[Change | Refresh, ...]:
    """The changes, and the same look-up once more where they are of before the event: older than
    what it told, gone though it came, or there though it went.
    """
    own = (
        one
        for one in changes
        if isinstance(one, Upsert | Delete) and one.identity == lookup.identity
    )
    if not any(_is_behind(lookup, one) for one in own):
        return changes
    return (*changes, *later(lookup))


def _is_behind(lookup: Lookup, seen: Upsert | Delete) -> bool:
    told, is_there = _whole(lookup.hint, _TOLD), lookup.hint.get(_IS_THERE)
    if isinstance(is_there, bool) and is_there == isinstance(seen, Delete):
        return True
    return told is not None and seen.version is not None and seen.version < told


def later(lookup: Lookup, *, is_new: bool = False) -> tuple[Refresh, ...]:
    """The same look-up once more; nothing where it was asked for often enough, or for no event.

    is_new: as if it were for one: what a list tells may be as new.
    """
    times = _whole(lookup.hint, _TIMES)
    if times is None:
        times = 0 if is_new else len(WAITS_S)
    if times >= len(WAITS_S):
        return ()
    hint = {**lookup.hint, _TIMES: times + 1}
    return (Refresh(lookup.identity, hint, after_s=WAITS_S[times]),)


def _whole(hint: Mapping[str, JSON], name: str) -> int | None:
    told = hint.get(name)
    return told if isinstance(told, int) and not isinstance(told, bool) and told >= 0 else None
