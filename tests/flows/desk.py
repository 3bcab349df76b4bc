"""A database on which deliveries are laid, worked off, and looked at."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa

from ingest.flows import sweep
from ingest.flows.deliveries.drain import drain_deliveries
from ingest.flows.documents.find import find_documents
from ingest.store import queue_admin
from ingest.store.engine import transaction
from tests.flows import halcyon
from tests.flows.halcyon import Sent


@dataclass(frozen=True)
class Desk:
    """One database: deliveries are laid on it and worked off, and one looks at what is there."""

    engine: sa.Engine

    def deliver(self, to: str | None, *sent: Sent, key: str | None = None) -> list[int]:
        """Deliveries to a connection (None: the app-wide route) that wait for a worker."""
        with transaction(self.engine) as conn:
            return halcyon.deliver(conn, to, *sent, key=key)

    def work(self, rows: int = 500) -> None:
        drain_deliveries(self.engine, go_on=lambda: True, rows=rows, threads=1)

    def end(self, to: str | None, sent: Sent, key: str | None = None) -> tuple[str, str | None]:
        """Deliver, work, and tell the status and the reason."""
        (id_,) = self.deliver(to, sent, key=key)
        self.work()
        row = self.delivery(id_)
        return row["status"], row["reason"]

    def replay(self, *ids: int) -> None:
        with transaction(self.engine) as conn:
            assert queue_admin.replay(conn, ids) == len(ids)
        self.work()

    def delivery(self, id_: int) -> dict[str, Any]:
        query = "SELECT * FROM lightfast_webhook_deliveries WHERE id = :id"
        (row,) = self.rows(query, id=id_)
        return row

    def rows(self, query: str, **given: object) -> list[dict[str, Any]]:
        with transaction(self.engine) as conn:
            return [dict(row) for row in conn.execute(sa.text(query), given).mappings()]

    def run(self, statement: str) -> None:
        with transaction(self.engine) as conn:
            conn.execute(sa.text(statement))

    def documents(self, store: str | None = None) -> dict[str, dict[str, Any]]:
        """The documents in sight, by their keys."""
        query = "SELECT * FROM lightfast_docs_documents WHERE store_id = coalesce(:store, store_id)"
        return {row["source_id"]: row for row in self.rows(query, store=store)}

    def found(self, key: str) -> list[str]:
        """The keys of the documents that this key finds."""
        with transaction(self.engine) as conn:
            rows = find_documents(conn, key)
        return [row["source_id"] for row in rows]

    def targets(self, of: str) -> dict[str, bool]:
        """What a document points at, and whether that is there."""
        query = """
            SELECT r.target_key, r.target_document_id IS NOT NULL AS bound
            FROM lightfast_document_references r
            JOIN lightfast_docs_documents d ON d.id = r.document_id WHERE d.source_id = :of
        """
        return {row["target_key"]: row["bound"] for row in self.rows(query, of=of)}

    def counts(self, connections: Collection[str]) -> list[int]:
        sweep.settle_counts(self.engine)
        query = "SELECT id, document_count FROM lightfast_connected_sources"
        counted = {row["id"]: row["document_count"] for row in self.rows(query)}
        return [counted[connection] for connection in connections]


@pytest.fixture
def desk(engine: sa.Engine) -> Desk:
    """A desk on the test's own database."""
    return Desk(engine)
