"""`ingest db`: the database's schema."""

from __future__ import annotations

import typer

from ingest.cli import output
from ingest.cli.arguments import AsJson
from ingest.cli.session import session
from ingest.sources.registry import source_types
from ingest.store import upgrade

app = typer.Typer(help="The database's schema.", no_args_is_help=True)


@app.command("upgrade")
def upgrade_(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Bring the database to this program's schema. Running it again does no harm.

    One that a newer program brought further, and that serves this one too, stays as it is.
    """
    report = upgrade.upgrade(session(context).engine, source_types())
    data = {
        "before": report.before,
        "after": report.after,
        "added_source_types": list(report.added_source_types),
        "adopted": report.adopted,
    }
    output.record(data, as_json=as_json)


@app.command()
def check(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Say what is behind; exit 1 if anything is."""
    current = session(context)
    behind = upgrade.check(current.engine, source_types())
    if as_json:
        output.document({"current": not behind, "behind": behind})
    for text in behind:
        output.note(text)
    if behind:
        raise typer.Exit(1)
    if not as_json:
        output.line(f"current: schema {upgrade.standing(current.engine)}")
