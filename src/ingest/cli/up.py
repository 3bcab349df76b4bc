"""`ingest up`: everything on one machine, until Ctrl-C."""

from __future__ import annotations

import shutil
import sys
from typing import Annotated

import typer

from ingest.cli import output
from ingest.cli.session import session
from ingest.embedded.stack import run_stack
from ingest.machine import (
    Machine,
    default_workers,
    ended_by_signals,
    is_ready,
    machine,
    reached_at,
    require_port,
)

DEFAULT_PORT = 8000


def up(
    context: typer.Context,
    *,
    host: Annotated[str, typer.Option(metavar="H", help="Listen on this address.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=1, max=65535, metavar="P", help="Listen on this port.")
    ] = DEFAULT_PORT,
    workers: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Worker processes; else one a processor, to 4."),
    ] = None,
) -> None:
    """Run receiver, worker and beat, and PostgreSQL and Redis unless the environment names them.

    Ctrl-C or SIGTERM stops everything.
    """
    environ = session(context).environ
    with ended_by_signals():
        require_port(host, port)
        with machine(environ) as made:
            code = run_stack(
                made.children(host=host, port=port, workers=workers or default_workers()),
                ready=lambda: is_ready(host, port),
                on_ready=lambda: _on_ready(made, host, port),
                watch=made.services.revive,
            )
    if code:
        raise typer.Exit(code)


def _on_ready(made: Machine, host: str, port: int) -> None:
    made.services.tell_receiver(_url(reached_at(host), port))
    _say_what_next(made, _url(host, port))


def _url(host: str, port: int) -> str:
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{port}"


def _say_what_next(made: Machine, url: str) -> None:
    ingest = "ingest" if shutil.which("ingest") else sys.argv[0]
    lines = [
        "",
        f"The receiver listens on {url}/webhooks/TYPE/CONNECTION. Next, elsewhere:",
        f"  {ingest} store create STORE",
        f"  {ingest} source connect TYPE --store STORE --name NAME --metadata JSON \\",
        "      --webhook-secret-env VARIABLE",
        f"  {ingest} send-test TYPE",
        f"Data: {made.program.settings.data_dir}. Ctrl-C stops everything.",
        "",
    ]
    for line in lines:
        output.note(line)
