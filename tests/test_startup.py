"""What every process says when it starts, in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from ingest.embedded import commands
from ingest.embedded.processes import free_port
from tests.factories import SECRET_KEY
from tests.outside import package

WRONG, RIGHT = "INGEST_GIHUB_WEBHOOK_SECRETS", "INGEST_GITHUB_WEBHOOK_SECRETS"
SAID = f"{WRONG} is not a setting; did you mean {RIGHT}?"
BROKEN = "source 'wharf' of wharf_ingest 1.2 is broken"
"""Told after it."""
HIDDEN = "-".join(("a", "secret", "for", "a", "misspelt", "variable"))
SECONDS = 60.0
PROCESSES = ("web", "worker", "fetcher", "syncer", "beat")


@pytest.fixture
def environ(tmp_path: Path) -> Mapping[str, str]:
    """No service is there; nothing is asked of one before the process has begun."""
    return {
        **os.environ,
        "PYTHONUNBUFFERED": "1",
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing",
        "CELERY_BROKER_URL": "redis://127.0.0.1:1/0",
        "INGEST_DATA_DIR": str(tmp_path),
        "INGEST_SECRET_KEY": SECRET_KEY,
        WRONG: HIDDEN,
    }


def commands_of(data_dir: Path) -> Mapping[str, Sequence[str]]:
    children = (
        commands.web(host="127.0.0.1", port=free_port(), env={}),
        commands.worker(env={}, processes=1),
        commands.fetcher(env={}),
        commands.syncer(env={}),
        commands.beat(data_dir=data_dir, env={}),
    )
    return {child.name: child.argv for child in children}


def said_by(argv: Sequence[str], environ: Mapping[str, str], log: Path) -> str:
    """All that the process said until it had told all, and while it ended."""
    with (
        log.open("wb") as output,
        subprocess.Popen(argv, env=environ, stdout=output, stderr=subprocess.STDOUT) as process,
    ):
        try:
            until = time.monotonic() + SECONDS
            while BROKEN not in log.read_text() and process.poll() is None:
                assert time.monotonic() < until, log.read_text()
                time.sleep(0.1)
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=3)
        finally:
            process.kill()
    return log.read_text()


@pytest.mark.parametrize("name", PROCESSES)
def test_a_process_warns_once_of_a_misspelt_variable_and_of_a_broken_source(
    name: str, environ: Mapping[str, str], tmp_path: Path
) -> None:
    path = package(tmp_path / "outside", "wharf_ingest", "")["PYTHONPATH"]
    told = {**environ, "PYTHONPATH": path}
    said = said_by(commands_of(tmp_path)[name], told, tmp_path / "said")
    assert said.count(SAID) == 1, said
    assert said.count(BROKEN) == 1, said
    assert HIDDEN not in said


def test_a_command_warns_beside_its_data(environ: Mapping[str, str]) -> None:
    done = subprocess.run(
        [str(Path(sys.executable).with_name("ingest")), "types", "--format", "jsonschema"],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, f"ingest: {SAID}\n")
    assert WRONG not in done.stdout


@pytest.mark.parametrize(
    ("name", "variable", "value", "said"),
    [
        *((name, "CELERY_BROKER_URL", "memory://", "crosses no") for name in PROCESSES),
        ("web", "CELERY_BROKER_URL", "sentinel://h:1", "CELERY_BROKER_URL names sentinels and not"),
        ("beat", "CELERY_BROKER_URL", "sqs://", "CELERY_BROKER_URL names a broker that is not"),
        ("worker", "INGEST_BROKER_OPTIONS", '{"heartbeat": 1}', "holds 'heartbeat'"),
        ("fetcher", "INGEST_QUEUE_PREFIX", "a b", "INGEST_QUEUE_PREFIX is 'a b'"),
    ],
)
def test_a_broker_that_cannot_be_used_is_one_line_and_exit_2(
    name: str, variable: str, value: str, said: str, environ: Mapping[str, str], tmp_path: Path
) -> None:
    given = {key: text for key, text in environ.items() if key != WRONG} | {variable: value}
    done = subprocess.run(
        commands_of(tmp_path)[name],
        env=given,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    (line,) = done.stderr.splitlines()
    assert said in line
