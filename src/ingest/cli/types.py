"""`ingest types`: the types of what is written, for the programs that read it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Annotated

import typer

from ingest.cli import output
from ingest.published import Published, json_schema, published, typescript
from ingest.sources.registry import all_sources


class Format(StrEnum):
    """How the types are written."""

    TS = "ts"
    JSONSCHEMA = "jsonschema"


_WRITERS: Mapping[Format, Callable[[Published], str]] = {
    Format.TS: lambda types: typescript(types).removesuffix("\n"),
    Format.JSONSCHEMA: lambda types: json.dumps(json_schema(types), indent=2),
}


def types(
    *,
    format_: Annotated[
        Format, typer.Option("--format", help="TypeScript, or JSON Schema (draft 2020-12).")
    ] = Format.TS,
) -> None:
    """Print the types of the metadata and relationships that are written, the seed's and ours."""
    output.line(_WRITERS[format_](published(all_sources())))
