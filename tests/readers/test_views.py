"""Threads in reading order, backlinks, deliveries: of one store, by indexes, for reading only."""

from __future__ import annotations

import random
import re
import uuid
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from ingest.store.engine import transaction
from ingest.store.tables.views import VIEWS
from tests.factories import connect
from tests.flows import halcyon
from tests.flows.desk import Desk, desk
from tests.readers.shelf import NOON, Shelf, shelf

__all__ = ["desk", "shelf"]

pytestmark = pytest.mark.integration

PAGE = (Path(__file__).parents[2] / "docs" / "readers.md").read_text("utf-8")
SAMPLES = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)
_THREAD = "SELECT * FROM lightfast_reader_threads WHERE thread_id = :id ORDER BY position"
_MANY = """
INSERT INTO lightfast_docs_documents
  (id, store_id, source_type, source_id, source_metadata, parent_doc_id, slug, content_hash)
SELECT 'd' || n, CASE WHEN n % 2 = 0 THEN '{store}' ELSE '{other}' END, 'linear', 'ENG-' || n,
  '{{}}', CASE WHEN n > 20 THEN 'd' || n / 4 * 2 + n % 2 END, 'd' || n, 'x'
FROM generate_series(1, 4000) n;
INSERT INTO lightfast_document_chunks (document_id, position, start, text)
SELECT 'd' || n, p, p * 90, repeat('abcdefghij', 10)
FROM generate_series(1, 4000) n, generate_series(0, 2) p;
INSERT INTO lightfast_document_references
  (document_id, kind, target_source, target_key, origin, evidence, store_id, target_document_id)
SELECT id, 'mention', 'linear', 'x', 'text', 'w', store_id, parent_doc_id
FROM lightfast_docs_documents;
INSERT INTO lightfast_document_ledger
  (identity, document_id, store_id, source_type, scope, kind, external_id, slug)
SELECT gen_random_uuid(), id, store_id, source_type, 'x', 'issue', id, slug
FROM lightfast_docs_documents;
INSERT INTO lightfast_webhook_deliveries (source_type, delivery_key, body_hash, headers, body)
SELECT 'linear', n, decode('00', 'hex'), '{{}}', '' FROM generate_series(1, 2000) n;
ANALYZE
"""


def test_a_thread_is_in_reading_order(shelf: Shelf) -> None:
    """Against a plain walk: each is followed by what is below it, siblings as they came to be."""
    drawn = random.Random(7)
    parents: dict[str, str | None] = {"d0": None}
    created = {"d0": NOON}
    for number in range(1, 40):
        id_ = f"d{number}"
        parents[id_] = drawn.choice(list(parents))
        created[id_] = NOON + timedelta(seconds=drawn.randrange(5))
    for id_, parent in parents.items():
        shelf.put(id_, parent=parent, created=created[id_])

    def walk(id_: str, depth: int) -> Iterator[tuple[str, int]]:
        yield id_, depth
        below = [one for one, parent in parents.items() if parent == id_]
        for one in sorted(below, key=lambda one: (created[one], one)):
            yield from walk(one, depth + 1)

    for head in ("d0", "d1", "d39"):
        rows = shelf.rows(_THREAD, id=head)
        assert [(row["document_id"], row["depth"]) for row in rows] == [*walk(head, 0)]
        assert [row["position"] for row in rows] == [*range(len(rows))]
        assert {row["is_root"] for row in rows} == {head == "d0"}


def test_the_whole_threads_of_a_store_list_each_document_once(shelf: Shelf) -> None:
    """One whose parent was never heard of begins a thread; another store's is not followed."""
    shelf.put("a")
    shelf.put("b", parent="a")
    shelf.put("c", parent="nobody")
    shelf.put("d", parent="a", store=shelf.other)
    whole = "SELECT * FROM lightfast_reader_threads WHERE store_id = :store AND is_root"
    rows = shelf.rows(f"{whole} ORDER BY thread_id, position", store=shelf.store)
    told = [(row["thread_id"], row["document_id"]) for row in rows]
    assert told == [("a", "a"), ("a", "b"), ("c", "c")]
    (alone,) = shelf.rows(whole, store=shelf.other)
    assert (alone["thread_id"], alone["document_id"]) == ("d", "d")


def test_a_thread_that_bites_its_tail_ends(shelf: Shelf) -> None:
    for id_, parent in (("a", "c"), ("b", "a"), ("c", "b")):
        shelf.put(id_, parent=parent)
    rows = shelf.rows(_THREAD, id="a")
    assert [row["document_id"] for row in rows] == ["a", "b", "c"]


def test_backlinks_are_of_what_is_in_sight(desk: Desk, engine: sa.Engine) -> None:
    to = connect(engine, "github")
    for number in (1, 2, 3):
        body = f"see #{3 - number} " if number < 3 else "as #1 says"
        desk.end(to, halcyon.issue(number, title="T", body=body))
    query = """
      SELECT b.from_source_id AS who, b.evidence FROM lightfast_reader_backlinks b
      JOIN lightfast_docs_documents d ON d.id = b.document_id
      WHERE d.source_id = 'halcyon/web#1' AND b.kind = 'mention' ORDER BY who
    """
    assert [(row["who"][-2:], row["evidence"]) for row in desk.rows(query)] == [
        ("#2", "see #1"),
        ("#3", "as #1 says"),
    ]
    desk.end(to, halcyon.issue(3, action="deleted", second=9))
    assert [row["who"][-2:] for row in desk.rows(query)] == ["#2"]


def test_another_stores_reference_is_no_backlink(shelf: Shelf) -> None:
    """None is ever bound so; were one, its words would not be shown."""
    shelf.put("a")
    shelf.put("b", store=shelf.other)
    shelf.refer("b", "a", "private", shelf.other)
    assert shelf.rows("TABLE lightfast_reader_backlinks") == []


def test_what_is_asked_by_its_key_reads_no_table_whole(many: Shelf) -> None:
    """Connections are a handful of rows, here none."""
    for asked in (
        "lightfast_reader_document_text WHERE document_id = 'd40'",
        "lightfast_reader_document_text WHERE source_type = 'linear' AND source_id = 'ENG-40'",
        "lightfast_reader_chunks WHERE document_id = 'd40'",
        "lightfast_reader_threads WHERE thread_id = 'd40'",
        "lightfast_reader_backlinks WHERE document_id = 'd40'",
        "lightfast_reader_backlinks WHERE from_document_id = 'd40'",
        "lightfast_reader_changed WHERE document_id = 'd40'",
    ):
        assert _read_whole(many, asked) == set(), asked
        assert _read_whole(many, f"{asked} AND store_id = '{many.store}'") == set(), asked
    asked = "lightfast_reader_deliveries WHERE id = 40"
    assert _read_whole(many, asked) <= {"lightfast_connected_sources"}


@pytest.fixture
def many(shelf: Shelf) -> Shelf:
    """Four thousand documents in two stores, with statistics."""
    for statement in _MANY.format(store=shelf.store, other=shelf.other).split(";"):
        shelf.conn.execute(sa.text(statement))
    return shelf


def _read_whole(shelf: Shelf, asked: str) -> set[str]:
    """The tables that a query reads from their beginning to their end."""
    query = " ".join(("EXPLAIN (FORMAT json) SELECT * FROM", asked))
    (plan,) = shelf.conn.execute(sa.text(query)).scalars()
    return {node["Relation Name"] for node in _nodes(plan[0]["Plan"]) if _is_whole(node)}


def _is_whole(node: Mapping[str, Any]) -> bool:
    return str(node["Node Type"]) == "Seq Scan"


def _nodes(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield node
    for below in node.get("Plans", ()):
        yield from _nodes(below)


def test_the_pages_samples_run(desk: Desk, engine: sa.Engine, database_url: str) -> None:
    """Each as it is written, over one delivery's rows."""
    to = connect(engine, "github")
    desk.end(to, halcyon.issue(1, title="T", body="words"))
    (row,) = desk.rows("SELECT id, store_id FROM lightfast_docs_documents")
    (source,) = desk.rows("SELECT organization_id AS it FROM lightfast_connected_sources")
    found = []
    with psycopg.connect(database_url, cursor_factory=psycopg.RawCursor) as conn:
        for sample in (one for one in SAMPLES if one.startswith("SELECT")):
            given: list[object] = [row["store_id"], row["id"]]
            if "updated_at >=" in sample:
                given = [row["store_id"], datetime(2020, 1, 1)]  # noqa: DTZ001 - as the column has it
            elif "deliveries" in sample:
                given = [source["it"], to]
            found.append(len(conn.execute(sample.encode(), given).fetchall()))
    assert found == [1, 1, 1, 0, 1, 1]


def test_a_reader_reads_the_views_and_nothing_else(
    desk: Desk, engine: sa.Engine, database_url: str
) -> None:
    """The recipes of the page, with names of this test, since roles are of the whole server."""
    desk.end(connect(engine, "github"), halcyon.issue(1, title="T", body="words"))
    mark = uuid.uuid4().hex[:8]
    recipes = [one for one in SAMPLES if "GRANT" in one]
    assert len(recipes) == 2
    with psycopg.connect(database_url) as conn:
        for recipe in recipes:
            named = re.sub(r"\b(lightfast_reader|tenant_reader)\b", rf"\1_{mark}", recipe)
            conn.execute(named.encode())
        for name in VIEWS.tables:
            rows = _as(conn, f"lightfast_reader_{mark}", f"TABLE {name}")
            assert rows or name == "lightfast_reader_backlinks"
        assert _as(conn, f"tenant_reader_{mark}", "TABLE tenant_text") == []
        for role, refused in (
            ("lightfast_reader", "TABLE lightfast_docs_documents"),
            ("lightfast_reader", "TABLE lightfast_source_credentials"),
            ("lightfast_reader", "DELETE FROM lightfast_store_sources"),
            ("tenant_reader", "TABLE lightfast_reader_document_text"),
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                _as(conn, f"{role}_{mark}", refused)
        conn.rollback()  # the roles with it


def _as(conn: psycopg.Connection[Any], role: str, query: str) -> list[tuple[Any, ...]]:
    with conn.transaction():
        conn.execute(f"SET LOCAL ROLE {role}".encode())
        rows = conn.execute(query.encode()).fetchall()
        conn.execute("RESET ROLE")
    return rows


def test_no_view_can_be_written_through(engine: sa.Engine) -> None:
    with transaction(engine) as conn:
        told = conn.execute(
            sa.text(
                "SELECT table_name, is_updatable, is_insertable_into FROM information_schema.views"
                " WHERE table_schema = 'public'"
            )
        ).all()
    assert {tuple(row) for row in told} == {(name, "NO", "NO") for name in VIEWS.tables}
    assert {name for name in VIEWS.tables if f"`{name}`" not in PAGE} == set()
