"""Alert rules and the board: what they name is there, and what they say is PromQL."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from ingest.web.database_metrics import FAMILIES, LOOK_UPS
from tests.packaging.reading import PACKAGING
from tests.packaging.tools import said, tool
from tests.web.exposed import every_name, exposition, own_exposition

pytestmark = pytest.mark.once

MONITORING = PACKAGING / "monitoring"
ALERTS, BOARD = MONITORING / "alerts.yaml", MONITORING / "board.json"
DEBIAN = "apt-get install prometheus"
EVERYWHERE = {"job", "instance"}
"""Labels that Prometheus adds."""


def _rules() -> list[Mapping[str, str]]:
    (group,) = yaml.safe_load(ALERTS.read_text("utf-8"))["groups"]
    rules: list[Mapping[str, str]] = group["rules"]
    return rules


def _panels() -> Iterator[tuple[str, str, str]]:
    """(title, expression, legend) of what the board asks for."""
    for panel in json.loads(BOARD.read_text("utf-8"))["panels"]:
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"], target["legendFormat"]


EXPRESSIONS = [
    *((rule["alert"], rule["expr"]) for rule in _rules()),
    *((f"{title}: {legend}", expression) for title, expression, legend in _panels()),
]
NAMED = re.compile(r"\b((?:ingest|process)_\w+)")


def _labels() -> Mapping[str, set[str]]:
    """By each name that a query may have: the labels of its samples."""
    found: dict[str, set[str]] = {}
    for text in (own_exposition(), exposition()):
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                found.setdefault(sample.name, set()).update(sample.labels)
    return found


def test_there_is_something_to_look_at() -> None:
    assert len(EXPRESSIONS) > 40
    assert all(NAMED.search(expression) for _, expression in EXPRESSIONS)


@pytest.mark.parametrize(("where", "expression"), EXPRESSIONS)
def test_every_name_and_label_in_them_exists(where: str, expression: str) -> None:
    labels = _labels()
    names = set(NAMED.findall(expression))
    assert names <= set(labels), where
    known = set().union(*(labels[name] for name in names)) | EVERYWHERE
    asked = set(re.findall(r"[{,](\w+)(?:=|!)", expression))
    for group in re.findall(r"\b(?:by|on) \(([^)]*)\)", expression):
        asked |= {label.strip() for label in group.split(",")}
    assert asked <= known, where


@pytest.mark.parametrize(("where", "expression"), EXPRESSIONS)
def test_what_the_database_says_is_never_added_up_over_receivers(
    where: str, expression: str
) -> None:
    """Bug: those of two receivers, added up, counted the queue twice."""
    database = {"ingest_database_up", LOOK_UPS.name, *(one.name for one in FAMILIES.values())}
    ends = re.compile(r"_(total|bucket|sum|count)$")
    for name in {ends.sub("", found) for found in NAMED.findall(expression)} & database:
        bare = len(re.findall(rf"\b{name}", expression))
        in_max = re.findall(rf"max(?: by \([^)]*\))? \((?:rate\()?{name}", expression)
        in_max += re.findall(rf"max\((?:rate\()?{name}", expression)
        assert len(in_max) == bare, where


def test_every_metric_of_the_database_is_on_the_board() -> None:
    shown = {name for _, expression, _ in _panels() for name in NAMED.findall(expression)}
    told = {name for name in every_name() if name.startswith("ingest_")}
    shown = {re.sub(r"_(bucket|sum|count)$", "", name) for name in shown}
    assert told - shown == {"ingest_database_up"}  # for an alert


def test_labels_in_words_are_labels_that_are_left() -> None:
    for title, expression, legend in _panels():
        for label in re.findall(r"\{\{(\w+)\}\}", legend):
            assert re.search(rf"\b{label}\b", expression), title
    for rule in _rules():
        words = json.dumps(rule)
        for label in set(re.findall(r"\$labels\.(\w+)", words)):
            assert re.search(rf"\(.*\b{label}\b", rule["expr"]), rule["alert"]


def test_promtool_finds_the_rules_right_and_fires_what_is_expected(tmp_path: Path) -> None:
    promtool = tool("promtool", DEBIAN)
    shutil.copy(ALERTS, tmp_path)
    shutil.copy(Path(__file__).parent / "alerts_test.yaml", tmp_path)
    code, text = said(promtool, "check", "rules", tmp_path / "alerts.yaml")
    assert (code, f"{len(_rules())} rules found" in text) == (0, True), text
    code, text = said(promtool, "test", "rules", tmp_path / "alerts_test.yaml")
    assert code == 0, text


def test_promtool_reads_every_expression_of_the_board(tmp_path: Path) -> None:
    promtool = tool("promtool", DEBIAN)
    rules = [
        {"record": f"panel:{at}", "expr": expression.replace("$__rate_interval", "5m")}
        for at, (_, expression, _) in enumerate(_panels())
    ]
    path = tmp_path / "board.yaml"
    path.write_text(json.dumps({"groups": [{"name": "board", "rules": rules}]}), "utf-8")
    code, text = said(promtool, "check", "rules", path)
    assert code == 0, text


@pytest.mark.parametrize("text", [own_exposition(), exposition()], ids=["own", "database"])
def test_promtool_finds_our_names_right(text: str) -> None:
    done = subprocess.run(
        [tool("promtool", DEBIAN), "check", "metrics"],
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "")


def test_a_board_has_what_grafana_needs() -> None:
    board = json.loads(BOARD.read_text("utf-8"))
    assert {"title", "uid", "schemaVersion", "templating", "panels"} <= set(board)
    ids = [panel["id"] for panel in board["panels"]]
    assert len(ids) == len(set(ids))
    for panel in board["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        if panel["type"] != "row":
            assert panel["datasource"]["uid"] == "${datasource}"
            assert panel["targets"]
