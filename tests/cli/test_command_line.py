"""The command line itself: exit codes, one line for what went wrong, help, the entry point."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from kombu import Connection, Queue

from ingest.cli import run
from tests.acceptance.conftest import connected, enqueue
from tests.acceptance.crowd import crowd
from tests.cli.conftest import SECRET_KEY, Ingest

NOWHERE = "postgresql://nobody@127.0.0.1:1/nothing"


@pytest.mark.parametrize(
    ("argv", "environ", "code", "said"),
    [
        (["store", "lsit"], {}, 2, "No such command 'lsit'"),
        (["store", "create"], {}, 2, "Missing argument 'ID'"),
        (["sync", "show", "x"], {}, 2, "Invalid value for 'RUN'"),
        (["deliveries", "list", "--source", "gopher"], {}, 2, "'gopher' is no source"),
        (["store", "list"], {"DATABASE_URL": "mysql://x/y"}, 2, "DATABASE_URL names mysql"),
        (["store", "list"], {"DATABASE_URL": "postgres://x/y?sslmode=on"}, 2, "sslmode is none of"),
        (["store", "list"], {"INGEST_MAX_BODY_BYTES": "x"}, 2, "INGEST_MAX_BODY_BYTES is 'x'"),
        (
            ["db", "size"],
            {"INGEST_SYNC_ASK_SHARE": "20%"},
            2,
            "INGEST_SYNC_ASK_SHARE is '20%'; give a part of 1, as 0.2",
        ),
        (
            ["db", "size"],
            {"INGEST_KEEP_DELIVERIES_DAYS": "0"},
            2,
            "INGEST_KEEP_DELIVERIES_DAYS is '0'; give a whole number above 0, of 5 digits at most",
        ),
        (
            ["db", "size"],
            {"INGEST_CONSOLE_PASSWORD": "hunter2"},
            2,
            "INGEST_CONSOLE_PASSWORD is too short; give at least 12 characters",
        ),
        (
            ["db", "size"],
            {"INGEST_CONSOLE_IDENTITY_HEADER": "X Forwarded"},
            2,
            "give a header's name, as X-Forwarded-User",
        ),
        (["store", "list"], {"DATABASE_URL": NOWHERE}, 3, "PostgreSQL does not answer"),
        (["store", "list"], {}, 3, "no database: DATABASE_URL is not set"),
    ],
)
def test_what_goes_wrong_is_one_line_and_an_exit_code(
    argv: list[str],
    environ: dict[str, str],
    code: int,
    said: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(argv, {"INGEST_DATA_DIR": str(tmp_path / "none"), **environ}) == code
    told = capsys.readouterr()
    assert told.out == ""
    assert said in told.err
    assert told.err.startswith("ingest: ")
    assert told.err.count("\n") == 1


@pytest.mark.parametrize("argv", [[], ["source"]])
def test_without_a_command_the_help_is_shown(
    argv: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(argv, {}) == 2
    assert "Commands:" in capsys.readouterr().err


def test_every_command_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    for command in (
        ["db", "upgrade"],
        ["db", "check"],
        ["store", "create"],
        ["store", "list"],
        *(["source", c] for c in ("connect", "new", "list", "show", "pause")),
        *(["source", c] for c in ("resume", "disconnect")),
        *(["deliveries", c] for c in ("list", "show", "replay")),
        *(["docs", c] for c in ("list", "find", "show", "children", "related")),
        ["enqueue"],
        ["drain"],
        ["doctor"],
    ):
        assert run([*command, "--help"], {}) == 0
        told = capsys.readouterr()
        assert f"Usage: ingest {' '.join(command)}" in told.out
        assert "--json" in told.out
        assert told.err == ""


@pytest.mark.integration
def test_a_database_without_our_schema_is_said_to_be_behind(
    ingest: Ingest, database_url: str, postgres_url: str
) -> None:
    ran = ingest("store", "list", DATABASE_URL=postgres_url)
    assert (ran.code, ran.out) == (3, "")
    assert "run `ingest db upgrade`" in ran.err


@pytest.mark.integration
def test_the_installed_command_rings_the_real_bell(
    engine: sa.Engine, database_url: str, broker_url: str
) -> None:
    """One run as a user has it: its own process, its own environment, a real broker."""
    enqueue(engine, connected(engine), crowd(1))
    with engine.begin() as conn:
        dead = "UPDATE lightfast_webhook_deliveries SET status = 'dead', settled_at = now()"
        count = conn.exec_driver_sql(dead).rowcount
    program = Path(sys.executable).with_name("ingest")
    environ = {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": database_url,
        "CELERY_BROKER_URL": broker_url,
        "INGEST_SECRET_KEY": SECRET_KEY,
    }
    command = [str(program), "deliveries", "replay", "--status", "dead", "--json"]
    ran = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (0, f'{{"replayed":{count}}}\n')
    assert ran.stderr == f"{count} settled deliveries match\n"
    with Connection(broker_url) as broker, broker.channel() as channel:
        waiting = Queue("ingest", channel=channel)
        assert waiting.get(no_ack=True) is not None
        assert waiting.get(no_ack=True) is None


def test_the_module_runs_too(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "ingest.cli", "store", "list"],
        env={"PATH": os.environ["PATH"], "INGEST_DATA_DIR": str(tmp_path / "none")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 3
    assert "Traceback" not in ran.stderr
