"""Beat asks for retention, and a worker deletes what the environment says is old."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from ingest.embedded import commands
from ingest.store.engine import transaction
from tests.broker.workers import environment, working

pytestmark = pytest.mark.integration

_FILL = sa.text("""
INSERT INTO lightfast_webhook_deliveries
  (source_type, delivery_key, body_hash, headers, body, status, settled_at)
SELECT 'github', days, '', '{}', '', 'processed', now() - make_interval(days => days)
FROM unnest(ARRAY[6, 8]) AS days
""")
_KEPT = sa.text("SELECT delivery_key FROM lightfast_webhook_deliveries")


def test_what_is_older_than_the_environment_says_is_deleted(
    engine: sa.Engine, database_url: str, broker_url: str, tmp_path: Path
) -> None:
    with transaction(engine) as conn:
        conn.execute(_FILL)
    env = environment(database_url, broker_url, INGEST_KEEP_DELIVERIES_DAYS="7")
    with (
        working(commands.worker(env={}, processes=1), env, tmp_path / "worker.log"),
        working(commands.beat(data_dir=tmp_path, env={}), env, tmp_path / "beat.log"),
    ):
        end = time.monotonic() + 60
        while len(kept := _kept(engine)) > 1:
            assert time.monotonic() < end, "nothing was deleted"
            time.sleep(0.2)
    assert kept == ["6"]


def _kept(engine: sa.Engine) -> list[str]:
    with transaction(engine) as conn:
        return list(conn.execute(_KEPT).scalars())
