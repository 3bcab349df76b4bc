"""The SQL that finds what a run makes anew: documents, a step at a time, with their texts.

Law: a step reads so many rows of the ledger at most, by an index, however few of them are its own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa

from ingest.core.chunks import Chunk
from ingest.store.documents import Stored
from ingest.store.references import Pointer

Place = Sequence[str]
"""Where a document stands in a run's order: store id, source type, kind, document id. Of a run over
one connection's documents the last alone counts."""
FIRST: Place = ("", "", "", "")
"""Before every document."""
WINDOW = 5_000
"""Rows of the ledger that a step looks at, at most, to find those that a run is about."""


@dataclass(frozen=True, slots=True)
class Within:
    """What a run is about; what is None is about all. `since` and `until` are of deliveries."""

    store: str | None = None
    source: str | None = None
    connection: str | None = None
    kind: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class NextDocuments:
    """A step's documents: the place of each, by its identity in the ledger, in the run's order.

    until: behind which place the next step begins; ends: nothing is behind it.
    """

    places: Mapping[str, Place]
    until: Place
    ends: bool


# In the order of an index, from a place on: a row of the ledger is looked at once in a run.
_OF_ALL = """
SELECT l.identity, l.document_id, l.store_id, l.source_type, l.kind, l.state
FROM lightfast_document_ledger l
WHERE (l.store_id, l.source_type, l.kind, l.document_id)
    > (:store_id, coalesce(CAST(nullif(CAST(:source_type AS text), '') AS source_type),
                           enum_first(CAST(NULL AS source_type))), :kind_of, :document_id)
"""
_ORDER = "l.store_id, l.source_type, l.kind, l.document_id"
_OF_CONNECTION = """
SELECT l.* FROM (
  SELECT document_id FROM lightfast_document_feeds
  WHERE connection_id = :connection AND document_id > :document_id
  ORDER BY document_id LIMIT :window
) f CROSS JOIN LATERAL (
  SELECT identity, document_id, store_id, source_type, kind, state
  FROM lightfast_document_ledger WHERE document_id = f.document_id LIMIT 1
) l
"""
_ORDER_OF_CONNECTION = "f.document_id"
# As many as there is room for: a text is of its chunks.
_NEXT = """
WITH looked AS MATERIALIZED ({walk} ORDER BY {order} LIMIT :window),
named AS MATERIALIZED (
  SELECT * FROM looked l
  WHERE l.state = 'live'
    AND (CAST(:store AS varchar) IS NULL OR l.store_id = :store)
    AND (CAST(:source AS text) IS NULL OR CAST(l.source_type AS text) = :source)
    AND (CAST(:kind AS varchar) IS NULL OR l.kind = :kind)
  ORDER BY {place} LIMIT :limit
), weighed AS (
  SELECT l.*, coalesce(d.chunk_count, CAST(w.document ->> 'chunk_count' AS integer), 0) AS chunks
  FROM named l
  LEFT JOIN lightfast_docs_documents d ON d.id = l.document_id
  LEFT JOIN lightfast_withheld_documents w ON w.document_id = l.document_id
)
SELECT CAST(l.identity AS text), l.store_id, CAST(l.source_type AS text), l.kind, l.document_id,
       sum(l.chunks) OVER (ORDER BY {place} ROWS UNBOUNDED PRECEDING) - l.chunks < :most_chunks
FROM weighed l ORDER BY {place}
"""
_WINDOW_ENDS = """
SELECT l.store_id, CAST(l.source_type AS text), l.kind, l.document_id
FROM ({walk} ORDER BY {order} OFFSET :window - 1 LIMIT 1) l
"""
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
_FEEDERS = sa.text("""
SELECT DISTINCT connection_id FROM lightfast_document_feeds
WHERE document_id = ANY(CAST(:ids AS varchar[])) AND feeding ORDER BY connection_id
""")
_UNFED = sa.text("""
SELECT id FROM unnest(CAST(:ids AS varchar[])) AS d(id)
WHERE NOT EXISTS (SELECT FROM lightfast_document_feeds f WHERE f.document_id = d.id)
""")
# What has another configuration than it is wanted in is cut anew by whoever tells it next.
_CUT_NEXT = sa.text("""
WITH withheld AS (
  UPDATE lightfast_withheld_documents
  SET document = document || '{"config_hash": null}'
  WHERE document_id = ANY(CAST(:ids AS varchar[])) AND document ->> 'config_hash' IS NOT NULL
)
UPDATE lightfast_docs_documents SET config_hash = NULL, updated_at = CURRENT_TIMESTAMP
WHERE id = ANY(CAST(:ids AS varchar[])) AND config_hash IS NOT NULL
""")


def next_documents(
    conn: sa.Connection, within: Within, *, after: Place, limit: int, most_chunks: int
) -> NextDocuments:
    """The live documents behind `after`: so many at most, and no more once they have `most_chunks`;
    at least one, where any is among the next WINDOW rows.
    """
    given = _given(within, after)
    more = {"limit": limit, "most_chunks": most_chunks}
    rows = conn.execute(_statement(_NEXT, *_walk(within)), {**given, **more}).all()
    places: dict[str, Place] = {row[0]: tuple(row[1:5]) for row in rows if row[5]}
    if len(rows) == limit or len(places) < len(rows):
        return NextDocuments(places, [*places.values()][-1], ends=False)
    last = conn.execute(_statement(_WINDOW_ENDS, *_walk(within)), given).one_or_none()
    if last is not None:
        return NextDocuments(places, tuple(last), ends=False)
    return NextDocuments(places, [after, *places.values()][-1], ends=True)


def _walk(within: Within) -> tuple[bool, bool]:
    """Whether it goes by a connection's documents, and whether by a store's."""
    of_connection = within.connection is not None
    return of_connection, within.store is not None and not of_connection


@cache
def _statement(form: str, of_connection: bool, of_store: bool) -> sa.TextClause:
    walk = _OF_CONNECTION if of_connection else _OF_ALL
    if of_store:
        walk += "AND l.store_id = :store"
    order = _ORDER_OF_CONNECTION if of_connection else _ORDER
    place = "l.document_id" if of_connection else _ORDER
    return sa.text(form.format(walk=walk, order=order, place=place))


def _given(within: Within, after: Place) -> dict[str, Any]:
    store_id, source_type, kind, document_id = after
    place = {"store_id": store_id, "source_type": source_type, "kind_of": kind}
    return {**_scope(within), **place, "document_id": document_id, "window": WINDOW}


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
    return list(conn.execute(_CONNECTIONS, _scope(within)).scalars())


def feeders(conn: sa.Connection, document_ids: Collection[str]) -> list[str]:
    """The connections that feed any of these documents, in order."""
    return list(conn.execute(_FEEDERS, {"ids": list(document_ids)}).scalars())


def unfed(conn: sa.Connection, document_ids: Collection[str]) -> list[str]:
    """Those of the documents of which no connection ever spoke: they were imported."""
    return list(conn.execute(_UNFED, {"ids": list(document_ids)}).scalars())


def cut_next(conn: sa.Connection, document_ids: Collection[str]) -> None:
    """Have whoever tells these documents next cut them anew, though the text be the same.

    The caller holds their rows of the ledger.
    """
    if document_ids:
        conn.execute(_CUT_NEXT, {"ids": sorted(document_ids)})


def _scope(within: Within) -> dict[str, Any]:
    return {
        "store": within.store,
        "source": within.source,
        "kind": within.kind,
        "connection": within.connection,
    }
