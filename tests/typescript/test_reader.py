"""The seed's own queries, run by Drizzle on what our worker wrote: the rows that SQL finds.

`reader/` holds the seed's schema files and its query patterns, as the seed writes them but for one
word: an array is given as `sql.param(…)`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from ingest import types
from ingest.published import Family, published, typescript
from ingest.sources.registry import all_sources
from tests.types.written import says
from tests.typescript.filled import KEY, MENTIONED, PATH, fill
from tests.typescript.program import prepared, run

pytestmark = [pytest.mark.integration, pytest.mark.once, pytest.mark.timeout(300)]

SIX = {"github", "linear", "notion", "sentry", "vercel", "zendesk"}


def test_the_seeds_queries_find_what_the_worker_wrote(
    engine: sa.Engine, database_url: str, tmp_path: Path
) -> None:
    folder = prepared("reader", tmp_path)
    written = typescript(published(all_sources()))
    (folder / "src" / "written.ts").write_text(written, "utf-8")
    run(folder, "tsc", "-p", ".")
    fill(engine)
    found = json.loads(run(folder, "node", "out/main.js", database_url=database_url))
    with psycopg.connect(database_url) as conn:
        _check_queries(conn, found)
        _check_types(conn, found)


def _check_queries(conn: psycopg.Connection, found: Mapping[str, Any]) -> None:
    issue = _ids(conn, "source_type = 'linear' AND source_id = %s", KEY)
    assert [found["issue"]] == issue
    assert [found["file"]] == _ids(conn, "source_type = 'github' AND source_id = %s", PATH)
    assert sorted(found["linearIssues"]) == _ids(conn, "source_type = 'linear'")
    in_progress = "source_type = 'linear' AND source_metadata->>'state' = 'in-progress'"
    assert sorted(found["inProgressIssues"]) == _ids(conn, in_progress)
    assert found["issue"] in found["inProgressIssues"]
    mentioned = "source_type = 'github' AND source_id = ANY(%s)"
    assert sorted(found["relatedDocs"]) == _ids(conn, mentioned, [*MENTIONED])
    assert len(found["relatedDocs"]) == 2
    assert found["asWritten"] == "it fails", "Drizzle has learnt it: say so in docs/reading.md"
    below = "SELECT id FROM lightfast_docs_documents WHERE parent_doc_id = %s ORDER BY created_at"
    comments = [row[0] for row in conn.execute(below, issue)]
    assert found["comments"] == comments
    assert len(comments) == 3
    assert found["createdAt"] == "2026-03-02T15:00:00.000Z"
    assert found["graph"] == _graph(conn)


def _check_types(conn: psycopg.Connection, found: Mapping[str, Any]) -> None:
    """What the guards take for the seed's is what one of the seed's models says all of."""
    sources = {row[0] for row in conn.execute("SELECT source_type FROM lightfast_docs_documents")}
    assert sources >= SIX
    families = published(all_sources())
    for named, family, query in (
        ("Documents", families.documents, "source_metadata FROM lightfast_docs_documents"),
        ("Events", families.events, "event_metadata FROM lightfast_ingestion_events"),
    ):
        rows: dict[str, Any] = dict(conn.execute(f"SELECT id, {query}".encode()).fetchall())
        assert found[named.lower()].keys() == rows.keys()
        seeds = {id_ for id_, value in rows.items() if _is_seeds(family, value)}
        assert set(found[f"seeds{named}"]) == seeds
        assert 0 < len(seeds) < len(rows)
    connections = conn.execute("SELECT id, source_metadata FROM lightfast_connected_sources")
    read = {id_: types.connection_metadata(told) for id_, told in connections}
    assert found["connections"].keys() == read.keys()
    assert all(found["connections"].values())


def _is_seeds(family: Family, value: Any) -> bool:
    return any(says(member.model, value) for member in family.seeds)


def _ids(conn: psycopg.Connection, where: str, *given: Any) -> list[str]:
    query = f"SELECT id FROM lightfast_docs_documents WHERE {where} ORDER BY id"  # noqa: S608
    return [row[0] for row in conn.execute(query.encode(), given or None)]


def _graph(conn: psycopg.Connection) -> list[str]:
    query = """
    SELECT jsonb_array_elements_text(relationships->'graph'->edge)
    FROM lightfast_docs_documents, unnest(ARRAY['resolves', 'relatedTo']) AS edge
    """
    return sorted(row[0] for row in conn.execute(query))
