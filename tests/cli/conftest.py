"""The command line in this drain, on a test's own database, and something to look at there."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson
import pytest
import sqlalchemy as sa

from ingest.cli import run
from ingest.core.times import to_micros
from ingest.flows.deliveries.drain import drain_deliveries
from tests.factories import METADATA, SECRET, signed
from tests.sources.linear import deliveries as linear

SECRET_KEY = "a key for tests which is of no use elsewhere"


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON document on stdout."""
        assert self.code == 0, self.err
        return json.loads(self.out)


Ingest = Callable[..., Ran]


@pytest.fixture
def ingest(database_url: str, capsys: pytest.CaptureFixture[str]) -> Ingest:
    """`ingest("store", "list", VARIABLE="value")` runs the command with that in its environment."""

    def call(*argv: str, **environ: str) -> Ran:
        capsys.readouterr()
        given = {"DATABASE_URL": database_url, "INGEST_SECRET_KEY": SECRET_KEY, **environ}
        code = run(argv, given)
        said = capsys.readouterr()
        return Ran(code, said.out, said.err)

    return call


@dataclass(frozen=True, slots=True)
class Town:
    """A store with one connection, which sent an issue and a comment below it. All by command."""

    store: str
    connection: str
    issue: str
    comment: str


@pytest.fixture
def town(engine: sa.Engine, ingest: Ingest) -> Town:
    """Two deliveries came in by `ingest enqueue` and were processed."""
    store = ingest("store", "create", "town", "--json").json["id"]
    connection = connect_linear(ingest, store)
    for name in ("Issue.create", "Comment.create"):
        assert deliver(ingest, connection, name).json["status"] == "accepted"
    drain_deliveries(engine, go_on=lambda: True)
    rows = ingest("docs", "list", "--store", store, "--json").json
    by_kind = {row["kind"]: row["id"] for row in rows}
    return Town(store, connection, by_kind["issue"], by_kind["comment"])


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Whoever was started in the background by a shell ignores SIGINT, and so do his children."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def deliver(ingest: Ingest, connection: str, name: str) -> Ran:
    """Hand in a recorded payload as if it had just been sent."""
    sent_at_ms = to_micros(datetime.now(UTC)) // 1000
    body = orjson.dumps(linear.body(name) | {"webhookTimestamp": sent_at_ms})
    headers = signed("linear", body, SECRET)
    with TemporaryDirectory() as folder:
        (Path(folder) / "headers").write_bytes(orjson.dumps(headers))
        (Path(folder) / "body").write_bytes(body)
        files = ("--headers", f"@{folder}/headers", "--body", f"@{folder}/body")
        return ingest("enqueue", "linear", *files, "--connection", connection, "--json")


def connect_linear(ingest: Ingest, *stores: str, **environ: str) -> str:
    """Connect the organization of the recorded payloads; the connection's id."""
    organization = linear.body("Issue.create")["organizationId"]
    metadata = {**METADATA["linear"], "linearOrganizationId": organization}
    fed = [word for store in stores for word in ("--store", store)]
    told = ("--name", "Linear", "--metadata", json.dumps(metadata))
    secret = ("--webhook-secret-env", "SECRET")
    return str(
        ingest(
            "source", "connect", "linear", *fed, *told, *secret, **environ, SECRET=SECRET
        ).out.strip()
    )
