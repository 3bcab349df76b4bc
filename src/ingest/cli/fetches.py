"""`ingest fetches`: look-ups at providers, their tries and errors, and what came of them."""

from __future__ import annotations

from typing import Annotated

import typer

from ingest.cli import output
from ingest.cli.arguments import MANY, AsJson, Limit, OfConnection, OfSource
from ingest.cli.connections_shown import require_known
from ingest.cli.session import session
from ingest.core.errors import NotFound
from ingest.flows.deliveries.shown import MOST_DOCUMENTS
from ingest.store import trails
from ingest.store.engine import transaction

app = typer.Typer(
    help="Look-ups at providers: what waits, what was tried, and what came of it.",
    no_args_is_help=True,
)

COLUMNS = ("id", "connection_id", "kind", "external_id", "state", "attempts", "last_error")
TRIES = ("at", "attempt", "outcome", "error")
DOCUMENTS = ("document_id", "store_id", "kind", "source_id", "did")
_LARGEST_ID = 2**63 - 1


@app.command("list")
def list_(
    context: typer.Context,
    *,
    connection: OfConnection = None,
    source: OfSource = None,
    failing: Annotated[bool, typer.Option("--failing", help="With an error alone.")] = False,
    limit: Limit = MANY,
    as_json: AsJson = False,
) -> None:
    """List look-ups, the newest first: those that wait, and those that have ended.

    Of those that nobody waits for, what went well at once is left out.
    """
    current = session(context)
    if connection is not None:
        require_known(current, connection)
    with transaction(current.engine) as conn:
        found = trails.look_ups(
            conn, connection_id=connection, source_type=source, failing=failing, limit=limit
        )
    output.rows(found, as_json=as_json, columns=COLUMNS, empty="There is no such look-up.")
    output.note_cut(found, limit)


@app.command()
def show(
    context: typer.Context,
    lookup_id: Annotated[int, typer.Argument(metavar="ID", min=1, max=_LARGEST_ID)],
    *,
    as_json: AsJson = False,
) -> None:
    """Show a look-up with each try and its error, who asked for it, and what it did."""
    with transaction(session(context).engine) as conn:
        found = trails.look_up(conn, lookup_id)
        done = trails.documents_of(conn, lookup_ids=[lookup_id], limit=MOST_DOCUMENTS)
    if found is None:
        raise NotFound(
            f"there is no look-up {lookup_id} (any more); `ingest fetches list` names those there "
            "are"
        )
    if as_json:
        output.document({**found, "documents": done})
        return
    output.record({k: v for k, v in found.items() if k != "tries"}, as_json=False)
    output.part("Tries", found["tries"], TRIES, "It was not tried yet.")
    output.part("Documents", done, DOCUMENTS, "It did nothing to any document.")
