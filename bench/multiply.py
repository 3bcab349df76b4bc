"""Multiplies what processing really left: a database grows to a million documents in minutes.

The deliveries of a template are received and processed as any others; every table that this wrote
is then copied part by part, each part with ids, keys, numbers and times of its own, as wide. Two
fifths of the parts belong to the template's store and its two connections, the others are spread
over further stores and connections, as tenants are. Beside the copies stand some rows that the
template's deliveries do not lead to: former keys, keys in another spelling, deliveries that were
skipped or are duplicates or dead, and a source of which nothing has come for long.

Law: a number of the template is 4000 and three digits (of what never comes 9000 and three), and in
a part those four are the part's own, wherever they stand: from 1000 (6000) on. A document id is the
MD5 of the one that it is a copy of and the part.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import psycopg

from bench.stage import STORE, Stage
from ingest.store import connections
from ingest.store.engine import transaction

TEMPLATE = 1_000
"""Documents of the template, at most."""
FIRST = 4_000_000
"""The number of its first delivery."""
PARTS = 1_000
"""A part's number is below this."""
PAIRS, STORES = 28, 19
"""Further pairs of connections (one of GitHub, one of Linear), and further stores."""
QUIET, QUIET_DELIVERIES = "vercel", 50
AT_ONCE = 50
"""Parts of one transaction."""
_LATE = ("idx_docs_metadata_gin", "idx_docs_relationships_gin")
"""Built behind the rows: one entry at a time, a million documents would take an hour."""
_KEPT = (
    "lightfast_webhook_deliveries",
    "lightfast_document_ledger",
    "lightfast_docs_documents",
    "lightfast_document_chunks",
    "lightfast_document_references",
    "lightfast_document_feeds",
    "lightfast_ingestion_events",
    "lightfast_connection_facts",
    "lightfast_trail_steps",
    "lightfast_document_outbox",
)
"""What the template's deliveries wrote."""

_METADATA: Mapping[str, Mapping[str, str]] = {
    "github": {"type": "github", "githubRepoId": "tenant-{}", "repoFullName": "tenant/{}"},
    "linear": {"type": "linear", "linearTeamId": "tenant-{}", "linearTeamKey": "T{}",
               "linearOrganizationId": "tenant-{}", "teamName": "Tenant {}"},
    QUIET: {"type": QUIET, "vercelProjectId": "quiet", "projectName": "quiet"},
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """Where the copies are: a database whose template was taken, and so many documents in it."""

    url: str
    documents: int


def take_template(place: Stage) -> Place:
    """Keep what was processed so far, of which all is the template, and connect the others."""
    with transaction(place.engine) as conn:
        conn.exec_driver_sql("CREATE SCHEMA growth")
        conn.exec_driver_sql(_OWNERS)
        conn.exec_driver_sql(_FUNCTIONS)
        for n in range(1, PAIRS + 1):
            store = f"store-{n % STORES:02}"
            of_pair = {
                source: connections.create(
                    conn,
                    source_type=source,
                    name=f"tenant {n}",
                    metadata={name: one.format(n) for name, one in _METADATA[source].items()},
                    tenants=(f"tenant-{n}",),
                    store_ids=[store],
                )
                for source in ("github", "linear")
            }
            conn.exec_driver_sql(_PAIR, (n, store, of_pair["github"], of_pair["linear"]))
        own = place.connections
        conn.exec_driver_sql(_PAIR, (0, STORE, own.github, own.linear))
        quiet = connections.create(
            conn,
            source_type=QUIET,
            name="quiet",
            metadata=_METADATA[QUIET],
            tenants=("quiet",),
            store_ids=[STORE],
        )
        conn.exec_driver_sql(_QUIET, (quiet, QUIET_DELIVERIES))
        for table in _KEPT:
            kept = table.removeprefix("lightfast_")
            conn.exec_driver_sql(f"CREATE TABLE growth.{kept} AS SELECT * FROM {table}")
        conn.exec_driver_sql(_NOT_WHOLE)
        (documents,) = conn.exec_driver_sql("SELECT count(*) FROM growth.t_documents").one()
    assert 0 < documents <= TEMPLATE, documents
    return Place(place.database_url, documents)


def without_late_indexes(place: Place) -> list[str]:
    """Drop the indexes that are built behind the rows; the statements that make them again."""
    with psycopg.connect(place.url, autocommit=True) as conn:
        found = conn.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE indexname = ANY(%s)", [[*_LATE]]
        ).fetchall()
        for name, _ in found:
            conn.execute(f"DROP INDEX {name}".encode())
    return [made for _, made in found]


def build(place: Place, indexes: list[str]) -> None:
    """Make them, and put tables and statistics in order, as autovacuum does in time."""
    with psycopg.connect(place.url, autocommit=True) as conn:
        conn.execute("SET maintenance_work_mem = '1GB'")
        for statement in indexes:
            conn.execute(statement.encode())
        conn.execute("VACUUM ANALYZE")
        conn.execute("CHECKPOINT")


def multiply(place: Place, parts: Iterator[int], documents: int) -> int:
    """Copy the template so often as makes these many documents; how many were made."""
    count = -(-documents // place.documents)
    left = [*itertools.islice(parts, count)]
    assert len(left) == count, "more documents than there are numbers for"
    for at in range(0, count, AT_ONCE):
        with psycopg.connect(place.url) as conn:
            conn.execute("SET LOCAL session_replication_role = replica")
            conn.execute("SET LOCAL synchronous_commit = off")
            conn.execute("SET LOCAL work_mem = '64MB'")
            conn.execute(_BASES, {"parts": left[at : at + AT_ONCE]})
            for statement in _COPIES:
                conn.execute(statement.encode())
    return count * place.documents


_OWNERS = f"""
INSERT INTO lightfast_stores (id, workspace_id, slug, index_name)
SELECT s, 'w', s, s FROM (
  SELECT 'store-' || lpad(CAST(n AS text), 2, '0') AS s FROM generate_series(0, {STORES - 1}) n) n;
CREATE TABLE growth.pairs (n int PRIMARY KEY, store varchar, github varchar, linear varchar);
"""
_PAIR = "INSERT INTO growth.pairs VALUES (%s, %s, %s, %s)"
# The oldest of the queue, all of them below the template's copies.
_QUIET = f"""
INSERT INTO lightfast_webhook_deliveries
  (source_type, connection_id, delivery_key, body_hash, headers, body, status, reason, attempts,
   received_at, settled_at, lane)
SELECT '{QUIET}', c.id, 'quiet-' || n, sha256(CAST(CAST(n AS text) AS bytea)), '{{}}', '{{}}',
  CASE WHEN mod(n, 10) = 0 THEN 'duplicate' ELSE 'skipped' END, 'not of interest', 1,
  now() - interval '29 days', now() - interval '29 days', c.id
FROM (SELECT CAST(%s AS varchar) AS id) c, generate_series(1, %s) n
"""
_FUNCTIONS = """
CREATE FUNCTION growth.text_of(told text, part int) RETURNS text LANGUAGE sql IMMUTABLE AS
$$ SELECT replace(replace(told, '9000', CAST(6000 + part AS text)), '4000',
                  CAST(1000 + part AS text)) $$;
CREATE FUNCTION growth.id_of(id text, part int) RETURNS varchar LANGUAGE sql IMMUTABLE AS
$$ SELECT CAST(CAST(md5(id || part) AS uuid) AS varchar) $$;
CREATE FUNCTION growth.slug_of(slug text, part int) RETURNS text LANGUAGE sql IMMUTABLE AS
$$ SELECT growth.text_of(left(slug, -12), part) || left(md5(slug || part), 12) $$;
CREATE FUNCTION growth.settled(part int) RETURNS timestamptz LANGUAGE sql STABLE AS
$$ SELECT now() - CASE WHEN mod(part, 50) = 0 THEN interval '40 days'
                       ELSE (1000 - part) * interval '40 minutes' END $$;
"""
# What the template's comments are about is no document of it; positions of its own has the outbox.
_NOT_WHOLE = """
CREATE TABLE growth.t_documents AS SELECT id FROM growth.docs_documents;
CREATE TABLE growth.deliveries AS
SELECT d.*, row_number() OVER (ORDER BY d.id) AS place
FROM growth.webhook_deliveries d WHERE d.source_type <> 'vercel';
CREATE UNIQUE INDEX ON growth.deliveries (id);
"""
_BASES = """
CREATE TEMPORARY TABLE parts ON COMMIT DROP AS
SELECT g.part, p.store, p.github, p.linear, (g.nth - 1) * t.each + d.last AS base,
       g.nth * o.each + h.last AS told
FROM unnest(CAST(%(parts)s AS int[])) WITH ORDINALITY AS g(part, nth)
JOIN growth.pairs p ON p.n = CASE WHEN mod(g.part, 5) < 2 THEN 0 ELSE 1 + mod(g.part, 28) END,
  (SELECT count(*) AS each FROM growth.deliveries) t,
  (SELECT coalesce(max(id), 0) AS last FROM lightfast_webhook_deliveries) d,
  (SELECT max(position) AS each FROM growth.document_outbox) o,
  (SELECT last FROM lightfast_outbox_head) h
"""
_CONNECTION = "CASE WHEN t.source_type = 'github' THEN p.github ELSE p.linear END"
_SOURCE = """
(SELECT g.source_type FROM growth.deliveries g WHERE g.connection_id = t.connection_id LIMIT 1)
"""
_COPIES = (
    f"""
INSERT INTO lightfast_webhook_deliveries
  (id, source_type, connection_id, delivery_key, body_hash, headers, body, status, reason, attempts,
   next_attempt_at, received_at, settled_at, lane)
OVERRIDING SYSTEM VALUE
SELECT p.base + t.place, t.source_type, {_CONNECTION}, growth.text_of(t.delivery_key, p.part),
  sha256(t.body_hash || int4send(p.part)), t.headers, t.body,
  CASE WHEN mod(t.place, 1000) = 500 THEN 'dead' WHEN mod(t.place, 50) = 7 THEN 'skipped'
       ELSE t.status END, t.reason, t.attempts, growth.settled(p.part), growth.settled(p.part),
  growth.settled(p.part) + interval '1 second', {_CONNECTION}
FROM parts p CROSS JOIN growth.deliveries t ORDER BY p.base + t.place""",
    """
SELECT setval(pg_get_serial_sequence('lightfast_webhook_deliveries', 'id'), max(id))
FROM lightfast_webhook_deliveries""",
    """
INSERT INTO lightfast_document_ledger
  (identity, document_id, store_id, source_type, scope, kind, external_id, slug, source_id, parent,
   rank, state, fed, visible, patches, revision, made, heard_at, created_at, created_rank, reading)
SELECT CAST(growth.id_of(t.document_id, p.part) AS uuid), growth.id_of(t.document_id, p.part),
  p.store, t.source_type, t.scope, t.kind, growth.text_of(t.external_id, p.part),
  growth.slug_of(t.slug, p.part), growth.text_of(t.source_id, p.part),
  CAST(growth.id_of(CAST(t.parent AS text), p.part) AS uuid), t.rank, t.state, t.fed, t.visible,
  t.patches, t.revision, t.made, growth.settled(p.part), t.created_at + p.part * interval '1 hour',
  t.created_rank, t.reading
FROM parts p CROSS JOIN growth.document_ledger t""",
    """
INSERT INTO lightfast_docs_documents
  (id, store_id, source_type, source_id, source_metadata, parent_doc_id, slug, content_hash,
   config_hash, frontmatter, chunk_count, relationships, created_at, updated_at)
SELECT growth.id_of(t.id, p.part), p.store, t.source_type, growth.text_of(t.source_id, p.part),
  CAST(growth.text_of(CAST(t.source_metadata AS text), p.part) AS jsonb),
  growth.id_of(t.parent_doc_id, p.part), growth.slug_of(t.slug, p.part),
  md5(t.content_hash || p.part) || md5(t.content_hash), t.config_hash, t.frontmatter, t.chunk_count,
  CAST(growth.text_of(CAST(t.relationships AS text), p.part) AS jsonb),
  t.created_at + p.part * interval '1 hour', growth.settled(p.part) AT TIME ZONE 'UTC'
FROM parts p CROSS JOIN growth.docs_documents t""",
    """
INSERT INTO lightfast_document_chunks (document_id, position, start, text, updated_at)
SELECT growth.id_of(t.document_id, p.part), t.position, t.start, growth.text_of(t.text, p.part),
  growth.settled(p.part)
FROM parts p CROSS JOIN growth.document_chunks t""",
    """
INSERT INTO lightfast_document_references
  (document_id, kind, target_source, target_key, origin, evidence, store_id, target_document_id,
   bind_key)
SELECT growth.id_of(t.document_id, p.part), t.kind, t.target_source,
  growth.text_of(t.target_key, p.part), t.origin, growth.text_of(t.evidence, p.part), p.store,
  growth.id_of(t.target_document_id, p.part), growth.text_of(t.bind_key, p.part)
FROM parts p CROSS JOIN growth.document_references t""",
    f"""
INSERT INTO lightfast_document_feeds (document_id, connection_id, feeding, rank, revision)
SELECT growth.id_of(t.document_id, p.part), {_CONNECTION}, t.feeding, t.rank, t.revision
FROM parts p CROSS JOIN (
  SELECT f.*, d.source_type FROM growth.document_feeds f
  JOIN growth.docs_documents d ON d.id = f.document_id) t""",
    """
INSERT INTO lightfast_ingestion_events
  (id, store_id, source_type, event_key, event_metadata, status, processed_at)
SELECT growth.id_of(t.id, p.part), p.store, t.source_type, growth.text_of(t.event_key, p.part),
  CAST(growth.text_of(CAST(t.event_metadata AS text), p.part) AS jsonb), t.status,
  growth.settled(p.part) AT TIME ZONE 'UTC'
FROM parts p CROSS JOIN growth.ingestion_events t""",
    f"""
INSERT INTO lightfast_connection_facts (connection_id, fact, event_key)
SELECT {_CONNECTION}, CAST(growth.id_of(CAST(t.fact AS text), p.part) AS uuid),
  growth.text_of(t.event_key, p.part)
FROM parts p CROSS JOIN (
  SELECT t.*, {_SOURCE} AS source_type FROM growth.connection_facts t) t""",
    f"""
INSERT INTO lightfast_trail_steps
  (at, document_id, connection_id, delivery_id, did, hash_before, hash_after)
SELECT growth.settled(p.part), growth.id_of(t.document_id, p.part), {_CONNECTION}, p.base + t.place,
  t.did, t.hash_before, md5(t.hash_after || p.part) || md5(t.hash_after)
FROM parts p CROSS JOIN (
  SELECT s.*, d.source_type, d.place FROM growth.trail_steps s
  JOIN growth.deliveries d ON d.id = s.delivery_id) t ORDER BY p.base + t.place""",
    """
INSERT INTO lightfast_document_outbox
  (position, transaction_id, written_at, said, documents, document_ids, store_ids, source_types,
   source_ids, content_hashes, config_hashes, updated_at, fields, chunks, added, removed)
SELECT p.told + t.position, t.transaction_id, now() - interval '1 hour', t.said, t.documents,
  (SELECT array_agg(growth.id_of(i, p.part)) FROM unnest(t.document_ids) i),
  array_fill(CAST(p.store AS text), ARRAY[t.documents]), t.source_types,
  (SELECT array_agg(growth.text_of(i, p.part)) FROM unnest(t.source_ids) i), t.content_hashes,
  t.config_hashes, t.updated_at, t.fields, t.chunks, t.added, t.removed
FROM parts p CROSS JOIN growth.document_outbox t ORDER BY p.told + t.position""",
    """
UPDATE lightfast_outbox_head h SET last = o.last
FROM (SELECT max(position) AS last FROM lightfast_document_outbox) o""",
    """
INSERT INTO lightfast_document_aliases (document_id, alias, store_id, source_type)
SELECT growth.id_of(t.id, p.part), 'old-' || growth.text_of(t.source_id, p.part), p.store,
  t.source_type
FROM parts p CROSS JOIN growth.docs_documents t WHERE mod(hashtext(t.id), 20) = 0""",
    """
INSERT INTO lightfast_folded_keys (document_id, key, store_id, source_type, former)
SELECT growth.id_of(t.id, p.part), lower(growth.text_of(t.source_id, p.part)), p.store,
  t.source_type, false
FROM parts p CROSS JOIN growth.docs_documents t WHERE mod(hashtext(t.id), 10) = 0""",
)
