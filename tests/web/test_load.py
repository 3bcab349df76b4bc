"""Many senders at once, and a database that goes away: answered means stored, in groups."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
import sqlalchemy as sa

from ingest.core.errors import Unavailable
from ingest.store.engine import transaction
from tests.databases import empty_databases
from tests.factories import connect, signed
from tests.web.running import closed_database, receiver

pytestmark = pytest.mark.integration

BODY = b'{"repository":{"id":101}}'


def deliver(client: httpx.Client, path: str = "github") -> httpx.Response:
    return client.post(f"/webhooks/{path}", content=BODY, headers=signed("github", BODY))


def at(port: int) -> httpx.Client:
    return httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20, trust_env=False)


def test_concurrent_deliveries_share_transactions_and_none_is_lost(
    client: httpx.Client, engine: sa.Engine
) -> None:
    path = f"github/{connect(engine, 'github')}"
    with ThreadPoolExecutor(24) as pool:
        answers = [a.json() for a in pool.map(lambda _: deliver(client, path), range(480))]
    ids = {answer["delivery"] for answer in answers}
    assert {answer["status"] for answer in answers} == {"accepted"}
    with transaction(engine) as conn:
        rows = conn.execute(
            sa.text("SELECT id, xmin::text AS transaction FROM lightfast_webhook_deliveries")
        ).all()
    assert ids == {row.id for row in rows}
    transactions = len({row.transaction for row in rows})
    assert len(rows) == 480
    assert transactions < len(rows) * 2 // 3, f"{transactions} transactions"
    text = client.get("/metrics").text
    assert f"ingest_commit_group_size_count {transactions}.0" in text.splitlines()


def test_the_same_delivery_from_many_at_once_is_accepted_once(client: httpx.Client) -> None:
    headers = signed("github", BODY)
    with ThreadPoolExecutor(16) as pool:
        told = pool.map(
            lambda _: client.post("/webhooks/github", content=BODY, headers=headers).json(),
            range(64),
        )
        answers = list(told)
    assert sum(answer["status"] == "accepted" for answer in answers) == 1
    assert len({answer["delivery"] for answer in answers}) == 1


def test_without_a_database_the_sender_is_asked_to_come_back() -> None:
    nowhere = "postgresql://nobody@127.0.0.1:1/none"
    with receiver(nowhere, lambda _: None) as port, at(port) as client:
        for path in ("github", "github/some-connection"):
            answer = deliver(client, path)
            assert (answer.status_code, list(answer.json())) == (503, ["error"])
            assert int(answer.headers["retry-after"]) > 0
        assert client.get("/healthz").status_code == 200
        assert client.get("/readyz").status_code == 503
        metrics, database = client.get("/metrics"), client.get("/metrics/database")
    assert (metrics.status_code, database.status_code) == (200, 200)
    assert 'answer="503",source="github"} 2.0' in metrics.text
    assert "ingest_database_up 0.0" in database.text.splitlines()
    assert "ingest_queue_items" not in database.text


def test_a_database_without_our_tables_is_a_503_too(postgres_url: str) -> None:
    with (
        empty_databases(postgres_url) as make,
        receiver(make(), lambda _: None) as port,
        at(port) as client,
    ):
        for path in ("github", "github/some-connection"):
            assert deliver(client, path).status_code == 503
        assert client.get("/readyz").status_code == 503


def test_when_the_database_comes_back_so_do_the_answers(
    client: httpx.Client, database_url: str, postgres_url: str
) -> None:
    assert deliver(client).status_code == 200
    with closed_database(database_url, postgres_url):
        assert deliver(client).status_code == 503
    assert deliver(client).status_code == 200


def test_a_database_that_hangs_is_a_503_before_the_provider_hangs_up(
    client: httpx.Client, engine: sa.Engine
) -> None:
    assert deliver(client).status_code == 200
    with transaction(engine) as conn:
        conn.execute(sa.text("LOCK TABLE lightfast_webhook_deliveries IN ACCESS EXCLUSIVE MODE"))
        began = time.monotonic()
        assert deliver(client).status_code == 503
        assert time.monotonic() - began < 5
    assert deliver(client).status_code == 200


def test_a_broker_that_hangs_or_is_away_holds_no_answer_up(database_url: str) -> None:
    hang = threading.Event()

    def publish(_: str) -> None:
        hang.wait(20)
        raise Unavailable("the broker does not answer")

    with receiver(database_url, publish) as port, at(port) as client:
        began = time.monotonic()
        assert [deliver(client).status_code for _ in range(5)] == [200] * 5
        assert time.monotonic() - began < 5
        hang.set()
