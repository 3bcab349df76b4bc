"""What is stored is made anew by a real syncer that hears the bell; it replays deliveries too."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from ingest.bell.celery_app import WAKES
from ingest.core.canonical import config_hash
from ingest.core.queues import QUEUE_OF_BELL, REPROCESS_BELL
from ingest.embedded import commands
from ingest.embedded.stack import Child
from ingest.flows.reprocess.asked import WHAT, ReprocessRequest
from ingest.flows.reprocess.request import has_ended, request_run
from ingest.store import reprocess_runs
from ingest.store.engine import transaction
from tests.broker.workers import PATIENCE_S, environment, heard_s, send, working
from tests.factories import connect, make_store
from tests.flows import halcyon
from tests.flows.desk import Desk

pytestmark = pytest.mark.integration


def syncer() -> Child:
    """The Procfile's, which hears deliveries too."""
    child = commands.syncer(env={})
    return Child(child.name, ["sync,ingest" if w == "sync" else w for w in child.argv], child.env)


def test_a_bell_is_enough_for_all_of_a_run(
    engine: sa.Engine, database_url: str, broker_url: str, tmp_path: Path
) -> None:
    desk, store = Desk(engine), make_store(engine)
    github = connect(engine, "github", {"githubRepoId": str(halcyon.REPOSITORY)}, stores=[store])
    for number in (1, 2, 3):
        desk.end(github, halcyon.issue(number, body=f"As #{number + 1} says"))
    desk.run("UPDATE lightfast_stores SET chunk_max_tokens = 64, chunk_overlap = 0")
    run = request_run(engine, ReprocessRequest(WHAT))
    env = environment(database_url, broker_url)
    with working(syncer(), env, tmp_path / "syncer.log") as worker:
        ends_at = time.monotonic() + PATIENCE_S
        while True:
            with transaction(engine) as conn:
                found = reprocess_runs.show(conn, run)
            assert found is not None
            if has_ended(found["state"]):
                break
            assert time.monotonic() < ends_at, (found, worker.said())
            send(broker_url, WAKES[REPROCESS_BELL], queue=QUEUE_OF_BELL[REPROCESS_BELL])
            time.sleep(0.5)
    assert found["state"] == reprocess_runs.DONE
    counted = found["counts"]["github"]
    assert (counted["replayed"], counted["looked"]) == (3, 3)
    hashes = {row["config_hash"] for row in desk.documents().values()}
    assert hashes == {config_hash("char-hash-1536", 1536, 64, 0)}
    assert heard_s(engine, REPROCESS_BELL) is not None
    assert "reprocess_done" in worker.said()
