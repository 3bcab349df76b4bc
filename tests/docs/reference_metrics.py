"""The page of the metrics: what a receiver exposes when everything has happened once, and who asks.

The text is read as Prometheus reads it, so that types, labels and help are those that arrive there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

import yaml
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from ingest.store import gauges
from ingest.web.database_metrics import COSTLY_KEPT_S, FAMILIES, KEPT_S
from tests.docs.pages import ROOT
from tests.docs.tables import cell, table
from tests.web.exposed import exposition, own_exposition

ALERTS = ROOT / "packaging" / "monitoring" / "alerts.yaml"
NAMED = re.compile(r"\b(?:ingest|process)_\w+")
OF_BUCKETS = frozenset({"le"})
UNITS: Mapping[str, str] = {
    "_timestamp_seconds": "seconds since 1970",
    "_start_time_seconds": "seconds since 1970",
    "_seconds": "seconds",
    "_bytes": "bytes",
    "_seconds_total": "seconds",
}
"""By how a name ends, the first that fits; what has none of these is a number of things."""


def metrics() -> str:
    """Every metric: its type, unit, labels and help, and the alerts that ask for it."""
    own = [*text_string_to_metric_families(own_exposition())]
    database = [*text_string_to_metric_families(exposition())]
    costly = {FAMILIES[name].name for name in gauges._COSTLY}
    limits = {FAMILIES[name].name for name in ("limit_left", "limit_amount")}
    apart = costly | limits
    return f"""# Metrics

Every metric, as Prometheus is given it. All of them come from the receiver (the process `web`), at
its port: workers, fetchers, syncers and beat listen nowhere, and what they do is read from rows.
How to scrape, what may be added up, and traces: [metrics](../metrics.md). *Alerts* are those of
`packaging/monitoring/alerts.yaml` that ask for the metric.

A histogram has `…_bucket` (with the label `le`), `…_sum` and `…_count`. `source` is a source type,
or `unknown`.

## Of one receiver: `/metrics`

Counted by this process since it started; of several receivers they may be added up.

{_rows(one for one in own if one.name.startswith("ingest_"))}
## Of its process: `/metrics`

{_rows(one for one in own if not one.name.startswith("ingest_"))}
## Of the installation: `/metrics/database`

The same from each receiver: take the `max`, and no sum. Read from the database when it is asked
for, at most every {KEPT_S:g} s. What could not be read is left out, and `ingest_database_up` is 0.

{_rows(one for one in database if _name(one).removesuffix("_total") not in apart)}
## Of the installation, read at most every {COSTLY_KEPT_S:g} s: `/metrics/database`

They look at more rows.

{_rows(one for one in database if one.name in costly)}
## Of providers' limits: `/metrics/database`

Read from Redis, at most every {KEPT_S:g} s; left out while that is away.

{_rows(one for one in database if one.name in limits)}
This page is made of the code (`make reference`).
"""


def _rows(families: Iterable[Metric]) -> str:
    alerts = _alerts()
    heads = ("metric", "type", "unit", "labels", "what it says", "alerts")
    return table(heads, (_row(one, alerts) for one in families))


def _row(family: Metric, alerts: Mapping[str, list[str]]) -> tuple[str, ...]:
    name = _name(family)
    labels = sorted({label for one in family.samples for label in one.labels} - OF_BUCKETS)
    return (
        f"`{name}`",
        family.type,
        next((unit for end, unit in UNITS.items() if name.endswith(end)), ""),
        ", ".join(f"`{label}`" for label in labels),
        cell(family.documentation),
        ", ".join(f"`{alert}`" for alert in alerts.get(name, ())),
    )


def _name(family: Metric) -> str:
    """As a query has it; of a histogram its base."""
    return f"{family.name}_total" if family.type == "counter" else family.name


def _alerts() -> Mapping[str, list[str]]:
    """The alerts by the metrics that they ask for."""
    found: dict[str, list[str]] = {}
    for name, alert in _asked():
        found.setdefault(name, []).append(alert)
    return found


def _asked() -> Iterator[tuple[str, str]]:
    (group,) = yaml.safe_load(ALERTS.read_text("utf-8"))["groups"]
    for rule in group["rules"]:
        names = {re.sub(r"_(bucket|sum|count)$", "", one) for one in NAMED.findall(rule["expr"])}
        yield from ((name, rule["alert"]) for name in sorted(names))
