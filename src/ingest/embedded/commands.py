"""The commands of the stack, the same that the Procfile names."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from ingest.embedded.stack import Child


def web(*, host: str, port: int, env: Mapping[str, str]) -> Child:
    """The receiver."""
    argv = [*_module("uvicorn"), "--factory", "ingest.web:create_app"]
    argv += ["--host", host, "--port", str(port), "--no-access-log"]
    return Child("web", argv, env)


def worker(*, env: Mapping[str, str], processes: int | None = None) -> Child:
    """What drains the delivery table; gossip and mingle go deaf after a lost broker."""
    argv = [*_module("celery"), "-A", "ingest.worker", "worker", "-Q", "ingest"]
    argv += ["--without-gossip", "--without-mingle", "-n", "worker@%h", "--loglevel", "INFO"]
    if processes is not None:
        argv += ["--concurrency", str(processes)]
    return Child("worker", argv, env)


def beat(*, data_dir: Path, env: Mapping[str, str]) -> Child:
    """What rings when a row is due. Its memory of the last ticks lies in the data directory."""
    argv = [*_module("celery"), "-A", "ingest.worker", "beat"]
    argv += ["--schedule", str(data_dir / "beat-schedule"), "--loglevel", "INFO"]
    return Child("beat", argv, env)


def _module(name: str) -> list[str]:
    """Our own interpreter: the environment's programs need not be on the PATH."""
    return [sys.executable, "-m", name]
