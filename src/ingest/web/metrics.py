"""A receiver's metrics for Prometheus; names and labels are public. One registry for an app.

Labels are never a caller's words: an unknown source is `unknown`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ingest.core.errors import IngestError
from ingest.store.gauges import Gauges

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_GROUPS = (1, 2, 5, 10, 20, 50, 100, 200, 500)


class Metrics:
    """The receiver's own counts, and the queue's gauges, which are read when they are asked for.

    `gauges` reads them from the database; where it raises an `IngestError` they are left out of the
    text. Safe for threads.
    """

    def __init__(self, gauges: Callable[[], Gauges]) -> None:
        self._registry = CollectorRegistry()
        self._received = Counter(
            "ingest_received",
            "Requests by source and answer: what became of a delivery, or the HTTP status.",
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
        self._registry.register(_Queue(gauges))

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
        """All of it as Prometheus reads it (text format 0.0.4); blocks, as it asks the database."""
        return generate_latest(self._registry)


class _Queue(Collector):
    """Left out where the database does not answer: a gauge that is not known is not zero."""

    def __init__(self, gauges: Callable[[], Gauges]) -> None:
        self._gauges = gauges

    def describe(self) -> Iterator[Metric]:
        """Registering asks for names alone."""
        yield from (*self._families(), _refused_messages(), _behind())

    def collect(self) -> Iterator[Metric]:
        try:
            found = self._gauges()
        except IngestError:
            return
        messages = _refused_messages()
        for one in found.refused_messages:
            messages.add_metric([one.source_type, one.answer], one.seen)
        behind = _behind()
        for name, documents in found.behind.items():
            behind.add_metric([name], documents)
        deliveries, heard, look_ups, refused, syncs, page, synced = self._families()
        for status, count in found.deliveries.items():
            deliveries.add_metric([status], count)
        for queue, at_s in found.heard_at_s.items():
            heard.add_metric([queue], at_s)
        look_ups.add_metric([], found.look_ups)
        refused.add_metric([], found.refused)
        for state, count in found.syncs.items():
            syncs.add_metric([state], count)
        page.add_metric([], found.page_due_s)
        for source_type, at_s in found.synced_at_s.items():
            synced.add_metric([source_type], at_s)
        yield from (deliveries, heard, look_ups, refused, syncs, page, synced, messages, behind)

    def _families(self) -> tuple[GaugeMetricFamily, ...]:
        return (
            GaugeMetricFamily(
                "ingest_deliveries",
                "Deliveries that are pending or dead (counted up to 100000).",
                labels=["status"],
            ),
            GaugeMetricFamily(
                "ingest_worker_heard_timestamp_seconds",
                "When a worker last heard the bell of the queue.",
                labels=["queue"],
            ),
            GaugeMetricFamily(
                "ingest_look_ups", "Objects that are still to be looked up (counted up to 100000)."
            ),
            GaugeMetricFamily(
                "ingest_refused_connections", "Connections whose token the provider refuses."
            ),
            GaugeMetricFamily(
                "ingest_sync_runs",
                "Sync runs that wait for their turn, run, or stopped to ask a person.",
                labels=["state"],
            ),
            GaugeMetricFamily(
                "ingest_sync_page_due_seconds",
                "For how long the oldest page of a sync run is due (0: none is).",
            ),
            GaugeMetricFamily(
                "ingest_sync_succeeded_timestamp_seconds",
                "Of a source's connections: when the one that waits longest was last synced.",
                labels=["source"],
            ),
        )


def _refused_messages() -> CounterMetricFamily:
    return CounterMetricFamily(
        "ingest_refused_messages",
        "Messages of `ingest.enqueue` that were refused, by source and by the answer HTTP has.",
        labels=["source", "answer"],
    )


def _behind() -> GaugeMetricFamily:
    return GaugeMetricFamily(
        "ingest_changes_behind",
        "Positions of the change feed that a consumer still has before it.",
        labels=["consumer"],
    )
