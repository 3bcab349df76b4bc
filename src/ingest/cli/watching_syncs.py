"""How a sync run goes on: a bar for people, JSON lines for scripts; on stderr, both.

The estimate is honest: there is one only where the provider said how much there is, and it is what
the run has taken so far for what it has seen.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import sqlalchemy as sa
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from ingest.cli.lines import note, printable
from ingest.core.errors import BadInput
from ingest.flows.syncs.control import UNKNOWN, has_ended
from ingest.flows.syncs.hindrance import waits_for
from ingest.flows.syncs.progress import progress
from ingest.store import sync_runs
from ingest.store.engine import transaction

LOOKS_EVERY_S = 0.5
LINE_EVERY_S = 2.0
"""Between two lines for scripts, or where no terminal is."""
_NUMBERS = re.compile(r"[0-9][0-9,]*")


def watch(engine: sa.Engine, run_id: int, *, as_json: bool) -> None:
    """Show how a run goes on, until it has ended. Blocks."""
    if not as_json and sys.stderr.isatty():
        _bar(engine, run_id)
        return
    shown_at = 0.0
    for run in _looks(engine, run_id):
        if time.monotonic() - shown_at < LINE_EVERY_S and not has_ended(run["state"]):
            continue
        shown_at = time.monotonic()
        told = progress(run, datetime.now(UTC))
        note(orjson.dumps(told).decode() if as_json else _line(told))


def _bar(engine: sa.Engine, run_id: int) -> None:
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[said]}"))
    console = Console(file=sys.stderr, highlight=False, markup=False)
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(f"run {run_id}", total=None, said="")
        noted: str | None = None
        for run in _looks(engine, run_id):
            told = progress(run, datetime.now(UTC))
            hindrance, told["waits_for"] = told["waits_for"], None
            if hindrance is not None and without_numbers(hindrance) != noted:
                noted = without_numbers(hindrance)
                bar.console.print(printable(f"It waits for {hindrance}"), soft_wrap=True)
            bar.update(
                task, completed=run["seen"], total=told["expected"], said=printable(_line(told))
            )


def without_numbers(text: str) -> str:
    """What stays of a hindrance while its seconds go by: it is told once, above the bar, for which
    it is too long.
    """
    return _NUMBERS.sub("", text)


def _looks(engine: sa.Engine, run_id: int) -> Iterator[dict[str, Any]]:
    while True:
        with transaction(engine, durable=False) as conn:
            run = sync_runs.show(conn, run_id)
            hindrance = waits_for(conn, run_id)
        if run is None:
            raise BadInput(UNKNOWN.format(id=run_id))
        yield {**run, "waits_for": hindrance}
        if has_ended(run["state"]):
            return
        time.sleep(LOOKS_EVERY_S)


def _line(told: Mapping[str, Any]) -> str:
    of = f" of {told['expected']:,}" if told["expected"] else ""
    said = [f"{told['state']}: {told['seen']:,}{of} seen, {told['changed']:,} changed"]
    said += [f"{told[name]:,} {name}" for name in ("deleted", "errors") if told[name]]
    if told["left_s"] is not None and told["state"] == sync_runs.RUNNING:
        said.append(f"about {timedelta(seconds=told['left_s'])} left")
    if told["waits_for"] is not None:
        said.append(f"waits for {told['waits_for']}")
    return ", ".join(said)
