"""`drizzle-kit pull` and `prisma db pull` of our database: schemas that TypeScript accepts.

drizzle-kit writes what does not compile of a `bytea` column and of an empty default, which the
program's own tables have: readers pull the tables and views that are theirs, by `tablesFilter`.
"""

from __future__ import annotations

import re
from pathlib import Path

import psycopg
import pytest

from tests.typescript.program import prepared, run

pytestmark = [pytest.mark.slow, pytest.mark.integration, pytest.mark.timeout(900)]

SEEDS = (
    "lightfast_docs_documents",
    "lightfast_connected_sources",
    "lightfast_store_sources",
    "lightfast_ingestion_events",
)
_VIEWS = """
SELECT viewname FROM pg_views WHERE schemaname = 'public' AND viewname LIKE 'lightfast_reader_%'
"""
_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return prepared("introspection", tmp_path)


def test_what_drizzle_pulls_of_the_readers_tables_compiles(folder: Path, database_url: str) -> None:
    run(folder, "drizzle-kit", "pull", database_url=database_url)
    run(folder, "tsc", "-p", ".")
    pulled = (folder / "pulled" / "schema.ts").read_text("utf-8")
    tables = set(re.findall(r'pgTable\("(\w+)"', pulled))
    assert tables >= {*SEEDS}
    with psycopg.connect(database_url) as conn:
        views = {row[0] for row in conn.execute(_VIEWS)}
    assert set(re.findall(r'pgView\("(\w+)"', pulled)) == views
    assert "unknown(" not in pulled
    assert 'pgEnum("source_type"' in pulled


def test_what_prisma_pulls_of_all_is_valid_and_compiles(folder: Path, database_url: str) -> None:
    run(folder, "prisma", "db", "pull", database_url=database_url)
    run(folder, "prisma", "validate", database_url=database_url)
    run(folder, "prisma", "generate", database_url=database_url)
    run(folder, "tsc", "-p", ".")
    pulled = (folder / "schema.prisma").read_text("utf-8")
    models = set(re.findall(r"^model (\w+) \{", pulled, re.MULTILINE))
    with psycopg.connect(database_url) as conn:
        tables = {row[0] for row in conn.execute(_TABLES)}
    assert models == tables
    assert re.search(r"^enum source_type \{", pulled, re.MULTILINE)
