"""What both pages of metrics print when every metric has a sample; without any server."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from ingest.web.database_metrics import FAMILIES, LOOK_UPS, SECONDS, TIMES, DatabaseMetrics
from ingest.web.metrics import Metrics


def own_exposition() -> str:
    """`/metrics` of a receiver to which each thing happened once."""
    metrics = Metrics(lambda: {"in_use": 1, "idle": 1, "limit": 10})
    metrics.answered("github", "accepted", 0.01)
    metrics.dropped("head_too_large")
    metrics.committed(1)
    return metrics.text().decode()


def exposition() -> str:
    """`/metrics/database` with one sample of each metric."""
    samples = {name: [(tuple("x" for _ in one.labels), 1.0)] for name, one in FAMILIES.items()}
    labels = tuple("x" for _ in LOOK_UPS.labels)
    samples[TIMES] = [((*labels, "0.1"), 1.0), ((*labels, "inf"), 3.0)]
    samples[SECONDS] = [(labels, 7.0)]
    return DatabaseMetrics(lambda: samples).text().decode()


def every_name() -> set[str]:
    """Each name as a query has it: those of a histogram by its base."""
    families = [
        family
        for text in (own_exposition(), exposition())
        for family in text_string_to_metric_families(text)
    ]
    return {f"{one.name}_total" if one.type == "counter" else one.name for one in families}
