"""Calls whole objects by the name that their repository, team or project has by now. Pure.

A payload that comes late calls its object as it was called then. What it tells of the name counts
with everything else that was told (`core.naming`); what is written goes by the name that follows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from ingest.core.canonical import clean
from ingest.core.changes import Upsert
from ingest.core.folding import Statement
from ingest.core.naming import Called, NameTold, merged
from ingest.core.ranks import was_seen
from ingest.core.references import Reference
from ingest.core.slugs import KEY_CHARS
from ingest.core.times import to_micros
from ingest.sources.naming import Naming
from ingest.sources.registry import all_sources
from ingest.store.space_names import Space

Names = Mapping[Space, tuple[NameTold, ...]]
"""What is told of the names of spaces."""


def naming_of(source_type: str) -> Naming | None:
    """How things of that source are called; None where nothing of it has a name."""
    found = all_sources().get(source_type)
    return found.naming if found is not None else None


def within(store_id: str, upsert: Upsert) -> tuple[Space, Called] | None:
    """The space that an object is in, and what its own words call that."""
    identity = upsert.identity
    naming = naming_of(identity.source_type)
    called = naming.within(upsert.metadata) if naming is not None else None
    if called is None or not fits(called):
        return None
    return Space(store_id, identity.source_type, identity.scope, called.space), called


def told_by(said: Iterable[tuple[str, Statement]]) -> dict[Space, tuple[NameTold, ...]]:
    """What statements, each with the id of its store, tell of names."""
    found: dict[Space, list[NameTold]] = {}
    for store_id, statement in said:
        change = statement.change
        place = within(store_id, change) if isinstance(change, Upsert) else None
        if place is not None and isinstance(change, Upsert):
            space, called = place
            naming = naming_of(space.source_type)
            if naming is not None and naming.tells(change.metadata):
                found.setdefault(space, []).append(_told(called.name, change, statement))
    return {space: merged(told) for space, told in found.items()}


def fits(called: Called) -> bool:
    """Whether a name is one that keys can begin with; anything else is told by nobody."""
    told = (called.name, called.space)
    return bool(called.name) and all(len(n) <= KEY_CHARS and clean(n) == n for n in told)


def _told(name: str, upsert: Upsert, statement: Statement) -> NameTold:
    """A payload was made at its object's version or later; what was seen was so when asked for."""
    if not was_seen(statement.rank):
        return NameTold(name, at=upsert.version)
    asked_at = to_micros(statement.heard_at) if statement.heard_at is not None else 0
    return NameTold(name, at=asked_at, sure_at=asked_at)


def joined(*several: Names) -> dict[Space, tuple[NameTold, ...]]:
    """All that is told of each space."""
    spaces = {space for names in several for space in names}
    return {s: merged(one for names in several for one in names.get(s, ())) for s in spaces}


def news(told: Names, known: Names) -> dict[Space, tuple[NameTold, ...]]:
    """What of it is not known yet."""
    found = {}
    for space, every in told.items():
        before = known.get(space, ())
        if merged((*before, *every)) != merged(before):
            found[space] = every
    return found


Today = Mapping[Space, tuple[str, frozenset[str]]]
"""What spaces are called by now, and all that was ever told that they are called."""


@dataclass(frozen=True, slots=True)
class Move:
    """From the name that keys have to that of now; `every`: all names that were ever told."""

    before: str
    after: str
    every: frozenset[str]


def under_every_name(
    naming: Naming, told: Iterable[str], after: str, every: Collection[str]
) -> set[str]:
    """These keys, and what each is under every name of its space, of which `after` is that of now;
    what hangs on no name of them is itself alone.
    """
    keys = {*told}
    found = {naming.key(key, name, after) for key in keys for name in every}
    return keys | found | {naming.key(key, after, name) for key in found for name in every}


def todays_name(store_id: str, upsert: Upsert, today: Today) -> Move | None:
    """From what an object's keys call its space to what that is called now; None where that never
    had another name, or where nobody ever told that it was called so.

    Also where that is the name of now: as its provider does, every name finds the object, those of
    before it was there too, and it does not matter which of them was told first.
    """
    place = within(store_id, upsert)
    if place is None or place[0] not in today:
        return None
    space, called = place
    after, every = today[space]
    return Move(called.name, after, every) if called.name in every and len(every) > 1 else None


def under(upsert: Upsert, move: Move) -> Upsert:
    """A whole object as it is called under another name; its keys under all others are aliases."""
    naming = naming_of(upsert.identity.source_type)
    if naming is None:
        return upsert
    source_id = naming.key(upsert.source_id, move.before, move.after)
    told = (upsert.source_id, *upsert.aliases)
    aliases = under_every_name(naming, told, move.after, move.every) - {source_id}
    return replace(
        upsert,
        source_id=source_id,
        aliases=tuple(sorted(aliases)),
        metadata=naming.metadata(upsert.metadata, move.before, move.after),
    )


def whole_scope(store_id: str, source_type: str, scope: str) -> Space:
    """The space that is the scope itself: the only one that something which is told by its identity
    alone is known to be in.
    """
    return Space(store_id, source_type, scope, "")


def written_under(
    references: Iterable[Reference], upsert: Upsert, move: Move
) -> tuple[Reference, ...]:
    """The references of an object, those to things of its own scope as they are called by now."""
    naming = naming_of(upsert.identity.source_type)
    if naming is None:
        return tuple(references)
    own = upsert.identity.source_type, upsert.identity.scope
    return tuple(
        one._replace(key=naming.key(one.key, move.before, move.after))
        if one.thing is not None and (one.thing.source_type, one.thing.scope) == own
        else one
        for one in references
    )
