"""The database that is grown has the rows that it says, whole and bound, in every table."""

from __future__ import annotations

import psycopg
import pytest
import sqlalchemy as sa

from bench import growth, multiply
from bench.stage import RESULT_TABLES, SCHEMA, Stage, connected
from ingest.store.engine import connect
from tests.databases import empty_databases

PLAN = growth.Plan(sizes=(400, 900), template=100, runs=1, new=60, slices=2, visits=1)
_ORPHANS = """
SELECT count(*) FROM lightfast_document_references r
LEFT JOIN lightfast_docs_documents d ON d.id = r.document_id
LEFT JOIN lightfast_docs_documents t ON t.id = r.target_document_id
WHERE d.id IS NULL OR (t.id IS NULL AND r.target_document_id IS NOT NULL)
   OR t.store_id <> r.store_id OR d.store_id <> r.store_id
"""
_SPREAD = """
SELECT count(DISTINCT d.store_id), count(DISTINCT f.connection_id),
       count(*) FILTER (WHERE d.store_id = 'bench') > count(*) / 4
FROM lightfast_docs_documents d JOIN lightfast_document_feeds f ON f.document_id = d.id
"""


@pytest.mark.integration
@pytest.mark.once  # a benchmark brings its own server
def test_what_was_grown_is_as_what_was_processed(
    postgres_url: str, database_url: str, engine: sa.Engine
) -> None:
    """The steps assert for themselves what they left; the copies hang together as the template."""
    place = Stage(database_url, "", engine, connected(engine))
    with empty_databases(postgres_url) as make:
        url = make()
        with psycopg.connect(url) as made:
            made.execute(SCHEMA.read_bytes())
        other = connect(url)
        found = growth.measured(place, Stage(url, "", other, connected(other)), PLAN)
        other.dispose()
    tables = found["tables"]
    assert isinstance(tables, dict)
    assert tables["new deliveries"].keys() == tables["edits"].keys() == {"400", "900"}
    assert tables["edits, in turn"].keys() == {"400", "900"}
    assert {"docs list", "everything it mentions"} <= tables["milliseconds"].keys()
    with engine.connect() as conn:
        assert conn.exec_driver_sql(_ORPHANS).scalar_one() == 0
        assert tuple(conn.exec_driver_sql(_SPREAD).one()) == (4, 8, True)
        counts = {
            name: conn.scalar(sa.select(sa.func.count()).select_from(sa.table(name))) or 0
            for name in (*RESULT_TABLES, "lightfast_document_aliases", "lightfast_folded_keys")
        }
    assert counts["lightfast_docs_documents"] == counts["lightfast_document_ledger"] >= 900
    assert min(counts.values()) > 0


def test_a_number_of_the_template_stays_as_long_in_every_part() -> None:
    """Offsets of chunks are kept with the text, so that it may not grow."""
    assert len(str(multiply.FIRST + multiply.TEMPLATE - 1)) == len(str(1000 + multiply.PARTS)) + 3
