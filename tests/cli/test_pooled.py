"""Deliveries, documents and the check-up through PgBouncer in transaction mode."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from ingest.store.engine import transaction
from tests.cli.conftest import Ingest, Town
from tests.pgbouncer import IGNORED, pgbouncer

pytestmark = pytest.mark.integration

_TIMES = sa.text("""
SELECT (SELECT max(updated_at) FROM lightfast_docs_documents),
       (SELECT max(processed_at) FROM lightfast_ingestion_events),
       (SELECT max(connected_at) FROM lightfast_connected_sources)
""")


@pytest.fixture
def database_url(database_url: str, tmp_path: Path) -> Iterator[str]:
    with pgbouncer(database_url, tmp_path / "pooler", ignores=IGNORED) as url:
        yield url


def test_what_is_written_without_a_zone_is_utc(engine: sa.Engine, town: Town) -> None:
    """Bug: the columns of the seed have no zone, and held the server's."""
    assert town.issue
    with transaction(engine) as conn:
        times = conn.execute(_TIMES).one()
    now = datetime.now(UTC).replace(tzinfo=None)
    assert all(abs(now - told) < timedelta(minutes=2) for told in times), times


def test_the_check_up_finds_the_database_well(ingest: Ingest, town: Town, broker_url: str) -> None:
    assert town.issue
    assert ingest("db", "upgrade").code == 0
    told = json.loads(ingest("doctor", "--json", CELERY_BROKER_URL=broker_url).out)
    states = {one["check"]: one["state"] for one in told["checks"]}
    assert (states["database"], states["schema"]) == ("ok", "ok")
