"""Names and labels of metrics are public: named as Prometheus has it, documented, bounded."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from ingest.core.errors import Unavailable
from ingest.kept import Kept
from ingest.store.gauges import Gauges
from ingest.web.database_metrics import FAMILIES, LOOK_UPS, DatabaseMetrics
from ingest.web.metrics import Metrics
from tests.web.exposed import every_name, exposition, own_exposition

DOCS = Path(__file__).parents[2] / "docs"
LIST, PAGE = DOCS / "reference" / "metrics.md", DOCS / "metrics.md"


def test_names_are_as_prometheus_has_them() -> None:
    """In base units; a counter ends in `_total`, a time is a timestamp; none tells its birth."""
    for text in (own_exposition(), exposition()):
        for family in text_string_to_metric_families(text):
            assert re.fullmatch(r"(ingest|process|python)_[a-z][a-z0-9_]*", family.name)
            assert family.documentation.endswith(".") or family.documentation.endswith(")")
            names = {sample.name for sample in family.samples}
            assert not any(name.endswith("_created") for name in names)
            if family.type == "counter":
                assert all(name.endswith("_total") for name in names), family.name
            assert not re.search(r"_(ms|minutes|kb|mib|percent)$", family.name)


def test_every_metric_is_documented_and_none_that_there_is_not() -> None:
    every = {name for name in every_name() if name.startswith("ingest_")}
    listed = re.findall(r"^\| `(ingest_\w+)` \|", LIST.read_text("utf-8"), re.MULTILINE)
    assert len(listed) == len(every)
    assert {*listed} == every
    assert every >= {*re.findall(r"`(ingest_\w+)", PAGE.read_text("utf-8"))}


def test_labels_are_documented_with_their_metric() -> None:
    page = LIST.read_text("utf-8")
    for family in (*FAMILIES.values(), LOOK_UPS):
        name = f"{family.name}_total" if family.counter else family.name
        labels = ", ".join(f"`{label}`" for label in sorted(family.labels))
        assert re.search(rf"^\| `{name}` \| \w+ \|[^|]*\| {labels}\ ?\|", page, re.MULTILINE), name


def test_times_of_look_ups_are_a_histogram() -> None:
    lines = set(exposition().splitlines())
    for longest, many in (("0.1", "1.0"), ("+Inf", "3.0")):
        labels = f'le="{longest}",outcome="x",source="x"'
        assert f"ingest_look_up_seconds_bucket{{{labels}}} {many}" in lines
    assert 'ingest_look_up_seconds_count{outcome="x",source="x"} 3.0' in lines
    assert 'ingest_look_up_seconds_sum{outcome="x",source="x"} 7.0' in lines


def test_what_is_kept_is_read_once_in_its_time() -> None:
    now, answers = [100.0], iter([1, 2, 3])
    kept = Kept(lambda: next(answers), 5.0, lambda: now[0])
    assert [kept.get(), kept.get()] == [1, 1]
    now[0] += 4.9
    assert kept.get() == 1
    now[0] += 0.1
    assert [kept.get(), kept.get()] == [2, 2]


def test_what_could_not_be_read_is_left_out_and_asked_again() -> None:
    """A gauge that is not known is not zero, and one failure is not kept for a minute."""
    answers: Iterator[Unavailable | Gauges] = iter(
        [Unavailable("away"), {"dead": [(("github",), 2.0)]}]
    )

    def costly() -> Gauges:
        answer = next(answers)
        if isinstance(answer, Unavailable):
            raise answer
        return answer

    metrics = DatabaseMetrics(lambda: {"size": [((), 5.0)]}, Kept(costly, 60).get)
    first = metrics.text().decode().splitlines()
    assert {"ingest_database_up 0.0", "ingest_database_size_bytes 5.0"} <= set(first)
    assert not any("dead" in line for line in first)
    again = metrics.text().decode().splitlines()
    assert {"ingest_database_up 1.0", 'ingest_deliveries_dead{source="github"} 2.0'} <= set(again)


@pytest.mark.parametrize("state", ["in_use", "idle"])
def test_a_process_tells_its_build_and_its_pool(state: str) -> None:
    text = Metrics(lambda: {state: 3}).text().decode()
    assert f'ingest_pool_connections{{state="{state}"}} 3.0' in text
    assert re.search(r'ingest_build_info\{python="3[^"]*",version="0[^"]*"\} 1.0', text)
