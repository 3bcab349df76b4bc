"""`ingest legacy`: a legacy database comes out into an archive, which is looked over, and in."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer

from ingest.cli import output
from ingest.cli.amounts import bytes_
from ingest.cli.arguments import AsJson
from ingest.cli.legacy_import import import_
from ingest.cli.legacy_progress import shown
from ingest.cli.session import session
from ingest.flows.legacy.archive import Archive
from ingest.flows.legacy.checking import Flaw
from ingest.flows.legacy.export import export
from ingest.flows.legacy.manifest import Manifest

app = typer.Typer(help="The way out of a legacy database, and in.", no_args_is_help=True)

ArchiveDirectory = Annotated[
    Path, typer.Argument(metavar="DIR", help="The directory of the archive.")
]
_COLUMNS = ("logical", "table", "rows", "size")
app.command("import")(import_)


@app.command("export")
def export_(
    context: typer.Context,
    directory: ArchiveDirectory,
    *,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the archive that stands there.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write the tables of the legacy database that DATABASE_URL names into an archive.

    Reads only, and all as it was at one moment. The archive is whole or there is none, whenever
    this ends.
    """
    engine = session(context).engine
    with shown("export", as_json=as_json) as tell:
        program = version("lightfast-ingest")
        told = export(engine, directory, program=program, replace=force, tell=tell)
    if as_json:
        output.document(_summary(directory, told))
        return
    _show(told)
    output.note(f"Look it over with: ingest legacy verify {directory}")


@app.command()
def verify(directory: ArchiveDirectory, *, as_json: AsJson = False) -> None:
    """Look whether an archive is what was exported; exit 1 if it is not. Needs no database.

    Every byte is read: the files are compared with the manifest, each line with its table's
    columns, references with the rows that they name. What the database held that is odd is told
    too, and is no failure.
    """
    archive = Archive.open(directory)
    with shown("verify", as_json=as_json) as tell:
        flaws = archive.verify(tell)
    is_sound = not any(flaw.is_damage for flaw in flaws)
    if as_json:
        told = _summary(directory, archive.manifest)
        output.document({**told, "sound": is_sound, "flaws": [*map(_flaw, flaws)]})
    else:
        _tell(archive, flaws, is_sound=is_sound)
    if not is_sound:
        raise typer.Exit(1)


def _tell(archive: Archive, flaws: Sequence[Flaw], *, is_sound: bool) -> None:
    _show(archive.manifest)
    for flaw in flaws:
        kind = "damaged" if flaw.is_damage else "odd"
        line = f", first in line {flaw.line}" if flaw.line is not None else ""
        times = f" ({flaw.times:,} times{line})" if flaw.line is not None else ""
        output.note(f"{kind}: {flaw.logical}: {flaw.what}{times}")
    if is_sound:
        output.line("The archive is sound.")
    else:
        output.note("The archive is damaged: export again, or fetch an undamaged copy.")


def _show(told: Manifest) -> None:
    rows = [
        {
            "logical": logical,
            "table": "absent" if table is None else table.table,
            "rows": "" if table is None else f"{table.rows:,}",
            "size": "" if table is None else bytes_(table.bytes),
        }
        for logical, table in told.tables.items()
    ]
    output.rows(rows, as_json=False, columns=_COLUMNS, empty="")


def _summary(directory: Path, told: Manifest) -> dict[str, Any]:
    tables = [
        {"logical": logical, "table": None}
        if table is None
        else {
            "logical": logical,
            "table": table.table,
            "file": table.file,
            "rows": table.rows,
            "bytes": table.bytes,
            "sha256": table.sha256,
        }
        for logical, table in told.tables.items()
    ]
    standing = [table for table in told.tables.values() if table is not None]
    return {
        "directory": str(directory),
        "database": told.database.name,
        "taken_at": told.taken_at,
        "rows": sum(table.rows for table in standing),
        "bytes": sum(table.bytes for table in standing),
        "tables": tables,
    }


def _flaw(flaw: Flaw) -> dict[str, Any]:
    return {
        "logical": flaw.logical,
        "what": flaw.what,
        "damage": flaw.is_damage,
        "line": flaw.line,
        "times": flaw.times,
    }
