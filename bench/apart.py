"""A provider in a process of its own, so that what it takes is not counted as ours."""

from __future__ import annotations

import multiprocessing
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection

from bench.crowds import Filled
from ingest.core.values import JSON
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
    """The fake in the other process, and what `Filled` tells of it."""

    url: str
    token: str
    source_type: str
    metadata: Mapping[str, JSON]
    documents: Counter[str]
    _pipe: Connection

    def first_asked(self) -> dict[str, float]:
        """When each path was asked for first, by the monotonic clock, which all processes share."""
        self._pipe.send("first")
        found: dict[str, float] = self._pipe.recv()
        return found


@contextmanager
def apart(
    make: Callable[[int], Filled], objects: int, *, latency_s: float = 0.0
) -> Iterator[Apart]:
    """So many objects as `make` makes them, served until the end of the block; each request is
    answered so late. `make` is a function of a module.
    """
    spawned = multiprocessing.get_context("spawn")
    ours, theirs = spawned.Pipe()
    process = spawned.Process(target=_serve, args=(theirs, make, objects, latency_s), daemon=True)
    process.start()
    try:
        assert ours.poll(MOST_S), "the provider did not begin"
        url, token, source_type, metadata, documents = ours.recv()
        yield Apart(url, token, source_type, metadata, documents, ours)
    finally:
        process.terminate()
        process.join()


def _serve(pipe: Connection, make: Callable[[int], Filled], objects: int, latency_s: float) -> None:
    made = make(objects)
    dated = _Dated(made.provider, made.provider.token)
    with serving(dated) as fake:
        fake.latency_s = latency_s
        pipe.send((fake.url, dated.token, made.source_type, made.metadata, made.documents))
        while pipe.recv() == "first":
            pipe.send(dated.first)
