"""A receiver's own metrics for Prometheus. Names, labels and help are public: a page is made of
them (docs/reference/metrics.md).

Law: what this process counts and nothing else, so that those of several may be added up. One
registry for an app. Labels are never a caller's words: an unknown source is `unknown`.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib.metadata import version

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_GROUPS = (1, 2, 5, 10, 20, 50, 100, 200, 500)


class Metrics:
    """The receiver's own counts. `pool` gives its connections to the database by their state.

    Safe for threads.
    """

    def __init__(self, pool: Callable[[], Mapping[str, int]]) -> None:
        # Each counter's birth is noise beside it.
        disable_created_metrics()  # type: ignore[no-untyped-call]  # theirs is not annotated
        self._registry = CollectorRegistry()
        self._received = Counter(
            "ingest_received",
            "Requests by what became of the delivery (accepted, duplicate, handshake, dropped, "
            "left) or the HTTP status.",
            ["source", "answer"],
            registry=self._registry,
        )
        self._counter = cache(self._received.labels)
        self._seconds = Histogram(
            "ingest_answer_seconds",
            "Seconds from the request's head to its answer.",
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._groups = Histogram(
            "ingest_commit_group_size",
            "Deliveries stored by one transaction.",
            buckets=_GROUPS,
            registry=self._registry,
        )
        self._dropped = Counter(
            "ingest_dropped_connections",
            "Connections ended before a request of theirs was read, by the reason.",
            ["reason"],
            registry=self._registry,
        )
        self._registry.register(_Process(pool))
        ProcessCollector(registry=self._registry)

    def answered(self, source_type: str, answer: str, seconds: float) -> None:
        """A request got its answer: a delivery's status, left, or the HTTP status.

        `source_type` is a known one or `unknown`, for labels stay. `seconds` are from its head.
        """
        self._counter(source_type, answer).inc()
        self._seconds.observe(seconds)

    def dropped(self, reason: str) -> None:
        """A connection was ended; the reason is one of a few."""
        self._dropped.labels(reason).inc()

    def committed(self, deliveries: int) -> None:
        """A transaction stored so many deliveries."""
        self._groups.observe(deliveries)

    def text(self) -> bytes:
        """All of it as Prometheus reads it (text format 0.0.4); asks nobody."""
        return generate_latest(self._registry)


class _Process(Collector):
    """What is read when it is asked for: which build this is, and its pool of connections."""

    def __init__(self, pool: Callable[[], Mapping[str, int]]) -> None:
        self._pool = pool

    def collect(self) -> Iterator[Metric]:
        build = GaugeMetricFamily(
            "ingest_build_info", "Which program this is (1).", labels=["version", "python"]
        )
        build.add_metric([version("lightfast-ingest"), platform.python_version()], 1.0)
        pool = GaugeMetricFamily(
            "ingest_pool_connections",
            "Connections to the database: in_use, idle, and how many there may be (limit).",
            labels=["state"],
        )
        for state, count in self._pool().items():
            pool.add_metric([state], count)
        yield from (build, pool)
