"""Reads what repositories, teams and projects are called, and calls a batch's objects by that.

In the transaction that writes them: what is told of names is noted there, and known to all after
the commit (`bind`); whoever wrote by another name meanwhile is found by it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import sqlalchemy as sa

from ingest.core.changes import Delete, Upsert
from ingest.core.folding import Decision, Statement
from ingest.core.naming import NameTold, current
from ingest.flows.documents.called import (
    Names,
    Today,
    joined,
    naming_of,
    news,
    todays_name,
    told_by,
    under_every_name,
    whole_scope,
    within,
)
from ingest.flows.documents.owners import read_owners
from ingest.flows.documents.render import Renders, StoreConfig
from ingest.store import references, space_names
from ingest.store.space_names import Space

Said = Sequence[tuple[StoreConfig, Statement]]


@dataclass(frozen=True, slots=True)
class ToldNames:
    """What a batch tells of a space's names, and by which of them its rows were written."""

    space: Space
    told: tuple[NameTold, ...]
    written: str | None


@dataclass(frozen=True, slots=True)
class Named:
    """The statements with their objects called by the names of now, and what is told of those.

    names: all that is known of them by now; news: what of it is told for the first time. today:
        what they are called, where that was looked for.
    """

    said: Said
    names: Names
    news: Names
    today: Today = field(default_factory=dict)

    def told(self, *, is_written: bool) -> list[ToldNames]:
        """For the note: of a batch that wrote anything each space, else those that are news."""
        spaces = self.names if is_written else self.news
        return [ToldNames(s, self.news.get(s, ()), self._written(s)) for s in sorted(spaces)]

    def _written(self, space: Space) -> str | None:
        """Where nothing was ever called otherwise, the one name that was told."""
        names = self.names[space]
        return self.today[space][0] if space in self.today else current(names)


def by_todays_names(
    conn: sa.Connection,
    said: Said,
    renders: Renders,
    renamed: Names = MappingProxyType({}),
) -> Named:
    """Call what is said by the names of now. `renamed` is told of them beside the statements.

    Locks nothing. What is called otherwise is a new object, of `renders`, and rendered as one.
    """
    told = joined(told_by((store.id, one) for store, one in said), renamed)
    known = space_names.read(conn, {*told, *_spaces(said)})
    names = joined(known, told)
    fresh = news(told, known)
    if all(len(every) == 1 and not every[0].before for every in names.values()):
        return Named(said, names, fresh)  # nothing was ever called otherwise
    today = todays(conn, names)
    return Named([_by_name(*one, today, renders) for one in said], names, fresh, today)


def todays(conn: sa.Connection, names: Names) -> Today:
    """What spaces are called by now; those whose name is another tenant's are left out."""
    owners = read_owners(conn, {space.store_id for space in names})
    now = {space: current(told) for space, told in names.items()}
    return {
        space: (name, frozenset(_every(names[space])))
        for space, name in now.items()
        if name is not None and owners.grants(space, name)
    }


def _every(told: Iterable[NameTold]) -> Iterator[str]:
    for one in told:
        yield from filter(None, (one.name, one.before))


def _spaces(said: Iterable[tuple[StoreConfig, Statement]]) -> Iterator[Space]:
    for store, one in said:
        place = within(store.id, one.change) if isinstance(one.change, Upsert) else None
        if place is not None:
            yield place[0]
        if isinstance(one.change, Delete) and one.change.aliases:
            named = one.change.identity
            yield whole_scope(store.id, named.source_type, named.scope)


def _by_name(
    store: StoreConfig,
    statement: Statement,
    today: Today,
    renders: Renders,
) -> tuple[StoreConfig, Statement]:
    change = statement.change
    moved = todays_name(store.id, change, today) if isinstance(change, Upsert) else None
    if moved is None or not isinstance(change, Upsert):
        return store, statement
    return store, replace(statement, change=renders.called(change, moved))


def by_every_name(
    conn: sa.Connection, decided: Mapping[str, Decision], fed: Collection[str], today: Today
) -> dict[str, Decision]:
    """The decisions with what each key of a document is under every name of its scope.

    Of those that a connection ever spoke for, as a renaming finds no others: `fed` are those whose
    feeds stand. What becomes one of them brings the keys along that it had by then.
    """
    wanted = {
        key: today[space]
        for key, one in decided.items()
        if _is_called(one, is_fed=key in fed) and (space := _whole_scope(one)) in today
    }
    first = [decided[key].row.document_id for key in wanted if key not in fed]
    had = references.names_of(conn, first)
    named = {
        key: _under(decided[key], had.get(decided[key].row.document_id, ()), *of_scope)
        for key, of_scope in wanted.items()
    }
    return {**decided, **named}


def _is_called(decision: Decision, *, is_fed: bool) -> bool:
    """Whether it says what a document is called of which renamings know, or makes it one."""
    return bool(decision.aliases if is_fed else decision.feeds)


def _whole_scope(decision: Decision) -> Space:
    row = decision.row
    return whole_scope(row.store_id, row.source_type, row.scope)


def _under(
    decision: Decision, had: Iterable[tuple[str, str]], name: str, every: Collection[str]
) -> Decision:
    naming = naming_of(decision.row.source_type)
    if naming is None:
        return decision
    told = {*decision.aliases, *(key for _, key in had)}
    keys = under_every_name(naming, told, name, every) - {decision.row.source_id or ""}
    return replace(decision, aliases=frozenset(keys))
