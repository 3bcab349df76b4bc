"""`make bench [ONLY=name] [JSON=file]`: run the benchmarks and print a table of each."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import (
    changes,
    console,
    costs,
    extraction,
    far,
    flood,
    growth,
    latency,
    legacy,
    peers,
    reading,
    receiver,
    reprocess,
    resync,
    retention,
    startup,
    throughput,
)

BENCHMARKS: dict[str, Callable[[bool], dict[str, object]]] = {
    "changes": lambda quick: changes.changes(changes.Plan.quick() if quick else changes.Plan()),
    "console": lambda quick: console.console(console.Plan.quick() if quick else console.Plan()),
    "costs": lambda quick: costs.costs(costs.Plan.quick() if quick else costs.Plan()),
    "extraction": lambda quick: extraction.extraction(
        extraction.Plan.quick() if quick else extraction.Plan()
    ),
    "far": lambda quick: far.far(far.Plan.quick() if quick else far.Plan()),
    "flood": lambda quick: flood.flood(flood.Plan.quick() if quick else flood.Plan()),
    "growth": lambda quick: growth.growth(growth.Plan.quick() if quick else growth.Plan()),
    "latency": lambda quick: latency.latency(latency.Plan.quick() if quick else latency.Plan()),
    "legacy": lambda quick: legacy.legacy(legacy.Plan.quick() if quick else legacy.Plan()),
    "peers": lambda quick: peers.peers(peers.Plan.quick() if quick else peers.Plan()),
    "reading": lambda quick: reading.reading(reading.Plan.quick() if quick else reading.Plan()),
    "receiver": lambda quick: receiver.receiver(
        receiver.Plan.quick() if quick else receiver.Plan()
    ),
    "reprocess": lambda quick: reprocess.reprocess(
        reprocess.Plan.quick() if quick else reprocess.Plan()
    ),
    "resync": lambda quick: resync.resync(resync.Plan.quick() if quick else resync.Plan()),
    "retention": lambda quick: retention.retention(
        retention.Plan.quick() if quick else retention.Plan()
    ),
    "startup": lambda quick: startup.startup(startup.Plan.quick() if quick else startup.Plan()),
    "throughput": lambda quick: throughput.throughput(
        throughput.Plan.quick() if quick else throughput.Plan()
    ),
}

MOST_COLUMNS = 7
"""More are not readable in a terminal."""


def main() -> None:
    """Run what was asked for; JSON holds one object for each benchmark."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--only", choices=sorted(BENCHMARKS), help="one benchmark by name")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--quick", action="store_true", help="a short run, too noisy to quote")
    chosen = parser.parse_args()
    names = [chosen.only] if chosen.only else sorted(BENCHMARKS)
    results = {name: BENCHMARKS[name](chosen.quick) for name in names}
    for name, figures in results.items():
        _print(name, figures)
    if chosen.json:
        chosen.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


def _print(name: str, figures: dict[str, object]) -> None:
    console = Console()
    series = figures.get("series")
    if isinstance(series, dict):
        table = Table(title=f"{name}: deliveries a second, one worker process")
        columns = (
            "ours", "limit", "bulk_limit", "naive", "of_limit", "of_bulk_limit", "times_naive",
            "ours_cpu_s_per_10000",
        )  # fmt: skip
        for column in ("texts", *columns):
            table.add_column(column, justify="right", overflow="fold")
        for label, row in series.items():
            table.add_row(label, *(str(row[column]) for column in columns))
        console.print(table)
    tables = figures.get("tables")
    for title, rows in tables.items() if isinstance(tables, dict) else ():
        console.print(_table(f"{name}: {title}", rows))
    for label, value in figures.items():
        if label not in {"series", "tables"}:
            console.print(f"{name}.{label}: {value}")


def _table(title: str, rows: Mapping[str, Mapping[str, object]]) -> Table:
    """A row for each, with the columns that any of them has; few rows of many are turned."""
    columns = list(dict.fromkeys(column for row in rows.values() for column in row))
    cells = {label: [str(row.get(column, "")) for column in columns] for label, row in rows.items()}
    if len(rows) < len(columns) > MOST_COLUMNS:
        turned = zip(*cells.values(), strict=True)
        columns, cells = list(cells), dict(zip(columns, map(list, turned), strict=True))
    table = Table(title=title)
    table.add_column("", overflow="fold")
    for column in columns:
        table.add_column(column, justify="right", overflow="fold")
    for label, row in cells.items():
        table.add_row(label, *row)
    return table


if __name__ == "__main__":
    main()
