"""What the database says, for Prometheus; of providers' limits, what Redis says.

Names, labels and help are public (docs/reference/metrics.md is made of them). Law: the figures of
all processes together, the same from whichever receiver; none is ever added to another's. So they
stand apart from a receiver's own counts, at `/metrics/database`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError

from ingest.core.errors import IngestError
from ingest.store.gauges import Gauges

KEPT_S, COSTLY_KEPT_S = 10.0, 60.0
"""For so long a reading is told again: whoever asks more often costs nothing more."""
UP = "ingest_database_up"


@dataclass(frozen=True, slots=True)
class NamedMetric:
    """A metric: its public name, what it says, its labels in the order of the samples."""

    name: str
    said: str
    labels: tuple[str, ...] = ()
    counter: bool = False

    def metric(self) -> GaugeMetricFamily | CounterMetricFamily:
        """The metric without a sample."""
        kind = CounterMetricFamily if self.counter else GaugeMetricFamily
        return kind(self.name, self.said, labels=self.labels)


FAMILIES: Mapping[str, NamedMetric] = {
    "items": NamedMetric(
        "ingest_queue_items",
        "What is to be done: due; claimed by a worker; waiting for its time; of deliveries "
        "looked_up (ends with a look-up) and paused (its connection is); of look-ups and sync "
        "pages paused and held (the provider wants to be left alone). Up to 100000 a queue.",
        ("queue", "source", "state"),
    ),
    "due_s": NamedMetric(
        "ingest_queue_oldest_due_seconds",
        "For how long the oldest is due that nobody has claimed; nothing where none is.",
        ("queue", "source"),
    ),
    "failing": NamedMetric(
        "ingest_queue_failing",
        "Look-ups, and pages of sync runs, whose last attempt failed; they are tried again.",
        ("queue", "source"),
    ),
    "heard_at": NamedMetric(
        "ingest_worker_heard_timestamp_seconds",
        "When a worker last heard the bell of the queue; silence is no fault where nothing is due.",
        ("queue",),
    ),
    "ticked_at": NamedMetric(
        "ingest_beat_ticked_timestamp_seconds", "When the beat last ticked: every 5 s."
    ),
    "receiver_at": NamedMetric(
        "ingest_receiver_seen_timestamp_seconds",
        "When a receiver last said that it is there: every 30 s.",
    ),
    "dead": NamedMetric(
        "ingest_deliveries_dead",
        "Deliveries that are dead, until a person replays or discards them (up to 100000).",
        ("source",),
    ),
    "conflicting": NamedMetric(
        "ingest_deliveries_conflicting",
        "Of the newest 10000 deliveries those whose id came before with another body.",
        ("source",),
    ),
    "settled": NamedMetric(
        "ingest_settled_last_minute",
        "Deliveries that ended within the last minute: processed, skipped, duplicate, dead (up to "
        "100000).",
        ("source", "outcome"),
    ),
    "visible_s": NamedMetric(
        "ingest_visible_last_minute_seconds",
        "Percentiles (50, 95, 99) of the time from the receipt of a delivery to the transaction "
        "that made its documents visible, without that one's own length, of those of the last "
        "minute.",
        ("source", "percentile"),
    ),
    "connections": NamedMetric(
        "ingest_connections",
        "Connections: active, held (the provider wants to be left alone), refused (its token is), "
        "paused, disconnected.",
        ("source", "state"),
    ),
    "documents": NamedMetric(
        "ingest_documents",
        "Documents that connections feed; one that two feed counts twice.",
        ("source",),
    ),
    "syncs": NamedMetric(
        "ingest_sync_runs",
        "Sync runs: waiting for their turn, running, stopped (asks a person).",
        ("source", "state"),
    ),
    "syncs_ended": NamedMetric(
        "ingest_sync_runs_ended_last_hour",
        "Sync runs that ended within the last hour: done, failed, cancelled, stopped.",
        ("source", "outcome"),
    ),
    "synced": NamedMetric(
        "ingest_sync_objects_last_hour",
        "Objects seen, changed, deleted, failed by the sync runs that ended within the last hour.",
        ("source", "what"),
    ),
    "synced_at": NamedMetric(
        "ingest_sync_succeeded_timestamp_seconds",
        "Of a source's connections: when the one that waits longest was last synced.",
        ("source",),
    ),
    "behind": NamedMetric(
        "ingest_changes_behind",
        "Positions of the change feed that a consumer still has before it.",
        ("consumer",),
    ),
    "lag_s": NamedMetric(
        "ingest_changes_lag_seconds",
        "The age of the first change that a consumer still has before it (0: there is none).",
        ("consumer",),
    ),
    "refused_messages": NamedMetric(
        "ingest_refused_messages",
        "Messages of `ingest.enqueue` that were refused, by source and by the answer HTTP has.",
        ("source", "answer"),
        counter=True,
    ),
    "limit_left": NamedMetric(
        "ingest_provider_limit_remaining",
        "What is left of a provider's limit (a name of the source's own, as rest, graphql), as its "
        "headers said last: of all whose limit it is (tokens, installations, organizations) the "
        "least.",
        ("source", "limit"),
    ),
    "limit_amount": NamedMetric(
        "ingest_provider_limit_amount",
        "How much there is of that limit in one of its windows.",
        ("source", "limit"),
    ),
    "size": NamedMetric(
        "ingest_database_size_bytes", "The size of the database on its server's disk."
    ),
}
"""By the name under which `store.gauges` has the samples."""
LOOK_UPS = NamedMetric(
    "ingest_look_up_seconds",
    "For how long a provider was asked about one object, by how that ended: seen, gone, denied "
    "(this object is, to the token), hopeless, or put off: put_off, refused (the token is), "
    "limited (by the provider). Of all fetchers together, since the database was made.",
    ("source", "outcome"),
)
TIMES, SECONDS = "look_up_times", "look_up_seconds"
"""The names of its samples: how many took so long at most, and the sums."""


class DatabaseMetrics:
    """The text of `/metrics/database`.

    readings: each gives samples by the names of FAMILIES. One that raises an `IngestError`, or an
    error of the database's, is left out, for what is not known is not zero; `ingest_database_up`
    is 0 then.
    """

    def __init__(self, *readings: Callable[[], Gauges]) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_Database(readings))

    def text(self) -> bytes:
        """All of it as Prometheus reads it (text format 0.0.4); blocks, as it asks the database."""
        return generate_latest(self._registry)


class _Database(Collector):
    def __init__(self, readings: tuple[Callable[[], Gauges], ...]) -> None:
        self._readings = readings

    def describe(self) -> Iterator[Metric]:
        """Registering asks for names alone."""
        yield from (family.metric() for family in FAMILIES.values())
        yield from (_look_ups({TIMES: (), SECONDS: ()}), _up(True))

    def collect(self) -> Iterator[Metric]:
        found: dict[str, Metric] = {}
        well = True
        for read in self._readings:
            try:
                gauges = read()
            except (IngestError, SQLAlchemyError):
                well = False
                continue
            for name in gauges.keys() & {TIMES}:
                found[name] = _look_ups(gauges)
            for name, samples in gauges.items():
                if name in {TIMES, SECONDS}:
                    continue
                metric = FAMILIES[name].metric()
                for labels, figure in samples:
                    metric.add_metric(labels, figure)
                found[name] = metric
        yield _up(well)
        yield from found.values()


def _look_ups(gauges: Gauges) -> Metric:
    metric = HistogramMetricFamily(LOOK_UPS.name, LOOK_UPS.said, labels=LOOK_UPS.labels)
    buckets: dict[tuple[str, ...], list[tuple[str, float]]] = {}
    for (*of, within_s), many in gauges[TIMES]:
        longest = "+Inf" if within_s == "inf" else within_s
        buckets.setdefault(tuple(of), []).append((longest, many))
    for labels, seconds in gauges[SECONDS]:
        metric.add_metric(labels, buckets[labels], seconds)
    return metric


def _up(well: bool) -> Metric:
    return GaugeMetricFamily(UP, "Whether all of this could be read (1).", value=float(well))
