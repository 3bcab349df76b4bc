"""Processes of the stack on a test's own database and broker, watched by what they do."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from celery import Celery

from ingest.embedded.stack import Child
from ingest.store import health
from ingest.store.engine import transaction
from tests.factories import SECRET_KEY

PATIENCE_S = 60.0


def environment(database_url: str, broker_url: str, **more: str) -> Mapping[str, str]:
    told = {"DATABASE_URL": database_url, "CELERY_BROKER_URL": broker_url}
    return {**os.environ, **told, "INGEST_SECRET_KEY": SECRET_KEY, **more}


@dataclass(frozen=True, slots=True)
class Working:
    """A process that runs, and its log."""

    process: subprocess.Popen[bytes]
    log: Path

    def said(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")

    def wait_for(self, words: str) -> None:
        end = time.monotonic() + PATIENCE_S
        while words not in self.said():
            assert self.process.poll() is None, f"it ended\n{self.said()}"
            assert time.monotonic() < end, self.said()
            time.sleep(0.1)


@contextmanager
def working(child: Child, env: Mapping[str, str], log: Path) -> Iterator[Working]:
    """The child's command until the end of the block, in which it must not end by itself."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            child.argv, env={**env, **child.env}, stdout=output, stderr=subprocess.STDOUT
        )
        made = Working(process, log)
        try:
            yield made
            assert process.poll() is None, f"it ended\n{made.said()}"
        except BaseException:
            sys.stderr.write(made.said())
            raise
        finally:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def heard_s(engine: sa.Engine, queue: str) -> float | None:
    """How long ago a worker heard the queue's bell."""
    with transaction(engine) as conn:
        bell = health.bells(conn).get(queue)
        return bell.heard_s if bell is not None else None


def until_heard(engine: sa.Engine, queue: str, ring: object = None) -> float:
    """Ring, and ring again, until the queue's worker heard a ring of now; how long that took."""
    began = time.monotonic()
    while time.monotonic() - began < PATIENCE_S:
        if callable(ring):
            ring()
        time.sleep(0.5)
        ago = heard_s(engine, queue)
        if ago is not None and ago < time.monotonic() - began:
            return time.monotonic() - began
    raise AssertionError(f"nobody heard {queue}")


def send(broker_url: str, task: str, *args: object, queue: str) -> None:
    """As another program would. Over a line of its own: one that is kept remembers that it declared
    the queue, when a later test has deleted it.
    """
    client = Celery(broker=broker_url)
    with client.connection() as line:
        client.send_task(task, args, queue=queue, connection=line)
