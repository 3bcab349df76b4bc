"""What an archive says of itself: `manifest.json`, and what may stand in it. Performs no I/O."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from ingest.core.errors import BadInput
from ingest.store.legacy_tables import LEGACY_TABLES

FORMAT: Literal[1] = 1
MANIFEST = "manifest.json"


class _InManifest(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, alias_generator=to_camel, validate_by_name=True
    )


class ArchivedColumn(_InManifest):
    """A column as PostgreSQL has it: `type` as `format_type` writes it, `default` as SQL."""

    name: str
    type: str
    nullable: bool
    default: str | None = None


def file_of(logical: str) -> str:
    """The name of the file that holds the rows of a logical table."""
    return f"{logical}.jsonl"


class ArchivedTable(_InManifest):
    """One table: its real name, and the file that holds its rows, a JSON object a line.

    rows, bytes, sha256: of the file. order: the columns by which the rows ascend, compared as
    UTF-8 bytes. json_nulls: how many rows of a JSON column hold JSON's own null, which in a row is
    written as NULL is. indexes, constraints: as SQL, for whoever looks; nothing reads them.
    """

    table: str
    file: str
    rows: Annotated[int, Field(ge=0)]
    bytes: Annotated[int, Field(ge=0)]
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    columns: tuple[ArchivedColumn, ...]
    order: tuple[str, ...] = ("id",)
    json_nulls: dict[str, int] = {}
    indexes: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()


class ArchivedDatabase(_InManifest):
    """Where the rows were taken from: the database's name, and the server's version as it says."""

    name: str
    server: str


def _all_tables(
    tables: dict[str, ArchivedTable | None],
) -> dict[str, ArchivedTable | None]:
    if set(tables) != set(LEGACY_TABLES):
        raise ValueError(f"not the tables {', '.join(LEGACY_TABLES)}")
    for logical, told in tables.items():
        if told is not None and told.file != file_of(logical):
            raise ValueError(f"the file of {logical} is {file_of(logical)}, not another one")
    return {logical: tables[logical] for logical in LEGACY_TABLES}


class Manifest(_InManifest):
    """The manifest of an archive. A table that the database has not is None.

    taken_at: the moment of the snapshot of which all rows are, in UTC. snapshot: that snapshot, as
    PostgreSQL writes it. enums: the values of each enum that a column has, in order.
    """

    format: Literal[1] = FORMAT
    program: str
    taken_at: datetime
    database: ArchivedDatabase
    snapshot: str | None = None
    tables: Annotated[dict[str, ArchivedTable | None], AfterValidator(_all_tables)]
    enums: dict[str, tuple[str, ...]] = {}


def read(text: str | bytes) -> Manifest:
    """The manifest in this JSON text; raises `BadInput` with the place of what cannot be meant."""
    try:
        return Manifest.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "$"
        said = f"{MANIFEST} cannot be used: {place}: {first['msg']}"
        raise BadInput(f"{said}; export again, with this program's `ingest legacy export`") from (
            error
        )


def written(manifest: Manifest) -> bytes:
    """The JSON text of a manifest, for people to read too."""
    return manifest.model_dump_json(by_alias=True, indent=2).encode() + b"\n"
