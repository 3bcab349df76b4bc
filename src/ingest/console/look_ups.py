"""Look-ups at providers: what waits, what was tried, and what came of one."""

from __future__ import annotations

from ingest.console.console_request import ConsolePage, ConsoleRequest
from ingest.core.errors import NotFound
from ingest.flows.deliveries.shown import MOST_DOCUMENTS
from ingest.sources.registry import source_types
from ingest.store import connections, trails
from ingest.store.engine import transaction

ROWS = 100


def listed(asked: ConsoleRequest) -> ConsolePage:
    """The newest, those that wait and those that have ended."""
    query = asked.query
    source_type = query.get("source")
    if source_type is not None:
        asked.require_source(source_type)
    with transaction(asked.program.engine, durable=False) as conn:
        rows = trails.look_ups(
            conn,
            connection_id=query.get("connection"),
            source_type=source_type,
            failing="failing" in query,
            limit=ROWS,
        )
        named = connections.listing(conn)
    filled = {
        "rows": rows,
        "names": {one["id"]: one["name"] for one in named},
        "source_types": source_types(),
        "is_cut": len(rows) == ROWS,
    }
    return ConsolePage("look_ups.html", filled)


def shown(asked: ConsoleRequest) -> ConsolePage:
    """One, with each try."""
    id_ = asked.number("id")
    with transaction(asked.program.engine, durable=False) as conn:
        found = trails.look_up(conn, id_)
        done = trails.documents_of(conn, lookup_ids=[id_], limit=MOST_DOCUMENTS)
    if found is None:
        raise NotFound(f"there is no look-up {asked.path['id'][:80]} (any more)")
    return ConsolePage("look_up.html", {"one": found, "documents": done})
