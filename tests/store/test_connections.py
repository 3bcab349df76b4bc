"""Connections as the database tells of them."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from ingest.store import connections
from ingest.store.connections import DISCONNECTED
from ingest.store.engine import transaction
from tests.factories import connect, make_store

pytestmark = pytest.mark.integration

_SET = sa.text("UPDATE lightfast_connected_sources SET config_status = :status WHERE id = :id")


@pytest.mark.parametrize(
    ("status", "owns"), [(None, True), ("pending", True), (DISCONNECTED, False)]
)
def test_a_connection_owns_its_prefixes_until_it_is_disconnected(
    engine: sa.Engine, status: str | None, owns: bool
) -> None:
    """Bug: one without a status, which the seed allows, owned none: `ENG-12` named nothing."""
    store = make_store(engine)
    made = connect(engine, "linear", stores=[store])
    with transaction(engine) as conn:
        conn.execute(_SET, {"id": made, "status": status})
        found = connections.neighbours(conn, [store])
    assert [source_type for _, source_type, _ in found] == ["linear"] * owns
