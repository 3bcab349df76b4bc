"""The naive way, as a Celery app: one task and one transaction for each event.

It uses our adapters and our chunking, so that only the way of working differs: a message carries
one delivery's id, or the whole payload where a handler hands it over (`take`); its task asks who is
newer, writes the same rows with one plain statement for each, and commits.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

import orjson
import psycopg
from celery import Celery

from ingest.core.changes import Upsert
from ingest.core.folding import LedgerRow
from ingest.core.identity import document_id, document_slug, event_id
from ingest.core.ranks import rank
from ingest.core.values import JSON, loads
from ingest.flows.documents.draft import draft
from ingest.flows.documents.render import Renders, StoreConfig
from ingest.sources.contract import Message, Source
from ingest.sources.registry import source

app = Celery("naive", broker=os.environ.get("REDIS_URL"))
app.conf.update(
    task_ignore_result=True, task_default_queue="naive", worker_hijack_root_logger=False
)

_STORE = StoreConfig("bench", "char-hash-1536", 1536, 512, 50, {"linear": {"SHOP"}})


@cache
def _connection() -> psycopg.Connection[Any]:
    return psycopg.connect(os.environ["DATABASE_URL"])


@app.task(name="naive.ingest")
def ingest(delivery_id: int) -> None:
    """One delivery, from its row to its documents, in one transaction."""
    with _connection().transaction():
        _ingest(_connection(), delivery_id)


def _ingest(conn: psycopg.Connection[Any], delivery_id: int) -> None:
    row = conn.execute(_READ, [delivery_id]).fetchone()
    assert row is not None
    source_type, connection_id, key, headers, body, received_at = row
    payload = loads(body)
    assert isinstance(payload, dict)
    found = source(source_type)
    message = Message(headers, payload, key, received_at, _tenant(found, headers, payload))
    new = _apply(conn, found, message, connection_id)
    conn.execute(_SETTLE, ["processed" if new else "duplicate", delivery_id])


@app.task(name="naive.take")
def take(
    source_type: str, connection_id: str, headers: dict[str, str], payload: dict[str, Any]
) -> None:
    """A webhook out of its message, which is all there is of it, in one transaction."""
    found = source(source_type)
    key = found.descriptor.delivery_key(headers, payload)
    assert key is not None
    scope = _tenant(found, headers, payload)
    message = Message(headers, payload, key, datetime.now(UTC), scope)
    with _connection().transaction():
        _apply(_connection(), found, message, connection_id)


def _tenant(found: Source, headers: Mapping[str, str], payload: Mapping[str, JSON]) -> str:
    (tenant,) = found.descriptor.tenants(headers, payload)
    return tenant


def _apply(
    conn: psycopg.Connection[Any], found: Source, message: Message, connection_id: str
) -> bool:
    """The event and its documents; whether the event was new."""
    source_type, key = found.descriptor.source_type, message.delivery_key
    meaning = found.normalise(message)
    event = event_id(_STORE.id, source_type, key)
    new = conn.execute(_EVENT, [event, _STORE.id, source_type, key, _json(meaning.event)]).rowcount
    for change in meaning.untokened if new else ():
        assert isinstance(change, Upsert)
        _write(conn, change, connection_id)
    return bool(new)


def _write(conn: psycopg.Connection[Any], change: Upsert, connection_id: str) -> None:
    named, key = change.identity, document_id(change.identity, _STORE.id)
    ranked = rank(change)
    known = conn.execute(_LEDGER, [key]).fetchone()
    if known is not None and str(known[0]) >= ranked:
        return
    slug = document_slug(named, _STORE.id)
    ledger = LedgerRow(
        key, key, _STORE.id, named.source_type, named.scope, named.kind, named.id, slug,
        created_at=change.created_at,
    )  # fmt: skip
    renders = Renders()
    made = draft(renders.render(change, _STORE), change.metadata, ledger, None, store=_STORE)
    pieces = renders.cut(change, _STORE).chunks
    conn.execute(
        _NEW_LEDGER,
        [key, key, _STORE.id, named.source_type, named.scope, named.kind, named.id, slug,
         change.source_id, ranked],
    )  # fmt: skip
    made.row["chunk_count"] = len(pieces)
    values = [_json(v) if isinstance(v, dict) else v for v in made.row.values()]
    conn.execute(_DOCUMENT, values)
    conn.execute(_FEED, [key, connection_id])
    for piece in pieces:
        conn.execute(_CHUNK, [key, piece.position, piece.start, piece.text])
    for reference in made.references:
        conn.execute(
            _REFERENCE,
            [key, reference.kind, reference.source, reference.key, reference.origin,
             reference.evidence, _STORE.id, _STORE.id, reference.source, reference.key],
        )  # fmt: skip
    conn.execute(_BIND, [key, _STORE.id, named.source_type, change.source_id])


def _json(value: object) -> str:
    return orjson.dumps(value).decode()


_READ = """
SELECT source_type::text, connection_id, delivery_key, headers, body, received_at
FROM lightfast_webhook_deliveries WHERE id = %s FOR UPDATE
"""
_EVENT = """
INSERT INTO lightfast_ingestion_events
  (id, store_id, source_type, event_key, event_metadata)
VALUES (%s, %s, %s, %s, %s) ON CONFLICT (store_id, source_type, event_key) DO NOTHING
"""
_LEDGER = "SELECT rank FROM lightfast_document_ledger WHERE identity = %s FOR UPDATE"
_NEW_LEDGER = """
INSERT INTO lightfast_document_ledger
  (identity, document_id, store_id, source_type, scope, kind, external_id, slug, source_id, rank,
   state)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, 'live')
"""
_DOCUMENT = """
INSERT INTO lightfast_docs_documents
  (id, store_id, source_type, source_id, source_metadata, parent_doc_id, slug, content_hash,
   config_hash, frontmatter, chunk_count, relationships, created_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
_FEED = "INSERT INTO lightfast_document_feeds (document_id, connection_id) VALUES (%s, %s)"
_CHUNK = """
INSERT INTO lightfast_document_chunks (document_id, position, start, text) VALUES (%s, %s, %s, %s)
"""
_REFERENCE = """
INSERT INTO lightfast_document_references
  (document_id, kind, target_source, target_key, origin, evidence, store_id, target_document_id)
VALUES (%s, %s, %s, %s, %s, %s, %s, (
  SELECT id FROM lightfast_docs_documents
  WHERE store_id = %s AND source_type = %s AND source_id = %s
))
"""
_BIND = """
UPDATE lightfast_document_references SET target_document_id = %s
WHERE store_id = %s AND target_source = %s AND target_key = %s AND target_document_id IS NULL
"""
_SETTLE = """
UPDATE lightfast_webhook_deliveries
SET status = %s, settled_at = clock_timestamp(), attempts = attempts + 1 WHERE id = %s
"""
