"""What cannot be made of what is stored is told once more by its provider, where one is asked.

A listing leaves out what it has seen already and nobody would make otherwise (`syncs/unchanged`).
So that it is told, the ledger's row says that no code of today made it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import sqlalchemy as sa

from ingest.core.errors import BadInput
from ingest.flows.reprocess.asked import ReprocessRequest
from ingest.flows.reprocess.remake import StandingDocument
from ingest.flows.reprocess.stored import REASONS, Unmade
from ingest.flows.syncs.request import request_sync, require_listable
from ingest.store import connections, ledger, reprocessing
from ingest.store.connections import Connection

ASKED_BY = "reprocess"


def tell_again(conn: sa.Connection, unmade: Sequence[tuple[StandingDocument, Unmade]]) -> None:
    """Have the next listing tell of these documents, whatever it has seen of them."""
    rows = {one.row.identity: one.row for one, _ in unmade if one.row.revision > 0}
    if rows:
        locked = ledger.lock(conn, rows)
        same = [row for key, row in locked.items() if row == rows[key]]
        ledger.update(conn, [replace(row, revision=0) for row in same])


def ask_for_resyncs(
    conn: sa.Connection, counts: Mapping[str, Mapping[str, int]], asked: ReprocessRequest
) -> list[str]:
    """Ask for a full run of each connection whose documents could not all be made; their ids.

    Those that can be listed: connected, with a token, of a source that has lists.
    """
    lacking = {name for name, told in counts.items() if any(told.get(r) for r in REASONS)}
    found = [one for one in _connections(conn, asked) if one.source_type in lacking]
    asks = [one for one in found if _is_listable(one)]
    for one in asks:
        request_sync(conn, one, kind="full", asked_by=ASKED_BY)
    return [one.id for one in asks]


def _connections(conn: sa.Connection, asked: ReprocessRequest) -> list[Connection]:
    ids = reprocessing.connections_of(conn, asked.within)
    known = connections.by_id(conn, ids)
    return [known[one] for one in ids if one in known]


def _is_listable(connection: Connection) -> bool:
    try:
        require_listable(connection)
    except BadInput:
        return False
    return True
