"""A provider in a process of its own, so that what it takes is not counted as ours."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection

from bench.crowds import CROWDS
from ingest.testing.fakes import Answer, Asked, Provider, serving

MOST_S = 600.0
"""As long may a crowd take to gather."""


@dataclass(slots=True)
class _Dated:
    """A provider that writes down when it was first asked for each path."""

    inner: Provider
    token: str
    first: dict[str, float] = field(default_factory=dict)

    def answer(self, asked: Asked) -> Answer:
        self.first.setdefault(asked.path, time.monotonic())
        return self.inner.answer(asked)


@dataclass(frozen=True, slots=True)
class Apart:
    """The fake in the other process. documents: how many of each kind its objects are."""

    url: str
    token: str
    documents: dict[str, int]
    _pipe: Connection

    def first_asked(self) -> dict[str, float]:
        """When each path was asked for first, by the monotonic clock, which all processes share."""
        self._pipe.send("first")
        found: dict[str, float] = self._pipe.recv()
        return found


@contextmanager
def apart(name: str, objects: int, *, latency_s: float = 0.0) -> Iterator[Apart]:
    """The crowd of that name, served until the end of the block; it answers so late."""
    spawned = multiprocessing.get_context("spawn")
    ours, theirs = spawned.Pipe()
    process = spawned.Process(target=_serve, args=(theirs, name, objects, latency_s), daemon=True)
    process.start()
    try:
        assert ours.poll(MOST_S), "the provider did not begin"
        url, token, documents = ours.recv()
        yield Apart(url, token, documents, ours)
    finally:
        process.terminate()
        process.join()


def _serve(pipe: Connection, name: str, objects: int, latency_s: float) -> None:
    crowd = CROWDS[name](objects)
    dated = _Dated(crowd.provider, crowd.provider.token)
    with serving(dated) as fake:
        fake.latency_s = latency_s
        pipe.send((fake.url, crowd.provider.token, dict(crowd.documents)))
        while pipe.recv() == "first":
            pipe.send(dated.first)
