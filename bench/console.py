"""How long each page of the console takes on a database of a million documents and as many
deliveries: from the request to the last byte, without a network. Linux alone.

Beside the milliseconds by the clock stand those of the processors, ours and the database's, which
other programs of the machine do not change; a page does one thing after the other, so on a machine
of its own it takes little more.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from statistics import median
from urllib.parse import quote

import httpx
import psycopg

from bench.cpu import database_cpu_s
from bench.stage import STORE, Stage, stage
from ingest.core.secret import Secret
from ingest.settings import Settings
from ingest.store import text_search
from ingest.web import create_app
from ingest.wiring import Program

PASSWORD = Secret("the password of a benchmark")
KEY = "a-key-for-benchmarks-that-opens-nothing-elsewhere"
_UNUSED = ("idx_docs_metadata_gin", "idx_docs_relationships_gin")
"""Which no page reads, and which take minutes to build."""
PAGES: Mapping[str, str] = {
    "overview": "",
    "sources": "/sources",
    "source": "/sources/{connection}",
    "deliveries": "/deliveries",
    "deliveries, page 10,000": "/deliveries?before={middle}",
    "deliveries, dead": "/deliveries?status=dead",
    "deliveries, of a connection": "/deliveries?connection={connection}",
    "deliveries, rare reason": "/deliveries?reason=once+in+a+million",
    "deliveries, old times": "/deliveries?until=2020-01-01",
    "delivery": "/deliveries/{middle}",
    "look-ups": "/look-ups",
    "documents": "/documents",
    "documents, of a kind": "/documents?kind=comment",
    "documents, of a state": "/documents?source=linear&state=done",
    "documents, by update": "/documents?by=updated&since=2026-02-01",
    "documents, by key": "/documents?key=BENCH-{middle}",
    "documents, by words": "/documents?words=harbour+{middle}",
    "documents, by everyday words": "/documents?words=harbour",
    "document": "/documents/doc-{middle}",
    "document that all point at": "/documents/doc-1",
    "its children": "/documents/doc-1/children",
    "its relationships": "/documents/doc-1/relationships?direction=in",
    "its history": "/documents/doc-1/history",
    "sync runs": "/syncs",
    "doctor": "/doctor",
}


@dataclass(frozen=True, slots=True)
class Plan:
    """How much there is, and how often each page is asked for."""

    rows: int = 1_000_000
    visits: int = 10

    @classmethod
    def quick(cls) -> Plan:
        """Enough to see that it works, too little to quote."""
        return cls(rows=20_000, visits=2)


def console(plan: Plan) -> dict[str, object]:
    """Milliseconds a page: the first visit, the median of the others, and of the processors."""
    with stage() as place:
        _fill(place, plan.rows)
        text_search.build(place.engine, "english")
        settings = Settings(
            database_url=place.database_url,
            redis_url=place.redis_url,
            broker_url=place.redis_url,
            secret_keys=(KEY,),
            console_password=PASSWORD,
        )
        found = asyncio.run(_visited(replace(Program(settings), application="bench"), place, plan))
    slowest = max(found, key=lambda name: found[name]["cpu_ms"])
    return {"documents": plan.rows, "slowest": slowest, "pages": found}


async def _visited(parts: Program, place: Stage, plan: Plan) -> dict[str, dict[str, float]]:
    app = create_app(parts, publish=lambda _: None)
    given = {"connection": place.connections.linear, "middle": str(plan.rows // 2)}
    found: dict[str, dict[str, float]] = {}
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://console"
    ) as client:
        await client.post("/console/log-in", data={"password": PASSWORD})
        for name, path in PAGES.items():
            url = f"/console{path.format(**{k: quote(v) for k, v in given.items()})}"
            first = await _ms(client, url)
            before = _cpu_s(place)
            took = [await _ms(client, url) for _ in range(plan.visits)]
            cpu_ms = 1000 * (_cpu_s(place) - before) / plan.visits
            found[name] = {
                "first_ms": round(first, 1),
                "again_ms": round(median(took), 1),
                "cpu_ms": round(cpu_ms, 1),
            }
    parts.close()
    return found


def _cpu_s(place: Stage) -> float:
    return time.process_time() + database_cpu_s(place.database_url)


async def _ms(client: httpx.AsyncClient, url: str) -> float:
    began = time.perf_counter()
    answer = await client.get(url)
    took = (time.perf_counter() - began) * 1000
    assert answer.status_code == 200, (url, answer.status_code, answer.text[:300])
    return took


def _fill(place: Stage, rows: int) -> None:
    """A tenth are issues, the others comments on one of them; the first issue has a thousandth of
    all. Each issue points at the first one, and each delivery made one document.
    """
    given = {"rows": rows, "store": STORE, "connection": place.connections.linear}
    with psycopg.connect(place.database_url, autocommit=True) as conn:
        for name in _UNUSED:
            conn.execute(f"DROP INDEX {name}".encode())
        with conn.transaction():
            conn.execute("SET LOCAL session_replication_role = replica")
            for statement in _FILL:
                conn.execute(statement.encode(), given)
        conn.execute("VACUUM ANALYZE")


_PARENT = """
CASE WHEN mod(n, 10) > 0 THEN
  CASE WHEN mod(n, 1000) < 10 THEN 1 ELSE n - mod(n, 10) + 10 END END"""
_FILL = (
    f"""
INSERT INTO lightfast_docs_documents
  (id, store_id, source_type, source_id, source_metadata, parent_doc_id, slug, content_hash,
   config_hash, chunk_count, created_at, updated_at)
SELECT 'doc-' || n, %(store)s, 'linear', 'BENCH-' || n,
  jsonb_build_object('type', 'linear',
                     'state', (ARRAY['todo', 'in-progress', 'done'])[1 + mod(n, 3)]),
  'doc-' || ({_PARENT}), 'slug-' || n, md5(n::text) || md5(n::text), md5('c') || md5('c'), 1,
  TIMESTAMP '2026-01-01' + n * INTERVAL '3 seconds', TIMESTAMP '2026-01-01' + n * INTERVAL '4 s'
FROM generate_series(1, %(rows)s) n""",
    """
INSERT INTO lightfast_document_ledger
  (identity, document_id, store_id, source_type, scope, kind, external_id, slug, source_id, state)
SELECT md5(n::text)::uuid, 'doc-' || n, %(store)s, 'linear', 'bench',
  CASE WHEN mod(n, 10) > 0 THEN 'comment' ELSE 'issue' END, n::text, 'slug-' || n, 'BENCH-' || n,
  'live'
FROM generate_series(1, %(rows)s) n""",
    """
INSERT INTO lightfast_document_chunks (document_id, position, start, text)
SELECT 'doc-' || n, 0, 0, 'The boat ' || n || E' is late\\nIt left the harbour at ' || n
FROM generate_series(1, %(rows)s) n""",
    """
INSERT INTO lightfast_document_feeds (document_id, connection_id)
SELECT 'doc-' || n, %(connection)s FROM generate_series(1, %(rows)s) n""",
    """
INSERT INTO lightfast_document_references
  (document_id, kind, target_source, target_key, origin, evidence, store_id, target_document_id)
SELECT 'doc-' || n, 'mention', 'linear', 'BENCH-1', 'text', 'as in BENCH-1', %(store)s, 'doc-1'
FROM generate_series(10, %(rows)s, 10) n""",
    """
INSERT INTO lightfast_webhook_deliveries
  (source_type, connection_id, delivery_key, body_hash, headers, body, status, reason, attempts,
   received_at, settled_at, lane)
SELECT 'linear', %(connection)s, md5(n::text)::uuid::text, sha256(n::text::bytea), '{}',
  convert_to(repeat('{"a body": "of some length"}', 20), 'UTF8'),
  CASE WHEN mod(n, 1000) = 0 THEN 'dead' WHEN mod(n, 50) = 0 THEN 'skipped' ELSE 'processed' END,
  CASE WHEN n = 7 THEN 'once in a million' ELSE 'applied' END, 1,
  now() - (%(rows)s - n) * INTERVAL '1 second', now() - (%(rows)s - n) * INTERVAL '1 second', ''
FROM generate_series(1, %(rows)s) n""",
    """
INSERT INTO lightfast_trail_steps (document_id, connection_id, delivery_id, did, hash_after)
SELECT 'doc-' || n, %(connection)s, n, 'created', md5(n::text) || md5(n::text)
FROM generate_series(1, %(rows)s) n""",
    """
INSERT INTO lightfast_trail_steps (document_id, connection_id, delivery_id, did)
SELECT 'doc-1', %(connection)s, n, 'metadata' FROM generate_series(1, %(rows)s, 100) n""",
    "UPDATE lightfast_connected_sources SET document_count = %(rows)s WHERE id = %(connection)s",
)
