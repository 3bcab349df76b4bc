"""`ingest docs`: the documents that came out."""

from __future__ import annotations

from typing import Annotated

import typer

from ingest.cli import output
from ingest.cli.arguments import MANY, AsJson, DocumentId, Limit, OfSource, OfStore
from ingest.cli.related import related
from ingest.cli.session import session
from ingest.core.errors import BadInput
from ingest.flows.documents.find import find_documents
from ingest.store import reading
from ingest.store.engine import transaction

app = typer.Typer(help="Documents.", no_args_is_help=True)

_COLUMNS = ("id", "store_id", "source_type", "kind", "source_id", "chunk_count", "updated_at")
_FOUND = (*_COLUMNS, "alias")


@app.command("list")
def list_(
    context: typer.Context,
    *,
    store: OfStore = None,
    source: OfSource = None,
    kind: Annotated[str | None, typer.Option(help="Of this kind, as in `issue`.")] = None,
    limit: Limit = MANY,
    as_json: AsJson = False,
) -> None:
    """List documents."""
    with transaction(session(context).engine) as conn:
        found = reading.listing(conn, store_id=store, source_type=source, kind=kind, limit=limit)
    output.rows(found, as_json=as_json, columns=_COLUMNS, empty="There is no such document.")
    output.note_cut(found, limit)


@app.command()
def find(
    context: typer.Context,
    key: Annotated[str, typer.Argument(metavar="KEY", help="As in LIN-123 or owner/repo#12.")],
    *,
    store: OfStore = None,
    source: OfSource = None,
    as_json: AsJson = False,
) -> None:
    """Find documents by the key that people use, or by one that they used before."""
    with transaction(session(context).engine) as conn:
        found = find_documents(conn, key, store_id=store, source_type=source)
    empty = f"No document is or was called {key}."
    output.rows(found, as_json=as_json, columns=_FOUND, empty=empty)


@app.command()
def show(context: typer.Context, document_id: DocumentId, *, as_json: AsJson = False) -> None:
    """Show one document, with its references, feeds and former keys."""
    with transaction(session(context).engine) as conn:
        found = reading.show(conn, document_id)
    if found is None:
        raise BadInput(f"there is no document {document_id}; `ingest docs find KEY` looks by key")
    output.record(found, as_json=as_json)


@app.command()
def children(context: typer.Context, document_id: DocumentId, *, as_json: AsJson = False) -> None:
    """List the documents below one, as a conversation reads."""
    with transaction(session(context).engine) as conn:
        found = reading.children(conn, document_id)
    output.rows(found, as_json=as_json, columns=_COLUMNS, empty="There is nothing below it.")


app.command()(related)
