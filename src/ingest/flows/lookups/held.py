"""A look-up as its worker holds it: the claimed row, with all that it takes to make it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import sqlalchemy as sa

from ingest.core.identity import Identity, document_id
from ingest.flows.connections import directory
from ingest.flows.connections.directory import Directory
from ingest.flows.documents.render import StoreConfig
from ingest.store import credentials, ledger
from ingest.store.connections import Connection
from ingest.store.lookups import ClaimedLookup


@dataclass(frozen=True, slots=True)
class HeldLookup:
    """A look-up under the lease `token`.

    row: the claimed row; its fence and time of sending are from before the first request.
    sealed, token_id: the connection's newest API token, encrypted as it is stored, and its id; None
        and 0 where it has none.
    stores: those that the connection feeds.
    taken: the prefixes of keys that other tenants own.
    keys: those that find the documents of its object in these stores.
    traces: traceparents of the deliveries that wait for it, the oldest first; where they are asked
        for.
    """

    token: str
    row: ClaimedLookup
    connection: Connection
    sealed: bytes | None
    token_id: int
    stores: Collection[StoreConfig]
    taken: frozenset[str]
    keys: tuple[str, ...] = ()
    traces: tuple[str, ...] = ()


def read_held(
    conn: sa.Connection, token: str, claimed: Sequence[ClaimedLookup]
) -> list[HeldLookup]:
    """The claimed rows, in their order, with connection, token and stores as these stand now."""
    ids = {one.connection_id for one in claimed}
    book = directory.read_directory(conn, ids, ())
    tokens = credentials.newest(conn, ids, credentials.API_TOKEN)
    documents = {
        (row.id, store.id): document_id(_identity(row, book), store.id)
        for row in claimed
        for store in book.stores.get(row.connection_id, ())
    }
    known = ledger.keys(conn, documents.values())
    held: list[HeldLookup] = []
    for row in claimed:
        token_id, sealed = tokens.get(row.connection_id, (0, None))
        connection = book.by_id[row.connection_id]
        stores = book.stores.get(connection.id, ())
        taken = book.taken.get(connection.id, frozenset())
        keys = {key for s in stores for key in known.get(documents[row.id, s.id], ())}
        one = HeldLookup(token, row, connection, sealed, token_id, stores, taken)
        held.append(replace(one, keys=tuple(sorted(keys))))
    return held


def _identity(row: ClaimedLookup, book: Directory) -> Identity:
    source_type = book.by_id[row.connection_id].source_type
    return Identity(source_type, row.scope, row.kind, row.external_id)
