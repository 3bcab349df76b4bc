"""The SQL that finds what a run makes anew: documents with their texts, settled raw deliveries."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from ingest.core.chunks import Chunk
from ingest.store.documents import Stored
from ingest.store.references import Pointer

FIRST = "00000000-0000-0000-0000-000000000000"
"""Before every identity."""


@dataclass(frozen=True, slots=True)
class Within:
    """What a run is about; what is None is about all. `since` and `until` are of deliveries."""

    store: str | None = None
    source: str | None = None
    connection: str | None = None
    kind: str | None = None
    since: datetime | None = None
    until: datetime | None = None


_OF_DOCUMENTS = """
  l.state = 'live'
  AND (CAST(:store AS varchar) IS NULL OR l.store_id = :store)
  AND (CAST(:source AS text) IS NULL OR CAST(l.source_type AS text) = :source)
  AND (CAST(:kind AS varchar) IS NULL OR l.kind = :kind)
  AND (CAST(:connection AS varchar) IS NULL OR EXISTS (
    SELECT FROM lightfast_document_feeds f
    WHERE f.document_id = l.document_id AND f.connection_id = :connection))
"""
# As many as there is room for: a text is of its chunks.
_NEXT = sa.text(f"""
SELECT CAST(n.identity AS text), n.scanned FROM (
  SELECT c.identity, sum(c.chunks) OVER (ORDER BY c.identity) - c.chunks AS before,
         count(*) OVER () AS scanned
  FROM (
    SELECT l.identity,
           coalesce(d.chunk_count, CAST(w.document ->> 'chunk_count' AS integer), 0) AS chunks
    FROM lightfast_document_ledger l
    LEFT JOIN lightfast_docs_documents d ON d.id = l.document_id
    LEFT JOIN lightfast_withheld_documents w ON w.document_id = l.document_id
    WHERE l.identity > CAST(:after AS uuid) AND {_OF_DOCUMENTS}
    ORDER BY l.identity LIMIT :limit
  ) c
) n WHERE n.before < :most_chunks ORDER BY n.identity
""")
_COUNT = sa.text(f"SELECT count(*) FROM lightfast_document_ledger l WHERE {_OF_DOCUMENTS}")
_CHUNKS = sa.text("""
SELECT document_id, position, text, start FROM lightfast_document_chunks
WHERE document_id = ANY(CAST(:ids AS varchar[])) ORDER BY document_id, position
""")
# As `documents.read`, `references.read` and the chunks would have it, were it in sight.
_WITHHELD = sa.text(
    """
SELECT d.id, d.source_id, d.source_metadata, d.parent_doc_id, d.content_hash, d.config_hash,
       d.frontmatter, d.chunk_count, d.relationships,
       to_char(d.created_at, 'YYYY-MM-DD"T"HH24:MI:SS.US'), w.chunks, w.refs
FROM lightfast_withheld_documents w,
     jsonb_populate_record(NULL::lightfast_docs_documents, w.document) d
WHERE w.document_id = ANY(CAST(:ids AS varchar[]))
""".replace("::", r"\:\:")
)
_CONNECTIONS = sa.text("""
SELECT c.id FROM lightfast_connected_sources c
WHERE (CAST(:source AS text) IS NULL OR CAST(c.source_type AS text) = :source)
  AND (CAST(:connection AS varchar) IS NULL OR c.id = :connection)
  AND (CAST(:store AS varchar) IS NULL OR EXISTS (
    SELECT FROM lightfast_store_sources s WHERE s.source_id = c.id AND s.store_id = :store))
ORDER BY c.id
""")
_OF_DELIVERIES = """
  w.status <> 'pending'
  AND NOT starts_with(coalesce(w.reason, ''), :discarded)
  AND NOT starts_with(coalesce(w.reason, ''), 'took its worker down')
  AND (CAST(:source AS text) IS NULL OR CAST(w.source_type AS text) = :source)
  AND (CAST(:connection AS varchar) IS NULL OR w.connection_id = :connection)
  AND (CAST(:store AS varchar) IS NULL OR w.connection_id IS NULL OR EXISTS (
    SELECT FROM lightfast_store_sources s
    WHERE s.source_id = w.connection_id AND s.store_id = :store))
  AND (CAST(:since AS timestamptz) IS NULL OR w.received_at >= :since)
  AND (CAST(:until AS timestamptz) IS NULL OR w.received_at < :until)
"""
_NEXT_DELIVERIES = sa.text(f"""
SELECT w.id FROM lightfast_webhook_deliveries w
WHERE w.id > :after AND w.id <= :last AND {_OF_DELIVERIES} ORDER BY w.id LIMIT :limit
""")
_COUNT_DELIVERIES = sa.text(f"""
SELECT CAST(w.source_type AS text), w.status, count(*) FROM lightfast_webhook_deliveries w
WHERE {_OF_DELIVERIES} GROUP BY 1, 2 ORDER BY 1, 2
""")
_LAST_DELIVERY = sa.text("SELECT coalesce(max(id), 0) FROM lightfast_webhook_deliveries")
_BECAME = sa.text("""
SELECT CAST(source_type AS text), status, count(*) FROM lightfast_webhook_deliveries
WHERE id = ANY(CAST(:ids AS bigint[])) GROUP BY 1, 2
""")
# What waits for a look-up or for a paused connection is not waited for here.
_UNDER_WAY = sa.text("""
SELECT count(*) FROM lightfast_webhook_deliveries
WHERE id = ANY(CAST(:ids AS bigint[])) AND status = 'pending'
  AND next_attempt_at <= now() + make_interval(secs => :within_s)
""")


def next_documents(
    conn: sa.Connection, within: Within, *, after: str, limit: int, most_chunks: int
) -> tuple[list[str], bool]:
    """The identities of live documents behind `after`, in order, and whether these are the last.

    So many at most, and no more once they have `most_chunks`; at least one.
    """
    given = _documents(within) | {"after": after, "limit": limit, "most_chunks": most_chunks}
    rows = conn.execute(_NEXT, given).all()
    scanned = rows[0].scanned if rows else 0
    return [row[0] for row in rows], scanned < limit and scanned == len(rows)


def count_documents(conn: sa.Connection, within: Within) -> int:
    """How many live documents a run is about."""
    found: int = conn.execute(_COUNT, _documents(within)).scalar_one()
    return found


def chunks(conn: sa.Connection, document_ids: Collection[str]) -> dict[str, list[Chunk]]:
    """The chunks of documents that are in sight, in order, by document."""
    found: dict[str, list[Chunk]] = {}
    for document_id, *chunk in conn.execute(_CHUNKS, {"ids": list(document_ids)}):
        found.setdefault(document_id, []).append(Chunk(*chunk))
    return found


def withheld(
    conn: sa.Connection, document_ids: Collection[str]
) -> dict[str, tuple[Stored, list[Chunk]]]:
    """Those of the documents that are out of sight, with their pointers and chunks."""
    if not document_ids:
        return {}
    found = {}
    for *columns, chunks, refs in conn.execute(_WITHHELD, {"ids": list(document_ids)}):
        pieces = (Chunk(one["position"], one["text"], one["start"]) for one in chunks)
        stored = replace(Stored(*columns), pointers=_pointers(refs))
        found[stored.id] = stored, sorted(pieces, key=_position)
    return found


def _pointers(refs: Iterable[Mapping[str, Any]]) -> tuple[Pointer, ...]:
    """What stands aside points nowhere."""
    return tuple(
        Pointer(
            one["kind"],
            one["target_source"],
            one["target_key"],
            one["origin"],
            one["evidence"],
            one.get("bind_key"),
            None,
        )
        for one in refs
    )


def _position(chunk: Chunk) -> int:
    return chunk.position


def connections_of(conn: sa.Connection, within: Within) -> list[str]:
    """The ids of the connections that a run is about, in order."""
    return list(conn.execute(_CONNECTIONS, _documents(within)).scalars())


def next_deliveries(
    conn: sa.Connection, within: Within, *, after: int, last: int, limit: int
) -> list[int]:
    """The ids of settled deliveries behind `after`, up to `last`; what a person discarded stays."""
    given = _deliveries(within) | {"after": after, "last": last, "limit": limit}
    return list(conn.execute(_NEXT_DELIVERIES, given).scalars())


def last_delivery(conn: sa.Connection) -> int:
    """The id of the newest delivery."""
    found: int = conn.execute(_LAST_DELIVERY).scalar_one()
    return found


def count_deliveries(conn: sa.Connection, within: Within) -> list[tuple[str, str, int]]:
    """How many settled deliveries a run is about: (source type, status, how many)."""
    return [(a, b, c) for a, b, c in conn.execute(_COUNT_DELIVERIES, _deliveries(within))]


def became(conn: sa.Connection, ids: Collection[int]) -> list[tuple[str, str, int]]:
    """What these deliveries are by now: (source type, status, how many)."""
    return [(a, b, c) for a, b, c in conn.execute(_BECAME, {"ids": list(ids)})]


def under_way(conn: sa.Connection, ids: Collection[int], *, within_s: float) -> int:
    """How many of these deliveries wait for a worker, now or so soon."""
    given = {"ids": list(ids), "within_s": within_s}
    found: int = conn.execute(_UNDER_WAY, given).scalar_one()
    return found


def _documents(within: Within) -> dict[str, Any]:
    return {
        "store": within.store,
        "source": within.source,
        "kind": within.kind,
        "connection": within.connection,
    }


def _deliveries(within: Within) -> dict[str, Any]:
    return {
        "store": within.store,
        "source": within.source,
        "connection": within.connection,
        "since": within.since,
        "until": within.until,
        "discarded": "discarded",
    }
