"""No process ever says a secret: canaries in every place, every path of an error, all output read.

What is read: the logs of receiver, worker, fetcher and beat, what commands print, every text in the
database. A canary counts in the clear and in base64, as Basic credentials hold it.
"""

from __future__ import annotations

import base64
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import orjson
import psycopg
import pytest
import sqlalchemy as sa
from celery import Celery

from ingest.cli import run
from ingest.core.changes import Refresh
from ingest.core.identity import Identity
from ingest.core.vault import Vault
from ingest.embedded.processes import wait_until
from ingest.flows.syncs.control import sync_connection
from ingest.machine import running
from ingest.store import lookups
from ingest.store.engine import transaction
from tests import factories
from tests.acceptance.hostile_provider import ANSWERS, REFUSED, hostile_provider
from tests.embedded.watching import REPOSITORY
from tests.factories import signed

pytestmark = [
    pytest.mark.integration,
    pytest.mark.once,
    pytest.mark.xdist_group("stack"),
]

TOKEN, WEBHOOK, SHARED = "canary-token-5d0c1e", "canary-webhook-9b41", "canary-shared-77ac02"
KEY = "canary-key-of-more-than-thirty-two-characters"
HANDSHAKE = "secret_canaryhandshake04f2"
CLIENT, REFRESH = "canary-client-secret-3b8e0a", "canary-refresh-token-a61c44"
CANARIES = (TOKEN, WEBHOOK, SHARED, KEY, HANDSHAKE, CLIENT, REFRESH)
RENEWED = {
    "zendesk": {"clientId": "of-a-canary", "clientSecret": CLIENT},
    "linear": {"clientId": "of-a-canary", "clientSecret": CLIENT, "refreshToken": REFRESH},
}
"""What tokens are made from, where they renew themselves."""
TOKENS = {"zendesk": f"agent@example.com/token:{TOKEN}"}
LOOKED_UP = {
    "github": ("issue", "{}"),
    "linear": ("issue", "00000000-0000-4000-8000-{:012}"),
    "notion": ("page", "00000000-0000-4000-8000-{:012}"),
    "sentry": ("issue", "{}"),
    "vercel": ("deployment", "dpl_canary{}"),
    "zendesk": ("ticket", "{}"),
}
"""Of each source something that its client looks up."""
ENOUGH = len(ANSWERS)


@pytest.fixture
def environ(database_url: str, redis_url: str, broker_url: str, tmp_path: Path) -> dict[str, str]:
    """Of a whole stack whose secrets are canaries."""
    return {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "CELERY_BROKER_URL": broker_url,
        "INGEST_DATA_DIR": str(tmp_path / "data"),
        "INGEST_SECRET_KEY": KEY,
        "INGEST_LOG_LEVEL": "debug",
        **{f"INGEST_{name.upper()}_WEBHOOK_SECRETS": SHARED for name in LOOKED_UP},
    }


def test_no_process_says_a_secret_whatever_goes_wrong(
    environ: dict[str, str], engine: sa.Engine, database_url: str, tmp_path: Path
) -> None:
    """Bug: an unexpected answer in a look-up printed the token three times."""
    with (
        hostile_provider() as provider,
        hostile_provider(REFUSED) as refusing,
    ):
        urls = {f"INGEST_{name.upper()}_API_URL": provider for name in LOOKED_UP}
        urls["INGEST_SENTRY_API_URL"] = refusing
        with running({**environ, **urls}, workers=1) as stage:
            connections = {name: connected(engine, name) for name in LOOKED_UP}
            for source_type, connection in connections.items():
                ask(engine, connection, source_type)
                sync_connection(
                    engine, connected(engine, source_type), kind="backfill", asked_by="a test"
                )
            for source_type, client in RENEWED.items():
                given = orjson.dumps(client).decode()
                ask(engine, connected(engine, source_type, given), source_type)
            knock(stage.url, connections)
            with schema_broken(database_url):
                time.sleep(2)
                knock(stage.url, connections)
            stage.wait(lambda: answered(engine), seconds=90, until="every look-up tried")
            stage.wait(lambda: listed(engine), seconds=90, until="every list tried")
            said = commands({**environ, **urls})
        faulty = fetcher_with_a_fault({**environ, **urls}, engine, tmp_path / "faulty.log")
    logs = stage.log.read_text("utf-8", "replace")
    assert "look_up_failed_unexpectedly" in faulty
    assert "KeyError" in faulty
    words = ("delivery_refused", "looked_up", "connection_refused", "page_put_off")
    assert all(word in logs for word in words)
    secrets = [*CANARIES, *passwords(environ)]
    assert told(secrets, logs) == []
    assert told(secrets, said) == []
    assert told(secrets, faulty) == []
    assert told(secrets, "\n".join(everything_stored(engine))) == []


WRONG: Sequence[Mapping[str, str]] = (
    {"DATABASE_URL": "postgresql://user:canary-5@host:port/name"},
    {"DATABASE_URL": "postgresql://user:canary-5@"},
    {"DATABASE_URL": "mysql://user:canary-5@host/name"},
    {"DATABASE_URL": "user:canary-5@host"},
    {"DATABASE_URL": "postgresql://user:canary-5@127.0.0.1:1/name"},
    {"DATABASE_URL": "postgresql://user:canary-5/more@127.0.0.1:1/name"},
    {"DATABASE_URL": "postgresql://user:more@canary-5@127.0.0.1:1/name"},
    {"DATABASE_URL": "postgresql://user:canary-5\udcff@127.0.0.1:1/name"},
    {"DATABASE_URL": "postgresql://user@127.0.0.1:1/name?password=canary-5"},
    {"DATABASE_URL": "postgresql://user@127.0.0.1:1/name?password=canary-5&wibble=1"},
    {"DATABASE_URL": "postgresql://user@127.0.0.1:1/name?sslmode=canary-5"},
    {"CELERY_BROKER_URL": "redis://:canary-5@host:port/0"},
    {"CELERY_BROKER_URL": "redis://:canary-5/more@127.0.0.1:1/0"},
    {"CELERY_BROKER_URL": "nosuch://user:canary-5@host"},
    {"CELERY_BROKER_URL": "amqp://user:canary-5@127.0.0.1:1//"},
    {"CELERY_BROKER_URL": "redis://user:12345/canary-5@127.0.0.1:1/0"},
    {"CELERY_BROKER_URL": "redis://user:1?canary-5@127.0.0.1:1/0"},
    {"CELERY_BROKER_URL": "amqp://user:12345/canary-5@127.0.0.1:1//"},
    {"CELERY_BROKER_URL": "redis://canary-5@127.0.0.1:1/0"},
    {"CELERY_BROKER_URL": "redis://127.0.0.1:1/0?password=canary-5"},
    {"CELERY_BROKER_URL": "redis://127.0.0.1:1/0?passwd=canary-5"},
    {"CELERY_BROKER_URL": "rediss://127.0.0.1:1/0?ssl_cert_reqs=canary-5"},
    {"CELERY_BROKER_URL": "redis://:canary-5\udcff@127.0.0.1:1/0"},
    {"CELERY_BROKER_URL": "canary-5"},
    {"INGEST_SECRET_KEY": "canary-5"},
    {"INGEST_SECRET_KEY": f"{KEY},canary-5"},
    {"INGEST_SECRET_KEY": f"canary-5-{KEY}\udcff"},
    {"INGEST_GITHUB_WEBHOOK_SECRETS": "canary-5\udcff"},
    {"INGEST_ALLOWED_API_HOSTS": "https://user:canary-5@sentry.example"},
    {"INGEST_ALLOWED_API_HOSTS": "canary-5"},
    {"INGEST_LOG_LEVEL": "canary-5"},
    {"INGEST_MAX_BODY_BYTES": "canary-5"},
    {"INGEST_MAX_BODY_BYTES": "9" * 5000},
    {"INGEST_LEASE_SECONDS": "canary-5"},
    {"INGEST_NO_SUCH": "canary-5"},
    {"INGEST_SENTRY_API_URL": "https://user:canary-5@sentry.example?token=canary-5"},
    {"INGEST_SENTRY_API_URL": "https://user:canary-5@sentry.example"},
)
RIGHT = {
    "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing",
    "CELERY_BROKER_URL": "redis://127.0.0.1:1/0",
    "INGEST_SECRET_KEY": KEY,
}


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: ascii(" ".join(wrong.values()))[:80])
@pytest.mark.parametrize("command", ["doctor", "store list", "drain --timeout 0"])
def test_a_wrong_setting_is_told_without_its_secret(
    command: str, wrong: Mapping[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    environ = {**RIGHT, "INGEST_DATA_DIR": str(tmp_path / "data"), **wrong}
    assert run(command.split(), environ) in {1, 2, 3}
    said = "".join(capsys.readouterr())
    assert said
    assert told(["canary-5"], said) == []


@pytest.mark.parametrize("option", ["--token-env", "--webhook-secret-env"])
@pytest.mark.parametrize(
    "secret", [TOKEN, "ghp_0123456789abcdefABCDEF", "AKIA0SF0DNN7EXAMPLE0", "-----BEGIN KEY\nx"]
)
@pytest.mark.parametrize("command", ["source credentials ID", "source connect github --store s"])
def test_a_secret_in_the_place_of_its_variable_s_name_is_not_told(
    command: str, secret: str, option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Bug: `--token-env ghp_…` was answered by quoting the token."""
    more = ["--name", "n", "--metadata", "{}"] if "connect" in command else []
    environ = {**RIGHT, "INGEST_DATA_DIR": str(tmp_path / "data")}
    assert run([*command.split(), *more, option, secret], environ) == 2
    said = "".join(capsys.readouterr())
    assert "is not set" in said
    assert told([secret.splitlines()[0]], said) == []


@pytest.mark.parametrize(
    ("argv", "wrong"),
    [
        ("-m uvicorn --factory ingest.web:create_app --port 0", {"INGEST_SECRET_KEY": "canary-5"}),
        ("-m celery -A ingest.worker worker", {"CELERY_BROKER_URL": "redis://:canary-5/x@h:1/0"}),
        ("-m celery -A ingest.worker worker", {"CELERY_BROKER_URL": "redis://h/0?passwd=canary-5"}),
        ("-m celery -A ingest.worker beat", {"CELERY_BROKER_URL": "redis://:canary-5/x@h:1/0"}),
    ],
    ids=["web", "worker", "worker's broker", "beat"],
)
def test_a_process_with_a_wrong_setting_ends_with_one_line(
    argv: str, wrong: Mapping[str, str], tmp_path: Path
) -> None:
    """Bug: a worker ended with a traceback that quoted the broker's password as a port."""
    environ = {**RIGHT, "INGEST_DATA_DIR": str(tmp_path / "data"), **wrong}
    code, said = ended(argv.split(), environ)
    assert code == 2
    assert "Traceback" not in said
    assert next(iter(wrong)) in said
    assert told(["canary-5"], said) == []


def connected(engine: sa.Engine, source_type: str, given: str | None = None) -> str:
    """A connection whose secrets are canaries; `given` in the place of its token."""
    token, vault = given or TOKENS.get(source_type, TOKEN), Vault([KEY])
    return factories.connect(engine, source_type, secret=WEBHOOK, token=token, vault=vault)


def ask(engine: sa.Engine, connection: str, source_type: str) -> None:
    """Have so much looked up that the provider gives each of its answers."""
    kind, id_ = LOOKED_UP[source_type]
    found = [Identity(source_type, "101", kind, id_.format(n)) for n in range(1, ENOUGH + 1)]
    with transaction(engine) as conn:
        lookups.request(conn, [(connection, Refresh(one)) for one in found], {})


def answered(engine: sa.Engine) -> bool:
    """Whether every look-up was tried, or its connection is paused."""
    untried = sa.text("""
        SELECT count(*) FROM lightfast_lookups l
        JOIN lightfast_connected_sources s ON s.id = l.connection_id
        WHERE s.is_active AND l.last_error IS NULL
    """)
    with transaction(engine) as conn:
        return not conn.execute(untried).scalar_one()


def listed(engine: sa.Engine) -> bool:
    """Whether every list was tried, or its connection is paused."""
    untried = sa.text("""
        SELECT count(*) FROM lightfast_connected_sources s
        JOIN lightfast_sync_runs r ON r.connection_id = s.id
        LEFT JOIN lightfast_sync_parts p ON p.run_id = r.id AND p.resource <> 'end'
        WHERE s.is_active AND (r.state = 'waiting' OR (r.state = 'running'
          AND p.state = 'due' AND p.last_error IS NULL AND p.pages = 0))
    """)
    with transaction(engine) as conn:
        return not conn.execute(untried).scalar_one()


def knock(url: str, connections: Mapping[str, str]) -> None:
    """What a receiver is sent: right, wrong, unsigned, with secrets where none belong."""
    own, notion = (f"/webhooks/{name}/{connections[name]}" for name in ("github", "notion"))
    body = b'{"action": "opened", "issue": {}, "repository": {"id": 101}}'
    unsigned = orjson.dumps({"verification_token": HANDSHAKE})
    right = signed("github", body, WEBHOOK, {"x-github-event": "issues"})
    told_too = {"authorization": f"Bearer {TOKEN}", "x-api-key": WEBHOOK}
    with httpx.Client(base_url=url, timeout=30) as client:
        for path, headers, sent in (
            (own, {**right, **told_too}, body),
            (own, {**right, "x-github-event": WEBHOOK}, body),
            (own, {**right, "x-hub-signature-256": WEBHOOK}, body),
            (f"{own}?secret={WEBHOOK}", right, body + b" "),
            ("/webhooks/github", right, body),
            (f"/webhooks/{SHARED}", right, body),
            (f"/webhooks/github/{WEBHOOK}", right, body),
            (f"/{WEBHOOK}", right, body),
            ("/webhooks/github", signed("github", b"[1", SHARED), b"[1"),
            (notion, {}, unsigned),
            ("/webhooks/notion", {}, unsigned),
        ):
            client.post(path, headers={"content-type": "application/json", **headers}, content=sent)


@contextmanager
def schema_broken(database_url: str) -> Iterator[None]:
    """A table is away for a while: every statement on it fails, and errors quote what they can."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("ALTER TABLE lightfast_webhook_deliveries RENAME TO elsewhere")
        connection.execute("ALTER TABLE lightfast_source_credentials RENAME COLUMN secret TO other")
        try:
            yield
        finally:
            connection.execute("ALTER TABLE elsewhere RENAME TO lightfast_webhook_deliveries")
            connection.execute(
                "ALTER TABLE lightfast_source_credentials RENAME COLUMN other TO secret"
            )


def commands(environ: Mapping[str, str]) -> str:
    """What commands print that have to do with secrets."""
    lines = ("doctor", "source list --json", "deliveries list", "deliveries show 1")
    return "\n".join(ended(["-m", "ingest.cli", *line.split()], environ)[1] for line in lines)


def fetcher_with_a_fault(environ: Mapping[str, str], engine: sa.Engine, log: Path) -> str:
    """The log of a fetcher in whose look-ups our own code fails."""
    for source_type in LOOKED_UP:
        ask(engine, connected(engine, source_type), source_type)
    argv = "-m celery -A tests.acceptance.faulty worker -P threads -c 1 -Q fetch"
    with (
        log.open("wb") as output,
        subprocess.Popen(
            [sys.executable, *argv.split()],
            env={**os.environ, **environ},
            cwd=REPOSITORY,
            stdout=output,
            stderr=subprocess.STDOUT,
        ) as fetcher,
    ):
        Celery(broker=environ["CELERY_BROKER_URL"]).send_task("ingest.fetch", queue="fetch")
        wait_until(lambda: log.read_bytes().count(b"KeyError") > len(LOOKED_UP), seconds=30)
        fetcher.terminate()
        fetcher.wait(60)
    return log.read_text("utf-8", "replace")


def ended(argv: Sequence[str], environ: Mapping[str, str]) -> tuple[int, str]:
    """A process's exit code, and all that it says."""
    kept = {name: text for name, text in os.environ.items() if not name.endswith("_URL")}
    process = subprocess.run(
        [sys.executable, *argv],
        env={**kept, **environ},
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=60,
        check=False,
    )
    return process.returncode, process.stdout.decode("utf-8", "replace")


def everything_stored(engine: sa.Engine) -> Iterator[str]:
    """Every row of every table as text, without bodies: what was sent may hold anything."""
    tables = sa.text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    with transaction(engine) as conn:
        for name in conn.execute(tables).scalars():
            row = sa.func.to_jsonb(sa.literal_column(name)).op("-")("body")
            rows = conn.execute(sa.select(row).select_from(sa.table(name))).scalars()
            yield from (f"{name} {row}" for row in rows)


def passwords(environ: Mapping[str, str]) -> list[str]:
    """Of the services' URLs; one that everybody has is no secret."""
    found = (urlsplit(text).password for name, text in environ.items() if name.endswith("_URL"))
    return [password for password in found if password and len(password) > 8]


def told(secrets: Sequence[str], text: str) -> list[str]:
    """The lines in which a secret stands, in the clear or in base64."""
    return [
        line[:2000]
        for line in text.splitlines()
        if any(secret in line for secret in secrets) or any(form in line for form in _ENCODED)
    ]


_ENCODED = [
    base64.b64encode(text.encode()).decode().rstrip("=")[:-2]
    for text in (*CANARIES, *TOKENS.values())
]
