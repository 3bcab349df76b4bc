"""Leaves out what a page says and the ledger has seen already, so that nothing is rendered for it.

Law: only what was seen before, at the same version, and made the same of by code that is no older.
What a payload told is seen once, and so has a fence; what stands out of sight is looked at anew.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import sqlalchemy as sa

from ingest.core.changes import Upsert
from ingest.core.folding import LIVE, Statement
from ingest.core.identity import Identity, document_id
from ingest.core.ranks import same_version, was_seen
from ingest.flows.documents.subjects import StoreStatement
from ingest.store import ledger
from ingest.store.ledger import StandingRow


def news(conn: sa.Connection, said: Sequence[StoreStatement], connection_id: str) -> list[bool]:
    """Of each statement of a connection whether it may change anything. Locks nothing."""
    keys = [document_id(statement.change.identity, store.id) for store, statement in said]
    known = ledger.standings(conn, set(keys), connection_id)
    return [
        not _is_known(known.get(key), statement)
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
    known = ledger.standings(conn, by_key, connection_id)
    lost = {
        by_key[key]: None
        for key in by_key
        if (found := known.get(key)) is None or found.state != LIVE or found.feeding is None
    }
    return [*lost]


def _is_known(known: StandingRow | None, statement: Statement) -> bool:
    if known is None or known.rank is None or not isinstance(statement.change, Upsert):
        return False
    was_it = was_seen(known.rank) and same_version(known.rank, statement.rank)
    return (
        known.state == LIVE
        and known.plain
        and was_it
        and _is_made_the_same(known, statement)
        and known.feeding == statement.wanted
    )


def _is_made_the_same(known: StandingRow, statement: Statement) -> bool:
    made = known.made is not None and known.made == statement.made
    return made and known.revision >= statement.revision
