"""The commands of the stack, the same that the Procfile names."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from ingest.embedded.stack import Child

DONE_WITHIN_S = 20
"""After SIGTERM requests that are under way are waited for so long; 30 s are what is usual."""


def web(*, host: str, port: int, env: Mapping[str, str]) -> Child:
    """The receiver."""
    argv = [*_module("uvicorn"), "--factory", "ingest.web:create_app"]
    argv += ["--http", "ingest.web.protocol:BoundedProtocol"]
    argv += ["--host", host, "--port", str(port), "--no-access-log"]
    argv += ["--timeout-graceful-shutdown", str(DONE_WITHIN_S)]
    return Child("web", argv, env)


def worker(*, env: Mapping[str, str], processes: int | None = None) -> Child:
    """What drains the delivery table."""
    more = ["--concurrency", str(processes)] if processes is not None else []
    return Child("worker", [*_worker("worker", "ingest"), *more], env)


def fetcher(*, env: Mapping[str, str]) -> Child:
    """What looks things up; it waits for providers most of the time, so a thread is enough."""
    more = ["--pool", "threads", "--concurrency", "1"]
    return Child("fetcher", [*_worker("fetcher", "fetch"), *more], env)


def syncer(*, env: Mapping[str, str]) -> Child:
    """What makes pages of sync runs: two processes, each with one page at a time, so that a page
    which takes its process down takes no other along.
    """
    return Child("syncer", [*_worker("syncer", "sync"), "--concurrency", "2"], env)


def _worker(name: str, queue: str) -> list[str]:
    """Gossip and mingle go deaf after a lost broker."""
    argv = [*_module("celery"), "-A", "ingest.worker", "worker", "-Q", queue]
    return [*argv, "--without-gossip", "--without-mingle", "-n", f"{name}@%h"]


def beat(*, data_dir: Path, env: Mapping[str, str]) -> Child:
    """What rings when a row is due. Its memory of the last ticks lies in the data directory."""
    argv = [*_module("celery"), "-A", "ingest.worker", "beat"]
    argv += ["--schedule", str(data_dir / "beat-schedule")]
    return Child("beat", argv, env)


def _module(name: str) -> list[str]:
    """Our own interpreter: the environment's programs need not be on the PATH."""
    return [sys.executable, "-m", name]
