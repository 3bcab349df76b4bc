"""A receiver of one's own: `ingest.enqueue`, and the Celery task of that name in a real worker."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from celery import Celery

from ingest.core.times import iso
from ingest.store import queue_admin, refusals
from ingest.store.engine import transaction
from tests.factories import SECRET_KEY, connect, signed
from tests.web.running import closed_database

pytestmark = pytest.mark.integration

BODY = b'{"repository":{"id":101}}'
CALLER = """
import json, sys, ingest
assert not {"sqlalchemy", "celery"} & set(sys.modules), "importing is not cheap"
import structlog
structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
headers, body = json.loads(sys.argv[1]), sys.argv[2].encode()
def told(connection_id=sys.argv[3], **changes):
    try:
        return ingest.enqueue("github", {**headers, **changes}, body, connection_id=connection_id)
    except ingest.IngestError as error:
        return type(error)
print(told(), told().status)
print(*(told(**{name: "x"}).__name__ for name in ("x-hub-signature-256", "content-type")))
print(told("nobody").__name__)
"""


def environment(database_url: str, broker_url: str) -> Mapping[str, str]:
    told = {"DATABASE_URL": database_url, "CELERY_BROKER_URL": broker_url}
    return {**os.environ, **told, "INGEST_SECRET_KEY": SECRET_KEY}


def keys(engine: sa.Engine) -> dict[str, datetime]:
    """Time of receipt by delivery key."""
    with transaction(engine) as conn:
        query = "SELECT delivery_key, received_at FROM lightfast_webhook_deliveries"
        return {row.delivery_key: row.received_at for row in conn.execute(sa.text(query))}


def refused(engine: sa.Engine) -> set[tuple[str, str]]:
    """Source and answer of the messages that were refused; each is kept, and each is counted."""
    with transaction(engine) as conn:
        kept = refusals.listing(conn, limit=9)
        counted = refusals.counts(conn)
    assert [one.seen for one in counted] == [1] * len(kept)
    return {(one.source_type, one.answer) for one in counted}


def until_settled(engine: sa.Engine, *, within_s: float = 30) -> None:
    ends_at = time.monotonic() + within_s
    while True:
        with transaction(engine) as conn:
            if queue_admin.unfinished(conn)[0] == 0:
                return
        assert time.monotonic() < ends_at, "deliveries are still pending"
        time.sleep(0.1)


def until_stored(engine: sa.Engine, expected: set[str], *, within_s: float = 40) -> None:
    end = time.monotonic() + within_s
    while set(keys(engine)) != expected:
        assert time.monotonic() < end, keys(engine)
        time.sleep(0.1)


@pytest.mark.parametrize("away", [None, "redis://127.0.0.1:1/0", "amqp://127.0.0.1:1//"])
def test_a_python_caller_verifies_stores_and_is_told(
    engine: sa.Engine, database_url: str, broker_url: str, away: str | None
) -> None:
    connection = connect(engine, "github")
    headers = json.dumps(signed("github", BODY))
    done = subprocess.run(
        [sys.executable, "-c", CALLER, headers, BODY.decode(), connection],
        env=environment(database_url, away or broker_url),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "Delivery(id=1, status='accepted') duplicate",
        "BadSignature BadRequest",
        "NotConnected",
    ]
    assert len(keys(engine)) == 1


def test_a_celery_message_becomes_a_delivery_or_is_dropped_for_good(
    engine: sa.Engine, database_url: str, broker_url: str, postgres_url: str, tmp_path: Path
) -> None:
    github, linear = connect(engine, "github"), connect(engine, "linear")
    client = Celery(broker=broker_url)

    def send(source_type: Any, headers: Any, body: Any, **more: Any) -> None:
        client.send_task("ingest.enqueue", (source_type, headers, body), more, queue="ingest")

    def github_headers(key: str) -> dict[str, str]:
        return signed("github", BODY, headers={"X-GitHub-Delivery": key})

    received_at = datetime.now(UTC) - timedelta(hours=9)
    told_ms = int(received_at.timestamp() * 1000)
    old = json.dumps({"webhookTimestamp": told_ms})
    now = json.dumps({"webhookTimestamp": int(time.time() * 1000)})
    old_headers = signed("linear", old.encode(), headers={"Linear-Delivery": "old"})
    with worker(environment(database_url, broker_url), tmp_path / "worker.log"):
        send("github", github_headers("text"), BODY.decode(), connection_id=github)
        coded = github_headers("base64") | {"Content-Transfer-Encoding": "base64"}
        send("github", coded, base64.b64encode(BODY).decode(), connection_id=github)
        send("linear", old_headers, old, connection_id=linear)
        send("linear", old_headers, old, connection_id=linear, received_at=iso(received_at))
        send("github", {**github_headers("forged"), "x-hub-signature-256": "sha256=0"}, "{}")
        send("github", [], 1)
        client.send_task("ingest.enqueue", ("github",), queue="ingest")
        until_stored(engine, {"text", "base64", "old"})
        assert abs(keys(engine)["old"] - received_at) < timedelta(milliseconds=1)
        until_settled(engine)  # what is worked on when the database goes holds its worker up
        with closed_database(database_url, postgres_url):
            late = signed("linear", now.encode(), headers={"Linear-Delivery": "late"})
            send("linear", late, now, connection_id=linear)
            wait_for(tmp_path / "worker.log", "delivery_waits")
        until_stored(engine, {"text", "base64", "old", "late"})
    said = (tmp_path / "worker.log").read_text()
    assert said.count("delivery_dropped") == 4
    assert refused(engine) == {
        ("github", "400"),
        ("github", "401"),
        ("linear", "200"),
        ("unknown", "400"),
    }


@contextmanager
def worker(env: Mapping[str, str], log: Path) -> Iterator[None]:
    command = [sys.executable, "-m", "celery", "-A", "ingest.worker", "worker", "-P", "solo"]
    command += ["-Q", "ingest", "--without-gossip", "--without-mingle", "--loglevel", "INFO"]
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=env, stdout=output, stderr=subprocess.STDOUT)
        try:
            yield
        finally:
            process.terminate()
            process.wait(30)


def wait_for(log: Path, words: str, *, within_s: float = 30) -> None:
    end = time.monotonic() + within_s
    while words not in log.read_text():
        assert time.monotonic() < end, log.read_text()
        time.sleep(0.1)
