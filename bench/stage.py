"""A database for a benchmark: embedded, durable, with the schema, one store and two connections."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import sqlalchemy as sa

from bench.mix import ORGANIZATION_ID, REPOSITORY_ID, TEAM_ID, Connections
from ingest.embedded import start
from ingest.store import connections, deliveries
from ingest.store.deliveries import Arrival
from ingest.store.engine import connect, transaction

SCHEMA = Path(__file__).parent.parent / "schema" / "schema.sql"
STORE = "bench"
REFERENCES = "lightfast_document_references"
RESULT_TABLES = (
    "lightfast_ingestion_events",
    "lightfast_document_ledger",
    "lightfast_docs_documents",
    "lightfast_document_feeds",
    "lightfast_document_chunks",
    REFERENCES,
)
"""What processing writes, in the order of their foreign keys."""
MARKS = ("lightfast_count_marks", "lightfast_connection_facts", "lightfast_document_outbox")
"""What it keeps for itself beside that."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a benchmark plays."""

    database_url: str
    redis_url: str
    engine: sa.Engine
    connections: Connections


@contextmanager
def stage() -> Iterator[Stage]:
    """Servers with their production settings (every commit waits for the disk), removed after."""
    with (
        tempfile.TemporaryDirectory(prefix="ingest-bench-") as directory,
        start(Path(directory), durable=True) as services,
    ):
        url = services.urls.database_url
        with psycopg.connect(url) as conn:
            conn.execute(SCHEMA.read_bytes())
        engine = connect(url)
        yield Stage(url, services.urls.redis_url, engine, connected(engine))
        engine.dispose()


def connected(engine: sa.Engine) -> Connections:
    """The store of the benchmarks, and the two connections that the deliveries are for."""
    with transaction(engine) as made:
        made.exec_driver_sql(_OWNERS)
        github = connections.create(
            made,
            source_type="github",
            name="acme/shop",
            metadata={"type": "github", "githubRepoId": str(REPOSITORY_ID)},
            tenants=(str(REPOSITORY_ID),),
            store_ids=[STORE],
        )
        linear = connections.create(
            made,
            source_type="linear",
            name="acme",
            metadata={
                "type": "linear",
                "linearTeamId": TEAM_ID,
                "linearTeamKey": "SHOP",
                "linearOrganizationId": ORGANIZATION_ID,
                "teamName": "Shop",
            },
            tenants=(ORGANIZATION_ID,),
            store_ids=[STORE],
        )
    return Connections(github, linear)


def fill(stage: Stage, arrivals: Iterable[Arrival]) -> int:
    """Put deliveries into an emptied queue; how many."""
    empty(stage)
    return add(stage, arrivals)


def add(stage: Stage, arrivals: Iterable[Arrival]) -> int:
    """Put deliveries into the queue beside what is there; how many."""
    count = 0
    batch: list[Arrival] = []
    for arrival in arrivals:
        batch.append(arrival)
        if len(batch) == 1000:
            count += _insert(stage, batch)
            batch = []
    count += _insert(stage, batch)
    _settle_disk(stage)
    return count


def empty(stage: Stage) -> None:
    """Remove deliveries and everything that processing wrote."""
    tables = ", ".join(("lightfast_webhook_deliveries", *MARKS, *RESULT_TABLES))
    with psycopg.connect(stage.database_url) as conn:
        conn.execute(f"TRUNCATE {tables} CASCADE".encode())


def requeue(stage: Stage) -> None:
    """Make every delivery pending again and forget what processing wrote."""
    with psycopg.connect(stage.database_url) as conn:
        conn.execute(f"TRUNCATE {', '.join((*MARKS, *RESULT_TABLES))} CASCADE".encode())
        conn.execute(_REQUEUE)
    _settle_disk(stage)


def _insert(stage: Stage, batch: list[Arrival]) -> int:
    if batch:
        with transaction(stage.engine) as conn:
            deliveries.insert(conn, batch)
    return len(batch)


def _settle_disk(stage: Stage) -> None:
    """Each contestant starts with clean tables, fresh statistics and no dirty pages to write."""
    with psycopg.connect(stage.database_url, autocommit=True) as conn:
        conn.execute("VACUUM (FULL, ANALYZE) lightfast_webhook_deliveries")
        conn.execute("CHECKPOINT")


_OWNERS = """
INSERT INTO lightfast_organizations (id, clerk_org_slug, claimed_by) VALUES ('o', 'o', 'bench');
INSERT INTO lightfast_workspaces (id, organization_id, slug) VALUES ('w', 'o', 'w');
INSERT INTO lightfast_stores (id, workspace_id, slug, index_name)
VALUES ('bench', 'w', 'bench', 'bench');
"""
_REQUEUE = """
UPDATE lightfast_webhook_deliveries
SET status = 'pending', reason = NULL, attempts = 0, settled_at = NULL, lease_until = NULL,
    lease_token = NULL, next_attempt_at = received_at
"""
