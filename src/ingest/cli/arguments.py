"""Arguments and options that several commands take, each described once."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Annotated

import typer

from ingest.sources.registry import source_types

MANY = 1000
"""How many rows a list shows unless told otherwise; it says so when there are more."""


def _known(source_type: str | None) -> str | None:
    if source_type is not None and source_type not in source_types():
        known = ", ".join(source_types())
        near = get_close_matches(source_type.lower(), source_types(), n=1)
        meant = f" (did you mean {near[0]}?)" if near else ""
        raise typer.BadParameter(f"{source_type[:40]!r} is no source{meant}; there are {known}")
    return source_type


def _all_known(found: list[str] | None) -> list[str] | None:
    for source_type in found or ():
        _known(source_type)
    return found


_TYPES = f"One of {', '.join(source_types())}."

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
SourceType = Annotated[str, typer.Argument(metavar="TYPE", help=_TYPES, callback=_known)]
OfSource = Annotated[
    str | None, typer.Option("--source", metavar="TYPE", help=_TYPES, callback=_known)
]
OfSources = Annotated[
    list[str] | None,
    typer.Option(
        "--source", metavar="TYPE", help="Of this source; repeatable.", callback=_all_known
    ),
]
OfConnection = Annotated[
    str | None, typer.Option("--connection", metavar="ID", help="Of this connection.")
]
OfStore = Annotated[str | None, typer.Option("--store", metavar="ID", help="Of this store.")]
Limit = Annotated[int, typer.Option(min=1, max=1_000_000, metavar="N", help="At most so many.")]
After = Annotated[
    str | None,
    typer.Option(metavar="POSITION", help="Behind the page that ended there, as it said."),
]
ConnectionId = Annotated[str, typer.Argument(metavar="ID", help="The connection's id.")]
DocumentId = Annotated[str, typer.Argument(metavar="ID", help="The document's id.")]
