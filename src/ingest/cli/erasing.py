"""Asking before something goes for good, and telling what went."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Annotated

import typer

from ingest.cli import output
from ingest.core.errors import BadInput
from ingest.flows.connections.erase import Erased, Held

Yes = Annotated[bool, typer.Option("--yes", help="Do not ask whether it is meant.")]


def require_yes(what: str, held: Held, *, yes: bool) -> None:
    """Go on where a person means it; raises `BadInput` where nobody can be asked."""
    told = ", ".join(f"{count} {name}" for name, count in asdict(held).items() if count)
    question = f"{what} goes for good, with {told or 'nothing in it'}."
    if yes:
        return
    if not sys.stdin.isatty():
        raise BadInput(f"{question} Nobody is here to be asked: say --yes if that is meant")
    typer.confirm(f"{question} Is that meant?", abort=True, err=True)


def tell(id_: str, gone: Erased, *, as_json: bool) -> None:
    """What went, by kind."""
    output.record({"id": id_, **asdict(gone)}, as_json=as_json)
