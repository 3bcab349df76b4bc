"""What a change tells: which documents, which columns, which chunks."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from ingest.changes import ALL, Changes, DocumentChange
from ingest.store import documents
from ingest.store.engine import transaction
from tests.changes.model import Follower, chunk_id, follow, tables
from tests.changes.shelf import Table

pytestmark = pytest.mark.integration


def told(feed: Changes) -> list[DocumentChange]:
    """What came since the last time."""
    return follow(feed, Follower())


def reader(table: Table, **given: int) -> Changes:
    return Changes(table.engine, "embedder", stores=ALL, start=given.get("start", 0))


def test_a_new_document_is_told_with_all_its_chunks_as_new(table: Table) -> None:
    feed = reader(table)
    table.put("a", "one", "two")
    (change,) = told(feed)
    assert (change.op, change.document_id, change.store_id) == ("upserted", "a", "docs")
    assert (change.source_type, change.source_id, change.changed) == ("github", "a", None)
    assert change.chunks is not None
    assert [(c.id, c.position) for c in change.chunks.new] == [
        (chunk_id("one"), 0),
        (chunk_id("two"), 1),
    ]
    assert feed.texts([change]) == {chunk_id("one"): "one", chunk_id("two"): "two"}


def test_a_chunk_that_moved_is_kept_and_what_is_new_and_gone_is_told(table: Table) -> None:
    feed = reader(table)
    table.put("a", "one", "two", "three")
    told(feed)
    table.put("a", "zero", "one", "three")
    (change,) = told(feed)
    assert change.chunks is not None
    assert [(c.id, c.position) for c in change.chunks.new] == [(chunk_id("zero"), 0)]
    assert [(c.id, c.position) for c in change.chunks.kept] == [
        (chunk_id("one"), 1),
        (chunk_id("three"), 2),
    ]
    assert change.chunks.gone == (chunk_id("two"),)
    assert change.changed == ("content_hash",)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (("a",), ("a", "b", "c")),
        (("a", "b", "c"), ("c",)),
        (("a", "b", "c"), ("c", "b", "a")),
        (("a", "a", "b"), ("a", "b", "b")),
        (("a", "a", "a"), ("a",)),
        (("a",), ()),
        ((), ("a", "a")),
        (("a", "b"), ("b", "a", "a", "b")),
    ],
)
def test_new_kept_and_gone_are_the_difference_of_two_versions(
    table: Table, before: tuple[str, ...], after: tuple[str, ...]
) -> None:
    feed, follower = reader(table), Follower()
    table.put("a", *before)
    follow(feed, follower)
    table.put("a", *after)
    (change,) = follow(feed, follower)
    assert follower.shown() == tables(table.engine)
    assert change.chunks is not None
    fresh = max(0, len(after) - len(before))
    assert len(change.chunks.new) >= fresh
    assert len(change.chunks.new) + len(change.chunks.kept) == len(after)
    assert len(change.chunks.gone) + len(change.chunks.kept) == len(before)


def test_metadata_alone_tell_the_columns_and_no_chunk(table: Table) -> None:
    feed = reader(table)
    table.put("a", "one")
    told(feed)
    with transaction(table.engine) as conn:
        documents.patch(conn, [{"id": "a", "source_metadata": {"type": "github", "n": 1}}])
    (change,) = told(feed)
    assert (change.op, change.changed, change.chunks) == ("upserted", ("source_metadata",), None)


def test_a_write_that_changes_nothing_is_no_change(table: Table) -> None:
    feed = reader(table)
    table.put("a", "one")
    told(feed)
    table.run("UPDATE lightfast_docs_documents SET updated_at = now()")
    table.run("UPDATE lightfast_docs_documents SET slug = slug WHERE false")
    assert told(feed) == []


def test_a_document_that_goes_is_deleted(table: Table) -> None:
    feed = reader(table)
    table.put("a", "one")
    told(feed)
    table.delete("a")
    (change,) = told(feed)
    assert (change.op, change.document_id, change.source_id) == ("deleted", "a", "a")
    assert change.chunks is None


def test_what_is_withheld_is_hidden_and_comes_back_whole(table: Table) -> None:
    feed = reader(table)
    table.put("a", "one", "two")
    told(feed)
    table.run(_HEARD)
    with transaction(table.engine) as conn:
        documents.withhold(conn, ["a"])
    assert [c.op for c in told(feed)] == ["hidden"]
    with transaction(table.engine) as conn:
        documents.release(conn, ["a"])
    (change,) = told(feed)
    assert (change.op, change.changed) == ("upserted", None)
    assert change.chunks is not None
    assert len(change.chunks.new) == 2


def test_what_is_deleted_while_it_is_hidden_is_told(table: Table) -> None:
    feed = reader(table)
    table.put("a", "one")
    table.run(_HEARD)
    with transaction(table.engine) as conn:
        documents.withhold(conn, ["a"])
    told(feed)
    table.delete("a")
    assert [(c.op, c.document_id, c.store_id) for c in told(feed)] == [("deleted", "a", "docs")]


_HEARD = """
INSERT INTO lightfast_document_ledger
  (identity, store_id, source_type, scope, kind, external_id, document_id, slug)
SELECT gen_random_uuid(), store_id, source_type, 's', 'k', id, id, slug
FROM lightfast_docs_documents
"""


def test_what_a_person_does_by_hand_is_told(table: Table) -> None:
    feed, follower = reader(table), Follower()
    for name in "abc":
        table.put(name, f"one of {name}", "two")
    follow(feed, follower)
    table.run("UPDATE lightfast_document_chunks SET text = 'by hand' WHERE position = 1")
    table.run("DELETE FROM lightfast_document_chunks WHERE document_id = 'b'")
    table.run("INSERT INTO lightfast_document_chunks VALUES ('b', 0, 0, 'anew')")
    table.run("DELETE FROM lightfast_docs_documents WHERE id = 'c'")
    follow(feed, follower)
    assert follower.shown() == tables(table.engine)


def test_a_store_that_goes_by_its_foreign_key_takes_its_documents(table: Table) -> None:
    feed = reader(table)
    table.put("a", "one")
    table.put("b", "one")
    told(feed)
    table.run("DELETE FROM lightfast_stores")
    assert sorted((c.op, c.document_id) for c in told(feed)) == [("deleted", "a"), ("deleted", "b")]


def test_one_statement_of_many_documents_is_told_whole(table: Table) -> None:
    feed = reader(table)
    table.run(_MANY, many=1234)
    came = told(feed)
    assert len({c.document_id for c in came}) == len(came) == 1234
    assert [c.position for c in came] == sorted({c.position for c in came})
    table.run("DELETE FROM lightfast_docs_documents")
    assert [c.op for c in told(feed)] == ["deleted"] * 1234


_MANY = """
INSERT INTO lightfast_docs_documents
  (id, store_id, source_type, source_id, source_metadata, slug, content_hash)
SELECT n, 'docs', 'github', n, '{}', n, 'h' FROM generate_series(1, :many) n
"""


def test_one_transaction_that_writes_a_document_often_tells_of_it_once(table: Table) -> None:
    feed = reader(table)
    with transaction(table.engine) as conn:
        table.put("a", "one", conn=conn)
        table.put("a", "one", "two", conn=conn)
        table.put("a", "two", "three", conn=conn)
    (change,) = told(feed)
    assert change.chunks is not None
    assert [c.id for c in change.chunks.new] == [chunk_id("two"), chunk_id("three")]


def test_what_is_deleted_and_made_anew_in_one_transaction_is_told_as_both(table: Table) -> None:
    feed, follower = reader(table), Follower()
    table.put("a", "one", "two")
    follow(feed, follower)
    with transaction(table.engine) as conn:
        documents.delete(conn, ["a"])
        table.put("a", "two", "three", conn=conn)
    assert [c.op for c in follow(feed, follower)] == ["deleted", "upserted"]
    assert follower.shown() == tables(table.engine)


def test_nothing_is_told_of_what_was_rolled_back(table: Table) -> None:
    feed = reader(table)
    with table.engine.connect() as conn, conn.begin() as begun:
        table.put("a", "one", conn=conn)
        begun.rollback()
    table.put("b", "one")
    assert [c.document_id for c in told(feed)] == ["b"]


def test_a_session_of_another_search_path_and_time_zone_tells_the_same(
    table: Table, engine: sa.Engine
) -> None:
    feed = reader(table)
    with transaction(engine) as conn:
        conn.execute(sa.text("SET LOCAL search_path = pg_catalog"))
        conn.execute(sa.text("SET LOCAL timezone = 'Asia/Tokyo'"))
        statement = _MANY.replace("lightfast_docs", "public.lightfast_docs")
        statement = statement.replace("'github'", "CAST('github' AS public.source_type)")
        conn.execute(sa.text(statement), {"many": 1})
    (change,) = told(feed)
    assert change.document_id == "1"


def test_a_temporary_table_of_the_name_is_not_the_outbox(table: Table, engine: sa.Engine) -> None:
    """The triggers run as their owner, and tell where he does, whoever writes a document."""
    feed = reader(table)
    with transaction(engine) as conn:
        conn.execute(
            sa.text("CREATE TEMP TABLE lightfast_document_outbox (LIKE lightfast_document_outbox)")
        )
        conn.execute(sa.text(_MANY), {"many": 1})
        conn.execute(sa.text("DROP TABLE pg_temp.lightfast_document_outbox"))
    (change,) = told(feed)
    assert change.document_id == "1"
