"""Things that turn into others and keep their id: an issue that becomes a pull request.

Law: of the kinds that share their ids (`Descriptor.one_of`) one document is left live under an id,
that of the last kind of the group which was told; and what was said under the id goes on under it.
Two workers that write two of them see each other after their commits (`bind`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from ingest.core.folding import DELETED, LIVE, Decision, LedgerRow
from ingest.core.identity import Identity, document_id
from ingest.core.ranks import superseded
from ingest.core.values import JSON
from ingest.flows.documents import sight
from ingest.flows.documents.keys import group_of, named
from ingest.flows.documents.plan import Entry
from ingest.store import documents, feeds, ledger
from ingest.store.binding import Owned

Shared = tuple[str, Identity]
"""An id that several kinds share, in a store: by the first of them."""


def under_what_stands(
    conn: sa.Connection, decisions: Mapping[str, Decision]
) -> dict[str, Decision]:
    """The decisions with children under what their parent has turned into by now. Locks nothing."""
    parents = {key: _later(decision) for key, decision in decisions.items()}
    wanted = {one for later in parents.values() for one in later} - decisions.keys()
    rows = ledger.read(conn, wanted) if wanted else {}

    def is_live(one: str) -> bool:
        row = decisions[one].row if one in decisions else rows.get(one)
        return row is not None and row.state == LIVE

    return {
        key: _under(decision, next(filter(is_live, reversed(parents[key])), None))
        for key, decision in decisions.items()
    }


def _later(decision: Decision) -> list[str]:
    """What the parent of a whole object may have turned into, in the order of the group."""
    whole, row = decision.whole, decision.row
    parent = whole.goes_with if whole is not None else None
    if parent is None or row.parent is None:
        return []
    group = group_of(parent)
    behind = group[group.index(parent) + 1 :] if parent in group else ()
    return [document_id(one, row.store_id) for one in behind]


def _under(decision: Decision, parent: str | None) -> Decision:
    if parent is None or decision.row.identity == parent:
        return decision
    return replace(decision, row=replace(decision.row, parent=parent))


def shared_ids(entries: Iterable[Entry]) -> set[Shared]:
    """The ids that are to be looked at after the commit: of what came into sight, or under another
    parent.
    """
    found: set[Shared] = set()
    for entry in entries:
        whole, before, after = entry.decision.whole, entry.before, entry.after
        if whole is None:
            continue
        if entry.stored is None:
            found |= _shared(after.store_id, whole.identity)
        above = whole.goes_with
        if above is not None and (before is None or before.parent != after.parent):
            found |= _shared(after.store_id, above)
    return found


def _shared(store_id: str, identity: Identity) -> set[Shared]:
    group = group_of(identity)
    return {(store_id, group[0])} if len(group) > 1 else set()


def shared_noted(shared: Shared) -> dict[str, JSON]:
    """What a note holds of an id."""
    store_id, first = shared
    return {
        "store_id": store_id,
        "source_type": first.source_type,
        "scope": first.scope,
        "kind": first.kind,
        "id": first.id,
    }


def told_twice(conn: sa.Connection, noted: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Those of the noted ids under which more than one kind is known. Locks nothing."""
    groups = [_members(one) for one in noted]
    known = ledger.read(conn, {one for group in groups for one in group}) if groups else {}
    return [
        one
        for one, group in zip(noted, groups, strict=True)
        if sum(member in known for member in group) > 1
    ]


def turn_over(conn: sa.Connection, told: Mapping[str, Any]) -> set[Owned]:
    """Leave one document live under a noted id, with all that was said under it; the keys that are
    to be bound for it.

    In a transaction of its own, after the commit that noted it. What it turns is locked in the
    order of identities.
    """
    return _turn_over(conn, _members(told))


def _members(told: Mapping[str, Any]) -> list[str]:
    first = Identity(told["source_type"], told["scope"], told["kind"], told["id"])
    return [document_id(one, told["store_id"]) for one in group_of(first)]


def _turn_over(conn: sa.Connection, group: Sequence[str]) -> set[Owned]:
    children = ledger.children(conn, group)
    rows = ledger.lock_all(conn, [*group, *children])
    live = [one for one in group if one in rows and rows[one].state == LIVE]
    if not live:
        return set()
    stands, former = live[-1], [rows[one] for one in group if one in rows and one != live[-1]]
    keys = _move(conn, rows, rows[stands], {one.identity for one in former})
    return keys | _end(conn, [one for one in former if one.state == LIVE])


def _move(
    conn: sa.Connection, rows: Mapping[str, LedgerRow], to: LedgerRow, former: set[str]
) -> set[Owned]:
    """Put the children of what turned under what it turned into."""
    moved = [row for row in rows.values() if row.parent in former and row.identity != to.identity]
    if not moved:
        return set()
    ledger.update(conn, [replace(row, parent=to.identity) for row in moved])
    above = [rows[one].document_id for one in former]
    documents.place(conn, [row.document_id for row in moved], above, to.document_id)
    turned = dict(ledger.cascade(conn, [to.identity]))
    hidden = [document for document, visible in turned.items() if not visible]
    shown = [document for document, visible in turned.items() if visible]
    keys = sight.keys_of(conn, hidden)
    sight.hide(conn, hidden)
    feeds.mark_worked(conn, (), list(turned))
    return keys | sight.show(conn, shown)


def _end(conn: sa.Connection, former: Sequence[LedgerRow]) -> set[Owned]:
    """Delete what turned into something else; a newer word of it would bring it back."""
    if not former:
        return set()
    ids = [row.document_id for row in former]
    keys = sight.keys_of(conn, ids)
    documents.delete(conn, ids)
    ledger.update(
        conn,
        [
            replace(
                row,
                state=DELETED,
                visible=False,
                source_id=None,
                patches=None,
                made=None,
                reading=None,
                rank=superseded(row.rank or ""),
            )
            for row in former
        ],
    )
    added = [
        {
            "document_id": row.document_id,
            "alias": row.source_id,
            "store_id": row.store_id,
            "source_type": row.source_type,
        }
        for row in former
        if row.source_id
    ]
    feeds.change_aliases(conn, added, [])
    feeds.mark_worked(conn, (), ids)
    return keys | {
        named(row.store_id, row.source_type, row.source_id, moved=True)
        for row in former
        if row.source_id
    }
