"""A list of a run as its worker holds it: the claimed row, with all that it takes to go on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import sqlalchemy as sa

from ingest.flows.connections import directory
from ingest.flows.documents.render import StoreConfig
from ingest.store import credentials, sync_parts
from ingest.store.claiming import LEASE_S
from ingest.store.connections import Connection
from ingest.store.sync_parts import ClaimedPart


@dataclass(frozen=True, slots=True)
class HeldPart:
    """A list under a lease.

    sealed, token_id: the connection's newest API token, encrypted as it is stored, and its id; None
        and 0 where it has none.
    stores: those that the connection feeds. taken: the prefixes of keys that other tenants own.
    api_urls: the configured bases of APIs, by source type.
    """

    row: ClaimedPart
    connection: Connection
    sealed: bytes | None
    token_id: int
    stores: tuple[StoreConfig, ...]
    taken: frozenset[str]
    api_urls: Mapping[str, str]


def claim_part(
    conn: sa.Connection,
    lease_s: float = LEASE_S,
    *,
    api_urls: Mapping[str, str] = MappingProxyType({}),
) -> HeldPart | None:
    """Claim a list whose next page is due, with its connection as it stands now; None for none."""
    row = sync_parts.claim(conn, lease_s=lease_s)
    if row is None:
        return None
    ids = [row.connection_id]
    book = directory.read_directory(conn, ids, api_urls=api_urls)
    token_id, sealed = credentials.newest(conn, ids, credentials.API_TOKEN).get(
        row.connection_id, (0, None)
    )
    return HeldPart(
        row,
        book.by_id[row.connection_id],
        sealed,
        token_id,
        tuple(book.stores.get(row.connection_id, ())),
        book.taken.get(row.connection_id, frozenset()),
        api_urls,
    )
