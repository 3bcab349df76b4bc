"""`ingest db search` and `ingest docs search`, on documents that the whole way wrote."""

from __future__ import annotations

import json

import pytest
import sqlalchemy as sa

from ingest.flows.deliveries.drain import drain_deliveries
from ingest.store import text_search
from ingest.store.engine import transaction
from tests.acceptance.conftest import connected, enqueue
from tests.acceptance.crowd import crowd
from tests.cli.conftest import Ingest
from tests.factories import make_store

pytestmark = pytest.mark.integration


@pytest.fixture
def documents(engine: sa.Engine) -> sa.Engine:
    connection = connected(engine)
    enqueue(engine, connection, crowd(3))
    drain_deliveries(engine, go_on=lambda: True)
    return engine


def _words(engine: sa.Engine) -> tuple[str, str]:
    """A document's id, and its title."""
    with transaction(engine) as conn:
        id_, title = conn.execute(
            sa.text(
                "SELECT document_id, title FROM lightfast_reader_document_text"
                " ORDER BY char_length(text) DESC, document_id LIMIT 1"
            )
        ).one()
    return id_, title


def test_words_find_the_documents_that_have_them(ingest: Ingest, documents: sa.Engine) -> None:
    make_store(documents, "another")
    id_, title = _words(documents)
    without = ingest("docs", "search", title)
    assert without.code == 2
    assert "ingest db search english" in without.err
    assert ingest("db", "search", "english").out == "search is on, for english\n"
    (first, *_) = json.loads(ingest("docs", "search", f'"{title}"', "--json").out)
    assert (first["id"], first["title"], first["cut"]) == (id_, title, False)
    assert "**" in first["found"]
    assert json.loads(ingest("docs", "search", title, "--store", "another", "--json").out) == []
    assert json.loads(ingest("docs", "search", title, "--source", "notion", "--json").out) == []
    assert json.loads(ingest("docs", "search", "xylophonic", "--json").out) == []
    for hostile in ("'", '"', "a & | !", ":*", "%s {0} \\"):
        assert ingest("docs", "search", hostile).code == 0


def test_the_index_comes_and_goes_and_is_what_answers(ingest: Ingest, documents: sa.Engine) -> None:
    assert ingest("db", "search").out == "search is off\n"
    assert "one of:" in ingest("db", "search", "klingon").err
    assert ingest("db", "search", "english").code == 0
    assert ingest("db", "search", "simple").out == "search is on, for simple\n"
    with documents.connect() as conn:
        conn.exec_driver_sql("SET enable_seqscan = off")
        said = conn.exec_driver_sql(
            "EXPLAIN SELECT FROM lightfast_document_chunks"
            " WHERE to_tsvector('simple'::regconfig, text) @@ websearch_to_tsquery('simple', 'a')"
        )
        assert any(text_search.INDEX in line for (line,) in said)
    assert ingest("db", "search", "off").out == "search is off\n"
    assert ingest("db", "search", "off").out == "search was off already\n"
