"""What cannot be made of what is stored is told once more by its provider, where one is asked.

A listing leaves out what it has seen already and nobody would make otherwise (`syncs/unchanged`),
and whoever writes leaves the chunks of a text that is the same. So that both are done, the ledger's
row says that no code of today made it, and the document that nobody knows how it was cut.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import sqlalchemy as sa

from ingest.core.errors import BadInput
from ingest.core.folding import LedgerRow
from ingest.flows.reprocess.stored import Unmade
from ingest.flows.syncs.request import request_sync, require_listable
from ingest.sources.registry import all_sources
from ingest.store import connections, ledger, reprocessing
from ingest.store.connections import Connection
from ingest.store.reprocessing import Within

ASKED_BY = "reprocess"
NO_TEXT = frozenset({"nothing", "cut", "damaged"})
"""Why no text can be put together: what stands in the chunks is not what the hashes are of."""


def tell_again(conn: sa.Connection, unmade: Sequence[tuple[LedgerRow, Unmade]]) -> None:
    """Have the next listing tell of these documents, whatever it has seen of them, and whoever
    applies that cut them anew.

    The caller holds the rows locked, as they are given.
    """
    ledger.update(conn, [replace(row, revision=0) for row, _ in unmade if row.revision > 0])
    reprocessing.cut_next(conn, [row.document_id for row, why in unmade if why.reason in NO_TEXT])


def in_question(conn: sa.Connection, rows: Sequence[LedgerRow]) -> set[str]:
    """The connections whose providers can tell of these documents: those that feed them; of one
    that nobody ever fed (it was imported), those of its store that stand for what it is of.
    """
    by_id = {row.document_id: row for row in rows}
    found = {*reprocessing.feeders(conn, by_id)}
    scopes: dict[tuple[str, str], set[str]] = {}
    for row in (by_id[one] for one in reprocessing.unfed(conn, by_id)):
        scopes.setdefault((row.store_id, row.source_type), set()).add(row.scope)
    for (store, source_type), of in scopes.items():
        near = _known(conn, Within(store=store, source=source_type))
        found |= {one.id for one in near if _scope_of(one) in of}
    return found


def ask_for_resyncs(conn: sa.Connection, named: Collection[str], within: Within) -> list[str]:
    """Ask for a backfill of each of these connections that the run is about; the ids of those.

    A backfill, as nothing but that tells what a listing calls unchanged. Those that can be listed:
    connected, with a token, of a source that is installed and has lists.
    """
    if not named:
        return []
    asks = [one for one in _known(conn, within) if one.id in named and _is_listable(one)]
    for one in asks:
        request_sync(conn, one, kind="backfill", asked_by=ASKED_BY)
    return [one.id for one in asks]


def _known(conn: sa.Connection, within: Within) -> list[Connection]:
    ids = reprocessing.connections_of(conn, within)
    known = connections.by_id(conn, ids)
    return [known[one] for one in ids if one in known]


def _scope_of(connection: Connection) -> str | None:
    """What the identities of all that it tells begin with; None where its source is not there."""
    found = all_sources().get(connection.source_type)
    if found is None:
        return None
    tenant = found.descriptor.connection_tenants(connection.metadata)[0]
    return found.descriptor.scope(tenant, connection.metadata)


def _is_listable(connection: Connection) -> bool:
    if connection.source_type not in all_sources():
        return False
    try:
        require_listable(connection)
    except BadInput:
        return False
    return True
