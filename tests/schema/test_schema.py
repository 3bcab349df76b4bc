"""schema.sql, the migrations, the SQLAlchemy tables and the seed's own DDL: no difference."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from ingest.sources.registry import all_sources, source_types
from ingest.store import catalog, tables
from ingest.store.condition import VERSION_TABLE
from ingest.store.engine import connect, transaction
from ingest.store.tables import seed
from ingest.store.tables.views import VIEWS
from ingest.store.upgrade import add_source_types, upgrade

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2] / "schema"
SCHEMA = ROOT / "schema.sql"

# Typed from the seed (database-schema.md): its SQL for the enum and the documents, and for the
# other three tables what its drizzle definitions mean.
SEED = """
CREATE TABLE lightfast_organizations (id VARCHAR(191) PRIMARY KEY);
CREATE TABLE lightfast_workspaces (id VARCHAR(191) PRIMARY KEY);
CREATE TABLE lightfast_stores (id VARCHAR(191) PRIMARY KEY);

CREATE TYPE source_type AS ENUM (
  'github',
  'linear',
  'notion',
  'sentry',
  'vercel',
  'zendesk'
);

CREATE TABLE lightfast_docs_documents (
  id VARCHAR(191) PRIMARY KEY,
  store_id VARCHAR(191) NOT NULL REFERENCES lightfast_stores(id) ON DELETE CASCADE,

  -- Source identification
  source_type source_type NOT NULL,
  source_id VARCHAR(255) NOT NULL,
  source_metadata JSONB NOT NULL,

  -- Document hierarchy
  parent_doc_id VARCHAR(191),

  -- Content metadata
  slug VARCHAR(256) NOT NULL,
  content_hash VARCHAR(64) NOT NULL,
  config_hash VARCHAR(64),
  frontmatter JSONB,
  chunk_count INTEGER DEFAULT 0 NOT NULL,

  -- Relationships
  relationships JSONB,

  -- Timestamps
  created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
);

-- Indexes
CREATE INDEX idx_docs_store ON lightfast_docs_documents(store_id);
CREATE INDEX idx_docs_store_slug ON lightfast_docs_documents(store_id, slug);
CREATE INDEX idx_docs_source_type ON lightfast_docs_documents(source_type);
CREATE INDEX idx_docs_source_id ON lightfast_docs_documents(source_type, source_id);
CREATE INDEX idx_docs_parent ON lightfast_docs_documents(parent_doc_id);
CREATE UNIQUE INDEX uq_docs_store_slug ON lightfast_docs_documents(store_id, slug);

-- Optional: GIN index for JSONB queries
CREATE INDEX idx_docs_metadata_gin ON lightfast_docs_documents USING GIN (source_metadata);
CREATE INDEX idx_docs_relationships_gin ON lightfast_docs_documents USING GIN (relationships);

CREATE TABLE lightfast_connected_sources (
  id VARCHAR(191) PRIMARY KEY,
  organization_id VARCHAR(191) NOT NULL REFERENCES lightfast_organizations(id) ON DELETE CASCADE,
  workspace_id VARCHAR(191) REFERENCES lightfast_workspaces(id) ON DELETE SET NULL,
  source_type source_type NOT NULL,
  display_name VARCHAR(255) NOT NULL,
  source_metadata JSONB NOT NULL,
  is_active BOOLEAN NOT NULL DEFAULT true,
  config_status VARCHAR(16) DEFAULT 'pending',
  document_count INTEGER NOT NULL DEFAULT 0,
  last_synced_at TIMESTAMP,
  last_ingested_at TIMESTAMP,
  connected_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
  created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX idx_sources_org ON lightfast_connected_sources(organization_id);
CREATE INDEX idx_sources_workspace ON lightfast_connected_sources(workspace_id);
CREATE INDEX idx_sources_type ON lightfast_connected_sources(source_type);
CREATE INDEX idx_sources_org_type ON lightfast_connected_sources(organization_id, source_type);
CREATE INDEX idx_sources_org_active ON lightfast_connected_sources(organization_id, is_active);

CREATE TABLE lightfast_store_sources (
  id VARCHAR(191) PRIMARY KEY,
  store_id VARCHAR(191) NOT NULL REFERENCES lightfast_stores(id) ON DELETE CASCADE,
  source_id VARCHAR(191) NOT NULL REFERENCES lightfast_connected_sources(id) ON DELETE CASCADE,
  linked_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX idx_store_sources_store ON lightfast_store_sources(store_id);
CREATE INDEX idx_store_sources_source ON lightfast_store_sources(source_id);
CREATE UNIQUE INDEX uq_store_sources_link ON lightfast_store_sources(store_id, source_id);

CREATE TABLE lightfast_ingestion_events (
  id VARCHAR(191) PRIMARY KEY,
  store_id VARCHAR(191) NOT NULL REFERENCES lightfast_stores(id) ON DELETE CASCADE,
  source_type source_type NOT NULL,
  event_key VARCHAR(255) NOT NULL,
  event_metadata JSONB NOT NULL,
  status VARCHAR(16) NOT NULL DEFAULT 'processed',
  processed_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX idx_events_store ON lightfast_ingestion_events(store_id);
CREATE INDEX idx_events_type ON lightfast_ingestion_events(source_type);
CREATE INDEX idx_events_status ON lightfast_ingestion_events(status);
CREATE UNIQUE INDEX uq_event_key ON lightfast_ingestion_events(store_id, source_type, event_key);
"""
SEEDS_SOURCES = {name for name, source in all_sources().items() if source.seed_types}
OF_VIEWS = ("view lightfast_reader_", "column lightfast_reader_")
SEED_TABLES = (seed.DOCUMENTS, seed.CONNECTED_SOURCES, seed.STORE_SOURCES, seed.EVENTS)


def test_the_file_and_the_migrations_build_the_same(empty_database: Callable[[], str]) -> None:
    by_file, by_migrations = empty_database(), empty_database()
    _run(by_file, SCHEMA.read_text())
    made = connect(by_migrations)
    upgrade(made, [])
    made.dispose()
    assert _public(by_migrations) == _public(by_file), "write the next migration"
    assert _triggers(by_migrations) == _triggers(by_file), "write the next migration"


def test_the_file_and_the_sqlalchemy_tables_build_the_same(
    empty_database: Callable[[], str],
) -> None:
    """The file has the seed's sources; others that are installed come after them."""
    by_file, by_tables = empty_database(), empty_database()
    _run(by_file, SCHEMA.read_text())
    filed, made = connect(by_file), connect(by_tables)
    with transaction(filed) as conn:
        added = add_source_types(conn, source_types())
    with transaction(made) as conn:
        tables.create_all(conn, [*(n for n in source_types() if n not in added), *added])
    for engine in (filed, made):
        engine.dispose()
    assert not set(added) & SEEDS_SOURCES
    assert _public(by_tables) == {f for f in _public(by_file) if not f.startswith(OF_VIEWS)}


def test_the_file_and_the_sqlalchemy_views_have_the_same_columns(
    empty_database: Callable[[], str],
) -> None:
    """Made as tables, the views that SQLAlchemy knows have the columns of the real ones."""
    by_file, by_tables = empty_database(), empty_database()
    _run(by_file, SCHEMA.read_text())
    made = connect(by_tables)
    with transaction(made) as conn:
        conn.exec_driver_sql("CREATE TYPE source_type AS ENUM ('one')")
        VIEWS.create_all(conn, checkfirst=False)
    made.dispose()
    names = sorted(VIEWS.tables)
    real = {fact for fact in _described(by_file, names) if fact.startswith("column ")}
    known = {fact for fact in _described(by_tables, names) if fact.startswith("column ")}
    assert real == known
    assert _views(by_file) == set(names), "a view is missing in store/tables/views"


def test_the_seeds_tables_stay_exactly_as_the_seed_writes_them(
    empty_database: Callable[[], str],
) -> None:
    """Columns, constraints and the enum are equal; indexes may be added beside the seed's."""
    by_file, by_seed = empty_database(), empty_database()
    _run(by_file, SCHEMA.read_text())
    _run(by_seed, SEED)
    names = [table.name for table in SEED_TABLES]
    ours, theirs = _described(by_file, names), _described(by_seed, names)
    assert {x for x in ours - theirs if not x.startswith("index ")} == set()
    assert theirs - ours == set()


def test_the_catalogs_are_compared_in_depth(empty_database: Callable[[], str]) -> None:
    """The other tests of this file are worth what this one finds."""
    database = empty_database()
    _run(database, SCHEMA.read_text())
    names = [
        "lightfast_webhook_deliveries",
        "lightfast_document_ledger",
        "lightfast_reader_changed",
    ]
    told = _described(database, names)
    assert {
        "column lightfast_webhook_deliveries.id 1 bigint NOT NULL IDENTITY a",
        "column lightfast_webhook_deliveries.next_attempt_at 16 timestamp with time zone NOT NULL"
        " DEFAULT now()",
        "column lightfast_document_ledger.rank 11 text COLLATE C",
        "index CREATE UNIQUE INDEX uq_deliveries_body ON lightfast_webhook_deliveries USING btree"
        " (delivery_key, connection_id, source_type, body_hash) NULLS NOT DISTINCT",
        "index CREATE INDEX idx_ledger_parent ON lightfast_document_ledger USING btree (parent)"
        " WHERE (parent IS NOT NULL)",
        "constraint lightfast_document_ledger lightfast_document_ledger_store_id_fkey FOREIGN KEY"
        " (store_id) REFERENCES lightfast_stores(id) ON DELETE CASCADE",
    } <= told
    for change in (
        "CREATE OR REPLACE VIEW lightfast_reader_changed AS SELECT d.store_id, d.updated_at,"
        " d.id AS document_id, d.source_type, l.kind, d.source_id, d.slug, d.parent_doc_id,"
        " d.content_hash, d.config_hash, d.chunk_count, d.created_at"
        " FROM lightfast_docs_documents d JOIN lightfast_document_ledger l ON l.document_id = d.id",
        "ALTER TABLE lightfast_document_ledger ALTER fed DROP DEFAULT",
        "ALTER TABLE lightfast_document_ledger DROP CONSTRAINT ck_ledger_state",
        "DROP INDEX idx_deliveries_due",
        "ALTER TABLE lightfast_document_ledger ALTER scope TYPE varchar(9)",
        "ALTER TABLE lightfast_document_ledger ALTER scope DROP NOT NULL",
    ):
        _run(database, change)
        before, told = told, _described(database, names)
        assert before != told, change


def _run(url: str, statements: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(statements.encode())


def _public(url: str) -> frozenset[str]:
    """Everything in the database, but for the record of the version."""
    made = connect(url)
    with transaction(made) as conn:
        looked = sa.inspect(conn)
        names = {*looked.get_table_names(), *looked.get_view_names()} - {VERSION_TABLE}
        told = catalog.tables(conn, names) | catalog.enums(conn)
    made.dispose()
    return told


def _views(url: str) -> set[str]:
    made = connect(url)
    with transaction(made) as conn:
        names = set(sa.inspect(conn).get_view_names())
    made.dispose()
    return names


def _triggers(url: str) -> frozenset[str]:
    """What writes beside whoever writes; the SQLAlchemy tables know none of it."""
    made = connect(url)
    with transaction(made) as conn:
        told = catalog.triggers(conn, sa.inspect(conn).get_table_names())
    made.dispose()
    assert len(told) > 10
    return told


def _described(url: str, names: list[str]) -> frozenset[str]:
    made = connect(url)
    with transaction(made) as conn:
        told = catalog.tables(conn, names) | catalog.enums(conn)
    made.dispose()
    return told
