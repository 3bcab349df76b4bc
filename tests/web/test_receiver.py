"""Every answer of the public interface, from a running receiver with a real database."""

from __future__ import annotations

import json
import re
import time

import httpx
import pytest
import sqlalchemy as sa
import structlog

from ingest.core.errors import BadSignature
from ingest.flows.connections.connect import connect_source
from ingest.flows.receiving import handshake, refusals
from ingest.flows.receiving.messages import EnqueueArguments
from ingest.settings import Settings
from ingest.sources.registry import all_sources
from ingest.store import connections, credentials
from ingest.store.engine import transaction
from ingest.store.upgrade import upgrade
from ingest.web import create_app
from ingest.web.probes import PROTOCOL
from ingest.wiring import Program
from tests.factories import METADATA, SECRET, VAULT, connect, make_store, signed
from tests.web.running import LIMIT, program, served, speak, status

pytestmark = pytest.mark.integration

BODY = b'{"id":"evt-1","repository":{"id":101}}'
ZENDESK_TIME = "X-Zendesk-Webhook-Signature-Timestamp"


def post(
    client: httpx.Client, path: str, headers: dict[str, str], body: bytes = BODY
) -> tuple[int, dict[str, object]]:
    answer = client.post(f"/webhooks/{path}", content=body, headers=headers)
    assert answer.headers["content-type"] == "application/json"
    return answer.status_code, answer.json()


def stored(engine: sa.Engine) -> list[sa.Row[tuple[object, ...]]]:
    query = "SELECT * FROM lightfast_webhook_deliveries ORDER BY id"
    with transaction(engine) as conn:
        return list(conn.execute(sa.text(query)))


@pytest.mark.parametrize("source_type", METADATA)
def test_a_signed_delivery_of_every_source_is_stored_before_its_200(
    client: httpx.Client, engine: sa.Engine, source_type: str
) -> None:
    connection = connect(engine, source_type)
    headers = signed(source_type, BODY)
    status, told = post(client, f"{source_type}/{connection}", headers)
    (row,) = stored(engine)
    assert (status, told) == (200, {"delivery": row.id, "status": "accepted"})
    assert (row.body, row.connection_id, row.status) == (BODY, connection, "pending")
    header = all_sources()[source_type].descriptor.scheme.header.lower()
    assert header not in row.headers
    again = post(client, f"{source_type}/{connection}", headers)
    assert again == (200, {"delivery": row.id, "status": "duplicate"})


def test_a_handshake_is_answered_and_not_stored(client: httpx.Client, engine: sa.Engine) -> None:
    headers = signed("github", BODY, headers={"x-github-event": "ping"})
    assert post(client, "github", headers) == (200, {"delivery": None, "status": "handshake"})
    assert not stored(engine)


def test_an_unsigned_handshake_is_taken_where_it_is_waited_for_and_nothing_else_unsigned(
    client: httpx.Client, engine: sa.Engine
) -> None:
    waiting, others = _waiting(engine), connect(engine, "notion")
    unsigned = {"content-type": "application/json"}
    token = b'{"verification_token":"secret_of-a-test"}'
    for path in ("notion", f"notion/{others}", f"notion/{waiting}x"):
        assert post(client, path, unsigned, token)[0] in {401, 404}, path
    assert post(client, f"notion/{waiting}", unsigned, BODY)[0] == 401
    assert post(client, f"notion/{waiting}", unsigned, token + b" " * 5000)[0] == 413
    taken = (200, {"delivery": None, "status": "handshake"})
    assert post(client, f"notion/{waiting}", unsigned, token) == taken
    assert post(client, f"notion/{waiting}", unsigned, token) == taken, "it is sent again"
    event = signed("notion", BODY, "secret_of-a-test")
    assert post(client, f"notion/{waiting}", event)[0] == 200
    assert len(stored(engine)) == 1


def test_a_handshake_is_taken_at_once_by_a_connection_that_begins_to_wait(
    client: httpx.Client, engine: sa.Engine
) -> None:
    """What is kept of its secrets says that it does not."""
    connection = connect(engine, "notion", secret="secret_old")
    assert post(client, f"notion/{connection}", signed("notion", BODY, "secret_old"))[0] == 200
    handshake.rearm(engine, connection)
    token = b'{"verification_token":"secret_of-a-test"}'
    answer = post(client, f"notion/{connection}", {"content-type": "application/json"}, token)
    assert answer == (200, {"delivery": None, "status": "handshake"})


def _waiting(engine: sa.Engine) -> str:
    """A connection without a secret, as a person makes it."""
    return connect_source(
        engine,
        all_sources()["notion"].descriptor,
        name="of a test",
        metadata=METADATA["notion"],
        store_ids=[make_store(engine)],
        secrets={},
        vault=VAULT,
    )


def test_a_refusal_keeps_the_connection_where_nothing_is_left_to_read(port: int) -> None:
    head = b"POST /webhooks/gitea HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n"
    told = speak(port, head + b"\r\n{}" + head + b"connection: close\r\n\r\n{}")
    assert told.count(b"HTTP/1.1 404") == 2
    told = speak(port, head + b"\r\n")
    assert (status(told), b"connection: close" in told) == (404, True)


def test_the_app_wide_route_stores_what_no_connection_claims(
    client: httpx.Client, engine: sa.Engine
) -> None:
    assert post(client, "github", signed("github", BODY))[0] == 200
    assert stored(engine)[0].connection_id is None


def test_what_is_refused_says_why_and_stores_nothing(
    client: httpx.Client, engine: sa.Engine
) -> None:
    own = f"github/{connect(engine, 'github')}"
    good = signed("github", BODY)
    unsigned = {k: v for k, v in good.items() if k != "x-hub-signature-256"}
    table = [
        (404, "gitea", good, BODY, "known are"),
        (404, "github/nobody", good, BODY, "no connection"),
        (404, "github/%00", good, BODY, "no connection"),
        (404, f"linear/{own[7:]}", signed("linear", BODY), BODY, "no connection"),
        (404, "zendesk", signed("zendesk", BODY), BODY, "one connection at a time"),
        (415, own, good | {"content-type": "text/plain"}, BODY, "not JSON"),
        (415, own, good | {"content-encoding": "gzip"}, BODY, "content-encoding"),
        (400, own, {"content-type": "application/json"}, BODY, "x-github-event"),
        (401, own, unsigned, BODY, "is missing"),
        (401, own, signed("github", BODY, "another"), BODY, "does not match"),
        (401, "sentry", signed("sentry", BODY), BODY, "no webhook secret"),
        (400, own, signed("github", b"{"), b"{", "not JSON"),
        (400, own, signed("github", b""), b"", "not JSON"),
        (413, own, good, b" " * (LIMIT + 1), "INGEST_MAX_BODY_BYTES"),
    ]
    for expected, path, headers, body, words in table:
        status, told = post(client, path, headers, body)
        assert (status, list(told)) == (expected, ["error"]), (path, told)
        assert words in str(told["error"])
        assert SECRET not in str(told)
    assert not stored(engine)


def test_a_request_from_another_time_is_a_401(client: httpx.Client, engine: sa.Engine) -> None:
    body = b'{"webhookTimestamp": 4102444800000}'
    path = f"linear/{connect(engine, 'linear')}"
    status, told = post(client, path, signed("linear", body), body)
    assert (status, "60 s ahead" in str(told)) == (401, True)
    old = signed("zendesk", BODY, headers={ZENDESK_TIME: "2024-01-01T00:00:00Z"})
    status, told = post(client, f"zendesk/{connect(engine, 'zendesk')}", old)
    assert (status, "before receipt" in str(told)) == (401, True)


def test_what_a_provider_must_not_see_refused_is_dropped_and_counted(
    client: httpx.Client, engine: sa.Engine
) -> None:
    body = b'{"webhookTimestamp": 1700000000000}'
    path = f"linear/{connect(engine, 'linear')}"
    dropped = (200, {"delivery": None, "status": "dropped"})
    assert post(client, path, signed("linear", body), body) == dropped
    assert post(client, path, signed("linear", body, "another"), body)[0] == 401
    assert not stored(engine)
    counted = 'ingest_received_total{answer="dropped",source="linear"} 1.0'
    assert counted in client.get("/metrics").text


def test_a_body_of_the_largest_size_is_accepted(client: httpx.Client, engine: sa.Engine) -> None:
    body = b'{"pad":"%s"}' % (b"x" * (LIMIT - 10))
    assert len(body) == LIMIT
    assert post(client, "github", signed("github", body), body)[0] == 200
    assert bytes(stored(engine)[0].body) == body


@pytest.mark.parametrize(("status", "expected"), [("paused", 200), ("disconnected", 404)])
def test_a_paused_connection_still_receives_and_a_disconnected_one_does_not(
    client: httpx.Client, engine: sa.Engine, status: str, expected: int
) -> None:
    connection = connect(engine, "github")
    with transaction(engine) as conn:
        assert connections.set_status(conn, connection, is_active=False, status=status)
    assert post(client, f"github/{connection}", signed("github", BODY))[0] == expected


def test_a_rotated_secret_works_at_once_beside_the_old_one(
    client: httpx.Client, engine: sa.Engine
) -> None:

    connection = connect(engine, "github")
    assert post(client, f"github/{connection}", signed("github", BODY))[0] == 200
    with transaction(engine) as conn:
        credentials.add(conn, VAULT, connection, credentials.WEBHOOK_SECRET, "new")
    for secret in ("new", SECRET):
        assert post(client, f"github/{connection}", signed("github", BODY, secret))[0] == 200


def test_the_bell_is_rung_after_the_commit(client: httpx.Client, rung: list[str]) -> None:
    assert post(client, "github", signed("github", BODY))[0] == 200
    until = time.monotonic() + 5
    while not rung and time.monotonic() < until:
        time.sleep(0.01)
    assert rung == ["ingest"]


def test_other_methods_and_routes_are_refused_as_json(client: httpx.Client) -> None:
    for method, path, expected in (
        ("GET", "/webhooks/github", 405),
        ("PUT", "/webhooks/github/x", 405),
        ("POST", "/webhooks", 404),
        ("POST", "/webhooks/github/", 404),
        ("POST", "/webhooks/github/a/b", 404),
        ("GET", "/", 404),
    ):
        answer = client.request(method, path)
        assert (answer.status_code, list(answer.json())) == (expected, ["error"])


def test_the_probes_tell_life_from_readiness(client: httpx.Client, engine: sa.Engine) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    behind = client.get("/readyz")
    assert (behind.status_code, "ingest db upgrade" in behind.text) == (503, True)
    assert int(behind.headers["retry-after"]) > 0
    upgrade(engine, list(all_sources()))
    assert client.get("/readyz").status_code == 200


@pytest.mark.parametrize(("protocol", "warned"), [(PROTOCOL, False), ("httptools", True)])
def test_a_server_that_bounds_no_heads_is_told_of(
    database_url: str, protocol: str, *, warned: bool
) -> None:
    app = create_app(program(database_url), publish=lambda _: None)
    with structlog.testing.capture_logs() as lines, served(app, protocol=protocol) as port:
        speak(port, b"GET /readyz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    assert any(PROTOCOL in str(line.get("remedy")) for line in lines) is warned


def test_a_wrong_setting_is_one_line_and_exit_2(capsys: pytest.CaptureFixture[str]) -> None:
    without_key = Program(Settings(database_url="postgresql://127.0.0.1/x"))
    with pytest.raises(SystemExit) as caught:
        create_app(without_key)
    said = capsys.readouterr().err
    assert (caught.value.code, said.count("\n")) == (2, 1)
    assert "INGEST_SECRET_KEY is not set" in said


def test_metrics_tell_what_came_and_what_waits(client: httpx.Client, engine: sa.Engine) -> None:
    """Bug: those of two receivers, added up, counted the queue twice: its figures stand apart."""
    refusals.record(engine, EnqueueArguments("github", {}, ""), BadSignature("no"))
    refusals.record(engine, EnqueueArguments("s3cret-guess", {}, ""), BadSignature("no"))
    assert post(client, "github", signed("github", BODY))[0] == 200
    assert post(client, "github", signed("github", BODY, "wrong"))[0] == 401
    assert post(client, "s3cret-guess", {})[0] == 404
    text, database = client.get("/metrics").text, client.get("/metrics/database").text
    for line in (
        'ingest_received_total{answer="accepted",source="github"} 1.0',
        'ingest_received_total{answer="401",source="github"} 1.0',
        'ingest_received_total{answer="404",source="unknown"} 1.0',
        "ingest_answer_seconds_count 3.0",
        "ingest_commit_group_size_count 1.0",
        'ingest_pool_connections{state="limit"} 10.0',
    ):
        assert line in text.splitlines()
    for line in (
        "ingest_database_up 1.0",
        'ingest_queue_items{queue="ingest",source="github",state="due"} 1.0',
        'ingest_refused_messages_total{answer="401",source="github"} 1.0',
        'ingest_refused_messages_total{answer="401",source="unknown"} 1.0',
    ):
        assert line in database.splitlines()
    assert not _names(text) & _names(database)
    assert "s3cret-guess" not in text + database


def _names(text: str) -> set[str]:
    return set(re.findall(r"^# TYPE (\S+)", text, re.MULTILINE))


def test_stored_headers_are_those_of_the_allow_list(
    client: httpx.Client, engine: sa.Engine
) -> None:
    more = {"authorization": "Bearer x", "cookie": "a=b", "user-agent": "GitHub-Hookshot/1"}
    assert post(client, "github", signed("github", BODY, headers=more))[0] == 200
    kept = stored(engine)[0].headers
    assert set(kept) == {"content-type", "user-agent", "x-github-event", "x-github-delivery"}
    assert "Bearer" not in json.dumps(kept)
