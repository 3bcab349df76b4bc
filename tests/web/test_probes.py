"""What anybody may ask of the database, it is asked once at a time."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
import sqlalchemy as sa
import structlog

from ingest.core.errors import Unavailable
from ingest.core.vault import Vault
from ingest.sources.registry import all_sources
from ingest.store import connections
from ingest.store.engine import connect, transaction
from ingest.store.upgrade import upgrade
from ingest.web import create_app
from ingest.web.probes import Shared
from tests.black_hole import proxied
from tests.factories import SECRET_KEY, signed
from tests.factories import connect as connect_source
from tests.store.test_sessions import set_here
from tests.web.running import program, receiver, served


def test_whoever_comes_while_a_call_is_under_way_shares_it() -> None:
    calls: list[int] = []
    go_on = threading.Event()

    def call() -> int:
        calls.append(len(calls))
        go_on.wait(20)
        return len(calls)

    async def main() -> None:
        with ThreadPoolExecutor(4) as threads:
            shared = Shared(call, threads)
            asking = [asyncio.create_task(shared.get()) for _ in range(50)]
            await asyncio.sleep(0.01)
            asking.pop().cancel()
            go_on.set()
            assert await asyncio.gather(*asking) == [1] * 49
            assert await shared.get() == 2

    asyncio.run(main())


def test_a_failure_is_told_to_all_and_kept_for_nobody() -> None:
    answers = iter([True, False])

    def call() -> str:
        if next(answers):
            raise Unavailable("the database is away")
        return "here"

    async def main() -> None:
        with ThreadPoolExecutor(1) as threads:
            shared = Shared(call, threads)
            with pytest.raises(Unavailable):
                await shared.get()
            assert await shared.get() == "here"

    asyncio.run(main())


@pytest.mark.integration
def test_a_database_that_can_only_be_read_is_not_ready(
    engine: sa.Engine, database_url: str
) -> None:
    """Bug: 200 was answered while no delivery could be stored."""
    upgrade(engine, list(all_sources()))
    set_here(database_url, "default_transaction_read_only = on")
    with receiver(database_url, lambda _: None) as port:
        answer = _ready(port)
        assert (answer.status_code, "can only be read" in answer.text) == (503, True)
        set_here(database_url, "default_transaction_read_only = off")
        assert _ready(port).status_code == 200


@pytest.mark.integration
def test_a_silent_database_is_not_ready_within_five_seconds(database_url: str) -> None:
    made = connect(database_url)
    upgrade(made, list(all_sources()))
    made.dispose()
    with proxied(database_url) as proxy, receiver(proxy.url, lambda _: None) as port:
        assert _ready(port).status_code == 200
        proxy.passing.clear()
        for _ in range(2):
            began = time.monotonic()
            assert _ready(port).status_code == 503
            assert time.monotonic() - began < 6
        proxy.passing.set()
        assert _ready(port).status_code == 200


@pytest.mark.integration
def test_a_receiver_whose_key_opens_none_of_the_secrets_is_not_ready_and_says_so_once(
    engine: sa.Engine, database_url: str
) -> None:
    """Bug: it said 200, and answered each signed delivery with 503."""
    upgrade(engine, list(all_sources()))
    other = Vault(["the key that all the others have, of the same installation"])
    one, *_ = [connect_source(engine, "github", vault=other) for _ in range(3)]
    app = create_app(program(database_url), publish=lambda _: None)
    with structlog.testing.capture_logs() as lines, served(app) as port:
        answers = [_ready(port) for _ in range(3)]
        assert {answer.status_code for answer in answers} == {503}
        assert "INGEST_SECRET_KEY" in answers[0].json()["error"]
        assert SECRET_KEY not in answers[0].text
        assert _deliver(port, one) == 503
        connect_source(engine, "github")
        assert _ready(port).status_code == 200
    told = [line for line in lines if line["event"] in {"not_ready", "ready_again"}]
    assert [(line["event"], line["log_level"]) for line in told] == [
        ("not_ready", "error"),
        ("ready_again", "info"),
    ]


@pytest.mark.integration
def test_secrets_of_a_retired_key_make_nobody_unready_beside_one_that_opens(
    engine: sa.Engine, database_url: str
) -> None:
    upgrade(engine, list(all_sources()))
    other = Vault(["a key of before, which was retired and is not known any more"])
    with receiver(database_url, lambda _: None) as port:
        gone = connect_source(engine, "github", vault=other)
        assert _ready(port).status_code == 503
        with transaction(engine) as conn:
            connections.set_status(conn, gone, is_active=False, status=connections.DISCONNECTED)
        assert _ready(port).status_code == 200, "nothing comes in for it"
        for _ in range(20):
            connect_source(engine, "github", vault=other)
        connect_source(engine, "github")
        for _ in range(3):
            connect_source(engine, "github", vault=other)
        assert _ready(port).status_code == 200


def _deliver(port: int, connection: str) -> int:
    url = f"http://127.0.0.1:{port}/webhooks/github/{connection}"
    body = b"{}"
    answer = httpx.post(url, content=body, headers=signed("github", body), trust_env=False)
    return answer.status_code


def _ready(port: int) -> httpx.Response:
    return httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=20, trust_env=False)
