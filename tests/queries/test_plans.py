"""What is asked of very many documents is found by an index: the API's patterns, the lists of the
command line, and the samples of SQL that the documentation shows.

A million documents in the slow leg, where a page takes less than 50 ms; five thousand in the other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa

from ingest.flows.documents.find import find_documents
from ingest.queries import Documents, Moment, ResultPage, lists
from ingest.queries.lists import Wanted
from ingest.store import delivery_filter, explaining, health, queue_admin
from ingest.store.delivery_filter import DeliveryFilter
from ingest.store.engine import connect
from tests.databases import empty_databases
from tests.queries.library import QUIET, Library, fill
from tests.queries.plans import Ask, Plan, plan_of

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]
FEW, MANY = 5_000, 1_000_000
PAGE_MS = 50.0
Pattern = Callable[[Documents, str | None], object]
"""Asks a store's documents for a page, behind a position."""
SINCE = datetime(2025, 6, 1, tzinfo=UTC)
_PARENT = """
SELECT parent_doc_id FROM lightfast_docs_documents WHERE parent_doc_id IS NOT NULL
GROUP BY 1 ORDER BY count(*) DESC LIMIT 1
"""
_ISSUE = """
SELECT parent_doc_id FROM lightfast_docs_documents
WHERE store_id = 'store-00' AND source_metadata->>'kind' = 'comment'
ORDER BY created_at DESC LIMIT 1
"""
_TARGET = """
SELECT target_document_id FROM lightfast_document_references
GROUP BY 1 ORDER BY count(*) DESC LIMIT 1
"""
_DELIVERIES = """
INSERT INTO lightfast_webhook_deliveries
  (source_type, delivery_key, body_hash, headers, body, status, settled_at)
SELECT 'github', n, sha256(CAST(CAST(n AS text) AS bytea)), '{}', '{}',
       CASE WHEN mod(n, 20000) = 0 THEN 'duplicate' ELSE 'processed' END, now()
FROM generate_series(1, 200000) AS n
"""

# One connection and its source fell silent before all others began.
_SILENT = """
INSERT INTO lightfast_organizations (id, clerk_org_slug, claimed_by) VALUES ('o', 'o', 'test');
INSERT INTO lightfast_connected_sources (id, organization_id, source_type, display_name,
  source_metadata)
VALUES ('busy', 'o', 'github', '', '{}'), ('silent', 'o', 'sentry', '', '{}');
INSERT INTO lightfast_webhook_deliveries
  (source_type, connection_id, delivery_key, body_hash, headers, body, status, settled_at)
SELECT CASE WHEN n <= 1000 THEN CAST('sentry' AS source_type) ELSE 'github' END,
       CASE WHEN n <= 1000 THEN 'silent' ELSE 'busy' END,
       n, sha256(CAST(CAST(n AS text) AS bytea)), '{}', '{}', 'processed', now()
FROM generate_series(1, 20000) AS n;
ANALYZE lightfast_webhook_deliveries;
"""


def _patterns(library: Library, parent: str, target: str) -> Iterator[tuple[str, Ask]]:
    """The API's patterns on the largest store and on a small one: first pages, and later ones."""
    asked: Mapping[str, Pattern] = {
        "a source": _by_source("github"),
        "a quiet source": _by_source(QUIET),
        "what is in progress": _by_source("linear", "in-progress"),
        "what is open": _by_source("zendesk", "open"),
        "what is in no such state": _by_source("linear", "none"),
        "a time": _in_time("created_at"),
        "a time of changes": _in_time("updated_at"),
        "a time of a quiet source": _in_time("created_at", QUIET),
        "a time of changes of a quiet source": _in_time("updated_at", QUIET),
        "a key": lambda documents, _: documents.by_external_id("linear", "ENG-4127"),
        "a former key": lambda documents, _: documents.by_external_id("sentry", "OLD-20"),
        "children": lambda documents, after: documents.children(parent, after=after),
        "what points at one": lambda documents, after: documents.related(target, "in", after=after),
        "what one points at": lambda documents, after: documents.related(target, after=after),
    }
    for store in (library.store, library.other):
        for name, pattern in asked.items():
            yield f"{name} of {store}", _of(store, pattern)


def _by_source(source: str, state: str | None = None) -> Pattern:
    return lambda documents, after: documents.by_source(source, state=state, after=after)


def _in_time(moment: Moment, source: str | None = None) -> Pattern:
    return lambda documents, after: documents.in_time(
        SINCE, moment=moment, source_type=source, after=after
    )


def _of(store: str, pattern: Pattern) -> Ask:
    return lambda conn: _second(partial(pattern, Documents(conn, store)))


def _lists(parent: str) -> Iterator[tuple[str, Ask]]:
    """What the command line lists: of all stores, of one, by each filter."""
    day = SINCE + timedelta(days=1)
    asked: Mapping[str, Wanted] = {
        "all": Wanted(),
        "a store": Wanted(store_id="store-07"),
        "a quiet source": Wanted(source_type=QUIET),
        "a quiet source of a store": Wanted(store_id="store-07", source_type=QUIET),
        "a rare kind": Wanted(store_id="store-07", kind="project"),
        "no kind": Wanted(kind="never"),
        "a kind that abounds": Wanted(source_type="github", kind="comment"),
        "a state": Wanted(source_type="linear", state="in-progress"),
        "a day": Wanted(since=SINCE, until=day),
        "a day's changes": Wanted(since=SINCE, until=day, moment="updated_at"),
    }
    for name, one in asked.items():
        yield f"list of {name}", _listed(one)
    yield "list of children", lambda conn: lists.children(conn, parent, limit=100)
    for key in ("ENG-4127", "OLD-20", "NEVER-1"):
        yield f"find {key}", partial(find_documents, key=key)


def _listed(one: Wanted) -> Ask:
    return lambda conn: _second(lambda after: lists.listed(conn, one, limit=100, after=after))


def _samples(library: Library, document: str) -> Iterator[tuple[str, Ask]]:
    """The samples of SQL, of the largest store and of an issue with comments in it."""
    for name in ("README.md", "docs/reading.md"):
        text = (ROOT / name).read_text("utf-8")
        for block in re.findall(r"```sql\n(.*?)```", text, re.DOTALL):
            for sample in filter(str.strip, block.split(";")):
                statement = re.sub(r"store_id = \$\d", f"store_id = '{library.store}'", sample)
                statement = re.sub(r"\$\d", f"'{document}'", statement)
                told = " ".join(sample.split())[:60]
                yield told, partial(sa.Connection.exec_driver_sql, statement=statement)


def _second(ask: Callable[[str | None], object]) -> object:
    """The first page, and the one behind it."""
    first = ask(None)
    after = first.after if isinstance(first, ResultPage) else None
    return ask(after) if after is not None else first


@pytest.fixture
def library_engine(postgres_url: str) -> Iterator[Callable[[int], sa.Engine]]:
    with empty_databases(postgres_url) as make:
        engines: list[sa.Engine] = []

        def filled(documents: int) -> sa.Engine:
            url = make()
            engines.append(connect(url))
            with engines[0].begin() as conn:
                conn.exec_driver_sql((ROOT / "schema" / "schema.sql").read_text("utf-8"))
            fill(url, documents)
            return engines[0]

        yield filled
        for engine in engines:
            engine.dispose()


def _plans(engine: sa.Engine, documents: int, times: int) -> dict[str, Plan]:
    library = Library(documents)
    with engine.connect() as conn:
        parent = conn.exec_driver_sql(_PARENT).scalar_one()
        target = conn.exec_driver_sql(_TARGET).scalar_one()
        asked = [
            *_patterns(library, parent, target),
            *_lists(parent),
            *_samples(library, conn.exec_driver_sql(_ISSUE).scalar_one()),
            ("what the ledger knows of one", lambda c: explaining.row_of(c, target)),
            ("why one points where it does", lambda c: explaining.pointers(c, target)),
        ]
        return {name: plan_of(conn, ask, times=times) for name, ask in asked}


def test_nothing_reads_all_documents(library_engine: Callable[[int], sa.Engine]) -> None:
    """Of other tables, which are small here, reading all of them may be the shorter way."""
    plans = _plans(library_engine(FEW), FEW, times=1)
    read = {name: plan.whole for name, plan in plans.items()}
    assert {name: t for name, t in read.items() if "lightfast_docs_documents" in t} == {}
    assert all(plan.scans for plan in plans.values())


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_a_page_of_a_million_documents_takes_less_than_50_ms(
    library_engine: Callable[[int], sa.Engine],
) -> None:
    engine = library_engine(MANY)
    plans = _plans(engine, MANY, times=5)
    assert {name: plan.whole for name, plan in plans.items() if plan.whole} == {}
    assert {name: plan.ms for name, plan in plans.items() if plan.ms > PAGE_MS} == {}
    used = set().union(*(plan.indexes for plan in plans.values()))
    ours = {"idx_docs_created", "idx_docs_updated", "idx_docs_state", "idx_docs_status"}
    assert used >= {*ours, "idx_ledger_kind", "idx_docs_source_id", "idx_docs_children"}


@pytest.mark.slow
def test_duplicates_among_many_deliveries_are_found_by_an_index(engine: sa.Engine) -> None:
    with engine.begin() as conn:
        conn.exec_driver_sql(_DELIVERIES)
        conn.exec_driver_sql("ANALYZE lightfast_webhook_deliveries")
    with engine.connect() as conn:
        plan = plan_of(
            conn,
            lambda c: queue_admin.listing(c, status="duplicate", source_type=None, limit=1000),
        )
    assert plan.indexes == {"idx_deliveries_duplicate"}


def test_what_is_asked_of_deliveries_looks_at_few_however_many_came_since(
    engine: sa.Engine,
) -> None:
    """Bug: the newest of a source that fell silent were looked for among all deliveries, when a
    connection was last heard of among a hundred thousand, and all of its own were counted.
    """
    with engine.begin() as conn:
        conn.exec_driver_sql(_SILENT)
    one, bounds = DeliveryFilter, {"limit": 50, "before": 900}
    asked: Mapping[str, Ask] = {
        "a silent source": lambda c: delivery_filter.listing(
            c, one(source_type="sentry"), limit=50
        ),
        "a busy source": lambda c: delivery_filter.listing(c, one(source_type="github"), limit=50),
        "a page of a silent source": lambda c: delivery_filter.page(
            c, one(source_type="sentry"), **bounds
        ),
        "a silent connection": lambda c: delivery_filter.listing(
            c, one(connection_id="silent", source_type="sentry"), limit=50
        ),
        "a page of a silent connection": lambda c: delivery_filter.page(
            c, one(connection_id="silent"), **bounds
        ),
        "what became of them": lambda c: queue_admin.of_connection(c, "busy", newest=50),
        "when they were last heard": health.received,
    }
    with engine.connect() as conn:
        rows = {name: plan_of(conn, ask).rows for name, ask in asked.items()}
        heard = health.received(conn)
    assert {name: n for name, n in rows.items() if not 0 < n <= 1_000} == {}
    assert heard.keys() == {("github", "busy"), ("sentry", "silent")}
