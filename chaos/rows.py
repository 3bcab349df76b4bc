"""What the rows are, read by plain SQL, so that nothing of the program is believed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import psycopg
from psycopg.rows import namedtuple_row

from chaos.told import Link, Thing

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Document:
    """A row of the documents with what belongs to it."""

    id: str
    thing: Thing
    key: str
    metadata: Mapping[str, Any]
    text: str
    parent: Thing | None
    links: Mapping[Link, Thing | None]
    found_by: frozenset[str]


class Delivery(NamedTuple):
    """A row of the deliveries; times in seconds since 1970."""

    id: int
    source_type: str
    delivery_key: str
    status: str
    reason: str | None
    attempts: int
    setbacks: int
    last_error: str | None
    received_at: float
    settled_at: float | None


@dataclass(frozen=True, slots=True)
class Rows:
    """All that a run left. events: how many there are by source type and key."""

    documents: list[Document]
    deliveries: list[Delivery]
    events: Counter[Key]


def read(database_url: str) -> Rows:
    """Everything, in one snapshot."""
    with psycopg.connect(database_url, row_factory=namedtuple_row) as conn:
        conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        return Rows(_documents(conn), _deliveries(conn), _events(conn))


def _documents(conn: psycopg.Connection[Any]) -> list[Document]:
    things = {
        row.document_id: (row.source_type, row.kind, row.external_id)
        for row in conn.execute(
            "SELECT document_id, source_type::text, kind, external_id"
            " FROM lightfast_document_ledger"
        )
    }
    texts = _gathered(
        conn,
        "SELECT document_id, text FROM lightfast_document_chunks ORDER BY document_id, position",
    )
    found_by = _gathered(conn, "SELECT document_id, alias FROM lightfast_document_aliases")
    links: dict[str, dict[Link, Thing | None]] = {}
    for row in conn.execute(
        "SELECT document_id, kind, target_source::text AS of, target_key,"
        " target_document_id AS target FROM lightfast_document_references"
        " WHERE kind <> 'deployment'"  # hangs on which heads of a branch were seen
    ):
        link = Link(row.kind, row.of, row.target_key)
        links.setdefault(row.document_id, {})[link] = things.get(row.target)
    return [
        Document(
            row.id,
            things[row.id],
            row.source_id,
            row.source_metadata,
            "\n".join(texts.get(row.id, ())),
            things.get(row.parent_doc_id),
            links.get(row.id, {}),
            frozenset(found_by.get(row.id, ())),
        )
        for row in conn.execute(
            "SELECT id, source_id, source_metadata, parent_doc_id FROM lightfast_docs_documents"
        )
    ]


def _gathered(conn: psycopg.Connection[Any], query: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for of, value in conn.execute(query.encode()):
        found.setdefault(of, []).append(value)
    return found


def _deliveries(conn: psycopg.Connection[Any]) -> list[Delivery]:
    rows = conn.execute(
        "SELECT id, source_type::text, delivery_key, status, reason,"
        " attempts, setbacks, last_error,"
        " extract(epoch FROM received_at)::float8 AS received_at,"
        " extract(epoch FROM settled_at)::float8 AS settled_at"
        " FROM lightfast_webhook_deliveries ORDER BY id"
    )
    return [Delivery(*row) for row in rows]


def _events(conn: psycopg.Connection[Any]) -> Counter[Key]:
    rows = conn.execute(
        "SELECT source_type::text, event_key, count(*)"
        " FROM lightfast_ingestion_events GROUP BY 1, 2"
    )
    return Counter({(source, key): count for source, key, count in rows})
