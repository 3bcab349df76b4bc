"""`ingest db`: the database's schema, and what takes its room."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import sqlalchemy as sa
import typer

from ingest.cli import output
from ingest.cli.amounts import bytes_, count
from ingest.cli.arguments import AsJson
from ingest.cli.session import session
from ingest.flows.doctor import look_at_legacy
from ingest.sources.registry import source_types
from ingest.store import retention, sizes, text_search, upgrade
from ingest.store.engine import transaction
from ingest.store.queue_admin import STATUSES
from ingest.store.retention import Due
from ingest.store.sizes import StatusCount, TableSize

app = typer.Typer(help="The database's schema, and what takes its room.", no_args_is_help=True)

_PREFIX = "lightfast_"


@app.command("upgrade")
def upgrade_(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Bring the database to this program's schema. Running it again does no harm.

    One that a newer program brought further, and that serves this one too, stays as it is.
    """
    engine = session(context).engine
    report = upgrade.upgrade(engine, source_types())
    data = {
        "before": report.before,
        "after": report.after,
        "added_source_types": list(report.added_source_types),
        "adopted": report.adopted,
    }
    output.record(data, as_json=as_json)
    for said in _unfinished(engine):
        output.note(said)


def _unfinished(engine: sa.Engine) -> list[str]:
    return [f"{one.said}: go on with `{one.remedy}`" for one in look_at_legacy(engine)]


@app.command()
def check(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Say what is behind; exit 1 if anything is."""
    current = session(context)
    behind = [*upgrade.check(current.engine, source_types()), *_unfinished(current.engine)]
    if as_json:
        output.document({"current": not behind, "behind": behind})
    for text in behind:
        output.note(text)
    if behind:
        raise typer.Exit(1)
    if not as_json:
        output.line(f"current: schema {upgrade.standing(current.engine)}")


@app.command()
def url(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Print the database's URL, of the embedded one too: `psql "$(ingest db url)"`.

    With its password, where it has one.
    """
    told = session(context).program.database_url
    if as_json:
        output.document({"url": told})
    else:
        output.line(told)


@app.command()
def size(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Show what takes the room: each table, the deliveries by status, and what will be deleted.

    Rows are PostgreSQL's estimates. `oldest` is told where it can be without reading a whole table.
    """
    current = session(context)
    keep_days = current.program.settings.keep_deliveries_days
    with transaction(current.engine, durable=False) as conn:
        tables = sizes.tables(conn)
        deliveries = sizes.deliveries(conn, STATUSES)
        due = retention.due(conn, keep_days=keep_days)
    if as_json:
        output.document(_sizes(tables, deliveries, due, keep_days))
        return
    columns = ("table", "rows", "total", "data", "indexes", "toast", "oldest")
    output.rows([_shown(one) for one in tables], as_json=False, columns=columns, empty="")
    output.line("")
    output.line(f"deliveries: {', '.join(map(_told, deliveries))}")
    more = "at least " if due.more else ""
    output.line(
        f"to be deleted, {keep_days} days after they were settled: {more}{count(due.deliveries)}, "
        f"{bytes_(due.body_bytes)} of bodies"
    )


@app.command("search")
def search_(
    context: typer.Context,
    wanted: Annotated[
        str | None,
        typer.Argument(
            metavar="[LANGUAGE|off]",
            help="`english`, `german`, …, `simple` for words as they are; `off` drops the index.",
        ),
    ] = None,
) -> None:
    """Build the index that `ingest docs search` needs, beside busy workers; or say what there is.

    It takes about a third of the texts' room, and PostgreSQL 1 ms more for each new chunk.
    """
    engine = session(context).engine
    if wanted == "off":
        was = text_search.drop(engine)
        output.line("search is off" if was else "search was off already")
        return
    if wanted is not None:
        text_search.build(engine, wanted)
    with transaction(engine, durable=False) as conn:
        found = text_search.language(conn)
    output.line(f"search is on, for {found}" if found else "search is off")


def _sizes(
    tables: Sequence[TableSize], deliveries: Sequence[StatusCount], due: Due, keep_days: int
) -> dict[str, Any]:
    return {
        "tables": [
            {
                "table": one.table,
                "rows": one.rows,
                "total_bytes": one.total_bytes,
                "table_bytes": one.table_bytes,
                "index_bytes": one.index_bytes,
                "toast_bytes": one.toast_bytes,
                "oldest": one.oldest,
            }
            for one in tables
        ],
        "deliveries": [
            {"status": one.status, "deliveries": one.deliveries, "exact": one.exact}
            for one in deliveries
        ],
        "retention": {
            "keep_days": keep_days,
            "deliveries": due.deliveries,
            "body_bytes": due.body_bytes,
            "more": due.more,
        },
    }


def _shown(one: TableSize) -> dict[str, str]:
    """As people read it; without the prefix that all have, so that it fits a terminal."""
    return {
        "table": one.table.removeprefix(_PREFIX),
        "rows": count(one.rows),
        "total": bytes_(one.total_bytes),
        "data": bytes_(one.table_bytes),
        "indexes": bytes_(one.index_bytes),
        "toast": bytes_(one.toast_bytes),
        "oldest": f"{one.oldest:%Y-%m-%d}" if one.oldest else "",
    }


def _told(one: StatusCount) -> str:
    return f"{'' if one.exact else 'about '}{count(one.deliveries)} {one.status}"
