"""How far a look at a legacy database or an archive is: a bar for people, lines elsewhere, JSON
lines with `--json`; on stderr, all of them.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import orjson
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from ingest.cli.lines import note
from ingest.flows.legacy.passing import Passed

LINE_EVERY_S = 2.0
"""Between two lines where no terminal is."""


Show = Callable[[str, Passed], None]


@dataclass(slots=True)
class StepShown:
    """Hears how far it is, and shows that of the `step` that is done just now."""

    step: str
    show: Show

    def __call__(self, passed: Passed) -> None:
        """So far it is."""
        self.show(self.step, passed)


@contextmanager
def shown(step: str, *, as_json: bool, line_every_s: float = LINE_EVERY_S) -> Iterator[StepShown]:
    """What a flow tells, shown while the block runs. `step` is what is done first: export, verify;
    whoever goes on to another one sets it.
    """
    if not as_json and sys.stderr.isatty():
        with _bar() as show:
            yield StepShown(step, show)
    else:
        yield StepShown(step, _lines(line_every_s, as_json=as_json))


def _lines(every_s: float, *, as_json: bool) -> Show:
    told_at = time.monotonic()

    def show(step: str, passed: Passed) -> None:
        nonlocal told_at
        if time.monotonic() - told_at < every_s:
            return
        told_at = time.monotonic()
        said = {"step": step, "table": passed.logical, "rows": passed.rows, "about": passed.about}
        note(orjson.dumps(said).decode() if as_json else f"{step}: {_said(passed)}")

    return show


@contextmanager
def _bar() -> Iterator[Show]:
    columns = (TextColumn("{task.fields[said]}"), BarColumn())
    console = Console(file=sys.stderr, highlight=False, markup=False)
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=None, said="")

        def show(step: str, passed: Passed) -> None:
            total = max(passed.about, passed.rows) or None
            said = f"{step}: {_said(passed)}"
            bar.update(task, completed=passed.rows, total=total, said=said)

        yield show


def _said(passed: Passed) -> str:
    of = f" of about {passed.about:,}" if passed.about >= passed.rows else ""
    return f"{passed.logical}: {passed.rows:,} rows{of}"
