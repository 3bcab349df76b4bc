"""Has documents called by the name that their repository, team or project has by now, in steps.

A step is a transaction: some documents of one connection, in the order of their ids, under their
locks. The name is read in each step, so of two renamings that meet the last step has the last word.
What a document was called stays an alias of it; no text and no hash moves.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from ingest.core.folding import LedgerRow
from ingest.core.naming import NameTold, current
from ingest.core.values import JSON
from ingest.flows.documents import sight
from ingest.flows.documents.called import joined, naming_of, under_every_name
from ingest.flows.documents.keys import is_within, named
from ingest.flows.documents.named import ToldNames, todays
from ingest.flows.documents.shown import show_anew
from ingest.sources.naming import Naming
from ingest.sources.registry import all_sources, folded
from ingest.store import binding, documents, feeds, folded_keys, ledger, references, space_names
from ingest.store.binding import Noted, Owned
from ingest.store.documents import Stored
from ingest.store.space_names import FedDocument, Space

STEP_DOCUMENTS = 200
"""Looked at in one transaction."""


@dataclass(frozen=True, slots=True)
class RenamingStep:
    """What a step came to: the keys that it moved, and the note of what is left, if anything is."""

    keys: frozenset[Owned] = frozenset()
    left: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class _Renamed:
    """A document that is called otherwise: as it stands, what its keys call it by now, and all that
    find it beside that.
    """

    stored: Stored
    document: FedDocument
    source_id: str
    metadata: Mapping[str, JSON]
    before: str
    after: str
    aliases: frozenset[str]


def names_noted(one: ToldNames) -> dict[str, JSON]:
    """What a note holds of names that were told."""
    return {
        **_plain(one.space),
        "told": [[told.name, told.before, told.at, told.sure_at] for told in one.told],
        "written": one.written,
    }


def tell_names(conn: sa.Connection, noted: Sequence[Mapping[str, Any]]) -> list[Noted]:
    """Write down what notes tell of names; a note for each space that is called otherwise by it, or
    by whose other names something was written.
    """
    told = joined(*({_space(one): tuple(NameTold(*n) for n in one["told"])} for one in noted))
    if not told:
        return []
    if any(told.values()):
        space_names.lock(conn, told)
    known = space_names.read(conn, told)
    space_names.tell(conn, told)
    names = joined(known, told)
    moved = {s for s in told if _is_moved(known.get(s, ()), names[s])}
    moved |= _waiting(conn, {s: names[s] for s in moved})
    moved |= {s for one in noted if _is_other(one, names[s := _space(one)])}
    return [
        binding.note(conn, {"renaming": _plain(space), "of": _feeders(conn, space), "after": ""})
        for space in sorted(moved)
    ]


def _waiting(conn: sa.Connection, moved: Mapping[Space, Sequence[NameTold]]) -> set[Space]:
    """The spaces that are called as one of these once was: that may be theirs from now on."""
    if not moved:
        return set()
    freed = {(*_place(s), name) for s, told in moved.items() for name in _prefixes(s, told)[1]}
    every = space_names.of_stores(conn, {space.store_id for space in moved})
    return {
        space
        for space, told in every.items()
        if any((*_place(space), name) in freed for name in _prefixes(space, told)[0])
    }


def _place(space: Space) -> tuple[str, str]:
    return space.store_id, space.source_type


def _prefixes(space: Space, told: Sequence[NameTold]) -> tuple[set[str], set[str]]:
    """By which prefix its keys begin now, and by which they did."""
    naming, now = naming_of(space.source_type), current(told)
    if naming is None or now is None:
        return set(), set()
    every = {naming.prefix(n) for one in told for n in (one.name, one.before) if n}
    return {naming.prefix(now)}, every - {naming.prefix(now)}


def _is_moved(known: Sequence[NameTold], names: Sequence[NameTold]) -> bool:
    """Whether the name of now is another by what was told, or further former ones are known. Of the
    first name nobody has another, but where a rename tells it.
    """
    is_first = not known and not any(one.before for one in names)
    return not is_first and _names(known) != _names(names)


def _names(told: Sequence[NameTold]) -> tuple[str | None, set[str]]:
    return current(told), {name for one in told for name in (one.name, one.before)} - {""}


def _is_other(noted: Mapping[str, Any], names: Sequence[NameTold]) -> bool:
    return noted["written"] is not None and noted["written"] != current(names)


def rename_step(conn: sa.Connection, told: Mapping[str, Any]) -> RenamingStep:
    """Look at some documents of a noted space, and call them by the name of now."""
    space, left = _space(told["renaming"]), [*told["of"]]
    naming = naming_of(space.source_type)
    today = todays(conn, space_names.read(conn, [space])).get(space)
    if not left or naming is None or today is None:
        return RenamingStep()
    after, known = today
    renaming = _Renaming(space, naming, known, after)
    found, until = space_names.fed(conn, left[0], after=told["after"], limit=STEP_DOCUMENTS)
    own = [one for one in found if (one.store_id, one.scope) == (space.store_id, space.scope)]
    keys = _rename(conn, renaming, [one for one in own if one.is_live])
    _name_gone(conn, renaming, [one for one in own if not one.is_live])
    if until is None:
        left, until = left[1:], ""
    more = {**told, "of": left, "after": until} if left else None
    return RenamingStep(frozenset(keys), more)


@dataclass(frozen=True, slots=True)
class _Renaming:
    """A space, all that it was ever called, and what it is called by now."""

    space: Space
    naming: Naming
    known: frozenset[str]
    after: str

    def renamed(
        self, stored: Stored, document: FedDocument, keys: Collection[str]
    ) -> _Renamed | None:
        """The document as it is called by now; None where it is, and is found by every name that
        the space ever had. `keys` are those that it has and had.
        """
        called, naming, after = self.naming.within(stored.source_metadata), self.naming, self.after
        if called is None or called.space != self.space.space or called.name not in self.known:
            return None
        source_id = naming.key(stored.source_id, called.name, after)
        metadata = naming.metadata(stored.source_metadata, called.name, after)
        aliases = under_every_name(naming, keys, after, self.known) - {source_id}
        if called.name == after and aliases <= {*keys}:
            return None
        return _Renamed(
            stored, document, source_id, metadata, called.name, after, frozenset(aliases)
        )


def _rename(conn: sa.Connection, renaming: _Renaming, found: Sequence[FedDocument]) -> set[Owned]:
    """Those that are called otherwise, and those out of sight, of which only their rows tell, are
    locked and looked at again.
    """
    ids = [one.document_id for one in found]
    seen = _look(conn, renaming, found, documents.read(conn, ids))
    hidden = {one.document_id for one in found if not one.visible}
    taken = [one for one in found if one.document_id in seen or one.document_id in hidden]
    if not taken:
        return set()
    rows = ledger.lock(conn, [one.identity for one in taken])
    withheld = [one.document_id for one in taken if not rows[one.identity].visible]
    documents.release(conn, withheld)
    standing = documents.read(conn, [one.document_id for one in taken])
    moved = _look(conn, renaming, taken, standing)
    keys = _write(conn, renaming, [*moved.values()], rows)
    sight.hide(conn, withheld)
    return keys


def _name_gone(conn: sa.Connection, renaming: _Renaming, gone: Sequence[FedDocument]) -> None:
    """What was deleted has its keys under every name too, for when it comes back: see
    `named.by_every_name`.
    """
    space = renaming.space
    if space.space or not gone:
        return
    own = references.names_of(conn, [one.document_id for one in gone])
    told = {id_: {key for _, key in keys} for id_, keys in own.items()}
    added = [
        {**_place_of(id_, space), "alias": alias}
        for id_, keys in told.items()
        for alias in under_every_name(renaming.naming, keys, renaming.after, renaming.known) - keys
    ]
    feeds.change_aliases(conn, added, [])
    folded_keys.put(conn, [*_folded((), added, space)])


def _look(
    conn: sa.Connection,
    renaming: _Renaming,
    found: Sequence[FedDocument],
    standing: Mapping[str, Stored],
) -> dict[str, _Renamed]:
    """Those of the documents that stand and are called otherwise by now, or found by less."""
    own = references.names_of(conn, standing)
    made = {
        one.document_id: renaming.renamed(
            standing[one.document_id], one, {key for _, key in own.get(one.document_id, ())}
        )
        for one in found
        if one.document_id in standing
    }
    return {id_: one for id_, one in made.items() if one is not None}


def _write(
    conn: sa.Connection,
    renaming: _Renaming,
    moved: Sequence[_Renamed],
    rows: Mapping[str, LedgerRow],
) -> set[Owned]:
    if not moved:
        return set()
    space, ids = renaming.space, [one.stored.id for one in moved]
    _call(conn, renaming, [one for one in moved if one.before != one.after], rows)
    added = [{**_whose(one, space), "alias": key} for one in moved for key in sorted(one.aliases)]
    feeds.change_aliases(conn, added, [])
    folded_keys.demote(conn, [one.stored.id for one in moved if _is_called_anew(one)])
    folded_keys.put(conn, [*_folded(moved, added, space)])
    show_anew(conn, ids)
    former = {
        named(space.store_id, space.source_type, one.stored.source_id, moved=True) for one in moved
    }
    return sight.keys_of(conn, ids) | former


def _call(
    conn: sa.Connection,
    renaming: _Renaming,
    called: Sequence[_Renamed],
    rows: Mapping[str, LedgerRow],
) -> None:
    """Write what they are called by now, and what they say of others of their scope."""
    told = [
        {"id": one.stored.id, "source_id": one.source_id, "source_metadata": one.metadata}
        for one in called
    ]
    documents.call(conn, told)
    ledger.update(conn, [_row(one, rows[one.document.identity], renaming.naming) for one in called])
    dropped = [{"document_id": one.stored.id, "alias": one.source_id} for one in called]
    feeds.change_aliases(conn, [], dropped)
    references.call(conn, [*_pointers(conn, called, renaming.space, renaming.naming)])


def _is_called_anew(one: _Renamed) -> bool:
    return one.source_id != one.stored.source_id


def _row(one: _Renamed, row: LedgerRow, naming: Naming) -> LedgerRow:
    """What patches are merged into is told under the name too."""
    base = row.patches.get("base") if row.patches else None
    patches = row.patches
    if isinstance(base, Mapping):
        patches = {**(row.patches or {}), "base": naming.metadata(base, one.before, one.after)}
    return replace(row, source_id=one.source_id, patches=patches)


def _folded(
    moved: Iterable[_Renamed], added: Iterable[Mapping[str, Any]], space: Space
) -> Iterable[dict[str, Any]]:
    told = [({**_whose(one, space), "key": one.source_id}, False) for one in moved]
    told += [({**_whole(one), "key": one["alias"]}, True) for one in added]
    for row, former in told:
        compared = folded(space.source_type, row["key"])
        if compared != row["key"]:
            yield {**row, "key": compared, "former": former}


def _whole(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "alias"}


def _whose(one: _Renamed, space: Space) -> dict[str, Any]:
    return _place_of(one.stored.id, space)


def _place_of(document_id: str, space: Space) -> dict[str, Any]:
    return {
        "document_id": document_id,
        "store_id": space.store_id,
        "source_type": space.source_type,
    }


def _pointers(
    conn: sa.Connection, moved: Sequence[_Renamed], space: Space, naming: Naming
) -> Iterable[dict[str, Any]]:
    """What these documents say of things of their own scope, as that is written now."""
    pointers = references.read(conn, [one.stored.id for one in moved])
    for one in moved:
        for pointer in pointers.get(one.stored.id, ()):
            is_own = pointer.target_source == space.source_type
            if not is_own or not is_within(pointer.bind_key, space.scope):
                continue
            after = naming.key(pointer.target_key, one.before, one.after)
            if after != pointer.target_key:
                yield {
                    "document_id": one.stored.id,
                    "kind": pointer.kind,
                    "target_source": pointer.target_source,
                    "target_key": pointer.target_key,
                    "after": after,
                }


def _feeders(conn: sa.Connection, space: Space) -> list[str]:
    """The connections of the store that stand for the space's scope."""
    found = all_sources().get(space.source_type)
    if found is None:
        return []
    told = space_names.connections(conn, space.store_id, space.source_type)
    scope_of = found.descriptor.scope
    tenants_of = found.descriptor.connection_tenants
    return [id_ for id_, data in told if scope_of(tenants_of(data)[0], data) == space.scope]


def _space(told: Mapping[str, Any]) -> Space:
    return Space(told["store_id"], told["source_type"], told["scope"], told["space"])


def _plain(space: Space) -> dict[str, JSON]:
    return {
        "store_id": space.store_id,
        "source_type": space.source_type,
        "scope": space.scope,
        "space": space.space,
    }
