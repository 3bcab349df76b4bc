"""A syncer and a beat push, and are killed meanwhile: the receiver ends in step all the same."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from ingest.embedded import commands
from ingest.embedded.stack import Child
from ingest.sinks.adding import WantedSink, add_sink
from ingest.store.engine import transaction
from ingest.wiring import Program
from tests.broker.workers import environment
from tests.changes.shelf import Table
from tests.sinks.hook import SECRET, Answer, Hook
from tests.sinks.receiving import Receiver, standing

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(600)]

KILLS = 3
_LEASES_END = (
    "UPDATE lightfast_change_sinks SET lease_until = now(), next_attempt_at = now()",
    "UPDATE lightfast_change_consumers SET lease_until = now()",
)


def test_whoever_pushes_and_is_killed_loses_nothing(
    program: Program,
    table: Table,
    hook: Hook,
    database_url: str,
    broker_url: str,
    redis_url: str,
    tmp_path: Path,
) -> None:
    wanted = WantedSink("hook", webhook=hook.url, secret=SECRET)
    add_sink(program.engine, program.vault, wanted)
    env = environment(database_url, broker_url, REDIS_URL=redis_url, INGEST_DATA_DIR=str(tmp_path))
    drawn = random.Random(11)
    with _running(commands.beat(data_dir=tmp_path, env={}), env):
        for _ in range(KILLS):
            some = [Answer(), Answer(500), Answer(hangs_s=0.5)]
            hook.answers = [drawn.choice(some) for _ in range(3)]
            came = len(hook.came)
            _change(table, drawn)
            with _running(commands.syncer(env={}), env):  # killed at the end of the block
                _until(partial(_more, hook, came))
                _change(table, drawn)
                time.sleep(drawn.random())
            for statement in _LEASES_END:  # a minute goes by
                table.run(statement)
        with _running(commands.syncer(env={}), env):
            _until(lambda: _received(hook) == standing(program.engine))


def _more(hook: Hook, than: int) -> bool:
    return len(hook.came) > than


def _received(hook: Hook) -> Mapping[str, list[str]]:
    receiver = Receiver()
    for message in hook.taken:
        receiver.take(message)
    return receiver.shown


@contextmanager
def _running(child: Child, env: Mapping[str, str]) -> Iterator[None]:
    """A process with its children, which is killed with them."""
    with subprocess.Popen(
        child.argv, env={**env, **child.env}, stderr=subprocess.DEVNULL, start_new_session=True
    ) as process:
        try:
            yield
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def _change(table: Table, drawn: random.Random) -> None:
    with transaction(table.engine) as conn:
        for _ in range(150):
            id_ = f"d{drawn.randrange(300)}"
            table.put(id_, f"{drawn.randrange(5)} of {id_}", f"of {id_}", conn=conn)
    table.delete(*(f"d{drawn.randrange(300)}" for _ in range(30)))


def _until(holds: Callable[[], bool]) -> None:
    ends = time.monotonic() + 90
    while not holds():
        assert time.monotonic() < ends, "not within its time"
        time.sleep(0.1)
