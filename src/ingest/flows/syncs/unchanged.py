"""Leaves out what a page says and the ledger has seen already, so that nothing is rendered for it.

Law: only what was seen before, at the same version, and made the same of by code that is no older.
What a payload told is seen once, and so has a fence; what stands out of sight is looked at anew.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import sqlalchemy as sa

from ingest.core.changes import Upsert
from ingest.core.folding import LIVE, Feed, LedgerRow, Statement
from ingest.core.identity import Identity, document_id
from ingest.core.ranks import same_version, was_seen
from ingest.flows.documents.apply import StoreStatement
from ingest.store import feeds, ledger


def news(conn: sa.Connection, said: Sequence[StoreStatement]) -> list[bool]:
    """Of each statement whether it may change anything. Locks nothing."""
    keys = [document_id(statement.change.identity, store.id) for store, statement in said]
    rows = ledger.read(conn, set(keys))
    standing = feeds.read(conn, {row.document_id for row in rows.values()})
    return [
        not _is_known(rows.get(key), statement, standing)
        for key, (_, statement) in zip(keys, said, strict=True)
    ]


def astray(
    conn: sa.Connection,
    identities: Collection[Identity],
    store_ids: Collection[str],
    connection_id: str,
) -> list[Identity]:
    """Those that a list shows as unchanged, and of which no document stands, or none of this
    connection: what was lost here. What lies outside its filter is told apart by its feed.
    """
    by_key = {document_id(one, store): one for one in identities for store in store_ids}
    if not by_key:
        return []
    rows = ledger.read(conn, by_key)
    standing = feeds.read(conn, {row.document_id for row in rows.values()})
    lost = {
        by_key[key]: None
        for key in by_key
        if (row := rows.get(key)) is None
        or row.state != LIVE
        or all(one.connection_id != connection_id for one in standing.get(row.document_id, ()))
    }
    return [*lost]


def _is_known(
    row: LedgerRow | None, statement: Statement, standing: Mapping[str, Sequence[Feed]]
) -> bool:
    if row is None or row.rank is None or not isinstance(statement.change, Upsert):
        return False
    in_sight = row.state == LIVE and row.visible and row.patches is None
    was_it = was_seen(row.rank) and same_version(row.rank, statement.rank)
    return (
        in_sight
        and was_it
        and _is_made_the_same(row, statement)
        and _feeds(statement, standing.get(row.document_id, ()))
    )


def _is_made_the_same(row: LedgerRow, statement: Statement) -> bool:
    made = row.made is not None and row.made == statement.made
    return made and row.revision >= statement.revision


def _feeds(statement: Statement, standing: Sequence[Feed]) -> bool:
    """Whether the connection's word about its feed is the same too."""
    return any(
        feed.connection_id == statement.connection_id and feed.feeding == statement.wanted
        for feed in standing
    )
