"""Commands and workers in this process: what is typed, and what is due then."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass

from ingest.cli import run
from ingest.flows.deliveries.drain import drain_deliveries
from ingest.flows.documents.bind import bind_pending
from ingest.flows.lookups.drain import drain_lookups
from ingest.flows.reprocess.drain import Drain
from ingest.flows.syncs.drain import drain_pages
from ingest.wiring import Program

AT_ONCE_S = 0.1
"""For so long one of the works goes on before the next has its turn."""


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended, and what it said."""

    code: int
    out: str
    noted: str


def run_command(argv: Sequence[str], environ: Mapping[str, str]) -> Ran:
    """One command in this process, and what it says."""
    out, noted = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(noted):
        code = run(argv, environ)
    return Ran(code, out.getvalue(), noted.getvalue())


def work_off(parts: Program, *, seconds: float = AT_ONCE_S) -> None:
    """What is due of deliveries, look-ups, sync runs and reprocessing, each for so long at most."""
    engine, api_urls = parts.engine, parts.settings.api_urls

    def within() -> Callable[[], bool]:
        until = time.monotonic() + seconds
        return lambda: time.monotonic() < until

    drain_deliveries(engine, go_on=within(), threads=1, api_urls=api_urls)
    drain_lookups(engine, parts.clients, go_on=within(), threads=1)
    drain_pages(engine, parts.clients, go_on=within())
    Drain(engine, within(), on_replayed=lambda: None, api_urls=api_urls).run()
    bind_pending(engine)
