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
_TIMES, _TOLD = "again", "told"


def fresh(told: int | None = None) -> dict[str, JSON]:
    """The hint of an event: what it tells of is new. `told` is the version that it has by then."""
    return {_TIMES: 0} if told is None else {_TIMES: 0, _TOLD: told}


def caught_up(
    lookup: Lookup, changes: tuple[Change | Refresh, ...]
) -> tuple[Change | Refresh, ...]:
    """The changes, and the same look-up once more where they are older than what the event told."""
    told = _whole(lookup.hint, _TOLD)
    versions = (
        one.version
        for one in changes
        if isinstance(one, Upsert | Delete) and one.identity == lookup.identity
    )
    if told is None or all(version is None or version >= told for version in versions):
        return changes
    return (*changes, *later(lookup))


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
