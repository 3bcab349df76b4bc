"""`ingest health`: whether a process of this host turns. It loads next to nothing, for probes."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

import typer

from ingest.cli.lines import line, note
from ingest.pulse import BEAT, FETCHER, SYNCER, WORKER, feel
from ingest.variables import data_dir

PATH, PATIENCE_S = "/healthz", 3.0
DEFAULT_PORT = 8000


class Probed(StrEnum):
    """The processes of the Procfile."""

    WEB = "web"
    WORKER = WORKER
    FETCHER = FETCHER
    SYNCER = SYNCER
    BEAT = BEAT


def health(
    context: typer.Context,
    process: Annotated[Probed, typer.Argument(help="Which process of the Procfile.")],
    *,
    port: Annotated[
        int | None,
        typer.Option("--port", help="The receiver's, of this host.", show_default="PORT, or 8000"),
    ] = None,
) -> None:
    """Exit 0 where the process is well, else 1 and a line: for a probe.

    The receiver is asked over HTTP; the others touch a file below INGEST_DATA_DIR while they turn,
    and a broker or a database that is away makes none of them unwell.
    """
    environ: Mapping[str, str] = context.obj
    fault = _web(environ, port) if process is Probed.WEB else _turning(environ, process.value)
    if fault is not None:
        note(f"ingest: {fault}")
        raise typer.Exit(1)
    line(f"{process} is well")


def _web(environ: Mapping[str, str], port: int | None) -> str | None:
    """What is wrong with the receiver, which answers without asking anybody."""
    from http.client import HTTPConnection, HTTPException  # noqa: PLC0415 - for this one alone

    told = environ.get("PORT", "")
    asked = port or (int(told) if told.isdecimal() else DEFAULT_PORT)
    connection = HTTPConnection("127.0.0.1", asked, timeout=PATIENCE_S)
    try:
        connection.request("GET", PATH)
        status = connection.getresponse().status
    except (OSError, HTTPException) as error:
        return f"no receiver answers on 127.0.0.1:{asked} ({error}); start it, or give its --port"
    finally:
        connection.close()
    return None if status == 200 else f"the receiver on 127.0.0.1:{asked} answers {status}"


def _turning(environ: Mapping[str, str], kind: str) -> str | None:
    directory = data_dir(environ)
    try:
        found = feel(directory, kind)
    except OSError as error:
        return f"the pulse in {directory} cannot be read: {error}; run as the user of the {kind}"
    for one in found:
        if not one.is_well:
            return f"{kind} {one.pid} has not turned for {one.silent_s:.0f} s; start it anew"
    if not found:
        return (
            f"no {kind} has a pulse in {directory}; start one, or let INGEST_DATA_DIR name the "
            "directory that it has"
        )
    return None
