"""`ingest docs`: the documents that came out."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

import typer

from ingest.cli import output, times
from ingest.cli.arguments import MANY, After, AsJson, DocumentId, Limit, OfSource, OfStore
from ingest.cli.explaining import explain
from ingest.cli.related import related
from ingest.cli.searching import search
from ingest.cli.session import session
from ingest.core.errors import NotFound
from ingest.flows.documents.find import find_documents
from ingest.queries import lists
from ingest.queries.documents import ResultPage
from ingest.queries.lists import Wanted
from ingest.store import reading, trails
from ingest.store.engine import transaction

app = typer.Typer(help="Documents.", no_args_is_help=True)

_COLUMNS = ("id", "source_type", "kind", "source_id", "title")
_MOST_TITLE = 80
"""Characters of a title in a table; in JSON it is whole."""
_FOUND = ("id", "source_type", "source_id", "title", "alias")
_RELATED = ("kind", "target_source", "target_key", "origin", "evidence", "id", "source_id")
_HISTORY = ("at", "did", "text", "delivery_id", "delivery_key", "lookup_id", "run_id", "status")
_TIME = "as 2026-05-04 or 2026-05-04T12:00Z (UTC where no zone is given), or an age as 24h or 7d"


class Direction(StrEnum):
    """From which end relationships are seen."""

    OUT = "out"
    IN = "in"


@app.command("list")
def list_(  # noqa: PLR0913 - one for each option
    context: typer.Context,
    *,
    store: OfStore = None,
    source: OfSource = None,
    kind: Annotated[str | None, typer.Option(help="Of this kind, as in `issue`.")] = None,
    state: Annotated[
        str | None, typer.Option(help="In this state, a word of the source's: with --source.")
    ] = None,
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help=f"Made then or later: {_TIME}.")
    ] = None,
    until: Annotated[str | None, typer.Option(metavar="TIME", help="Made before that.")] = None,
    updated: Annotated[
        bool, typer.Option(help="Go by when our row was last written, and not when it was made.")
    ] = False,
    after: After = None,
    limit: Limit = MANY,
    as_json: AsJson = False,
) -> None:
    """List documents: by store, by source, and as they came to be."""
    asked = Wanted(
        store_id=store,
        source_type=source,
        kind=kind,
        state=state,
        since=times.given(since),
        until=times.given(until),
        moment="updated_at" if updated else "created_at",
    )
    with transaction(session(context).engine) as conn:
        found = lists.listed(conn, asked, after=after, limit=limit)
    _print_page(found, as_json=as_json, empty="There is no such document.")


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
        named = find_documents(conn, key, store_id=store, source_type=source)
        found = lists.titled(conn, named)
    empty = f"No document is or was called {key}."
    output.rows(
        found if as_json else _shortened(found), as_json=as_json, columns=_FOUND, empty=empty
    )


@app.command()
def show(context: typer.Context, document_id: DocumentId, *, as_json: AsJson = False) -> None:
    """Show one document, with its references, feeds and former keys; its text comes last."""
    with transaction(session(context).engine) as conn:
        found = reading.show(conn, document_id)
        text = reading.text_of(conn, document_id)
    if found is None:
        raise NotFound(f"there is no document {document_id}; `ingest docs find KEY` looks by key")
    if as_json:
        output.document({**found, **text})
        return
    output.record({**found, "is_whole": text["is_whole"]}, as_json=False)
    output.line(f"\n{text['title'] or ''}\n\n{text['body'] or ''}")


@app.command()
def children(
    context: typer.Context,
    document_id: DocumentId,
    *,
    after: After = None,
    limit: Limit = MANY,
    as_json: AsJson = False,
) -> None:
    """List the documents below one, as a conversation reads."""
    with transaction(session(context).engine) as conn:
        found = lists.children(conn, document_id, after=after, limit=limit)
    _print_page(found, as_json=as_json, empty="There is nothing below it.")


@app.command()
def references(
    context: typer.Context,
    document_id: DocumentId,
    *,
    direction: Annotated[
        Direction, typer.Option(help="What it points at, or what points at it.")
    ] = Direction.OUT,
    after: After = None,
    limit: Limit = MANY,
    as_json: AsJson = False,
) -> None:
    """List what a document points at, or what points at it, and which words say so."""
    with transaction(session(context).engine) as conn:
        found = lists.related(conn, document_id, direction.value, after=after, limit=limit)
    output.page(found, as_json=as_json, columns=_RELATED, empty="There is no such relationship.")


@app.command()
def history(
    context: typer.Context, document_id: DocumentId, *, limit: Limit = MANY, as_json: AsJson = False
) -> None:
    """List what touched a document, newest first, and how its text's hash changed by it.

    It is kept as long as settled deliveries are. Of what a sync run read, only changes are noted.
    """
    current = session(context)
    keep_days = current.program.settings.keep_deliveries_days
    with transaction(current.engine) as conn:
        found = trails.history(conn, document_id, limit=limit)
        oldest = trails.oldest(conn)
    if found is None:
        raise NotFound(f"there is no document {document_id}; `ingest docs find KEY` looks by key")
    empty = "Nothing that is kept touched it."
    told = [{**row, "text": _turn(row["hash_before"], row["hash_after"])} for row in found]
    output.rows(found if as_json else told, as_json=as_json, columns=_HISTORY, empty=empty)
    output.note_cut(found, limit)
    since = f"; the oldest is of {oldest:%Y-%m-%d %H:%M}Z" if oldest is not None else ""
    output.note(f"The trail goes back {keep_days} days{since}.")


def _print_page(found: ResultPage[lists.Row], *, as_json: bool, empty: str) -> None:
    rows = found.rows if as_json else _shortened(found.rows)
    output.page(ResultPage(rows, found.after), as_json=as_json, columns=_COLUMNS, empty=empty)


def _shortened(rows: Sequence[lists.Row]) -> tuple[lists.Row, ...]:
    return tuple({**row, "title": _cut(row["title"] or "")} for row in rows)


def _cut(title: str) -> str:
    return title if len(title) <= _MOST_TITLE else f"{title[: _MOST_TITLE - 1]}…"


def _turn(before: str | None, after: str | None) -> str:
    """The first letters of two hashes, or of one where they are the same."""
    told = [(one or "none")[:8] for one in (before, after)]
    return told[1] if before == after else f"{told[0]} → {told[1]}"


app.command()(related)
app.command()(search)
app.command()(explain)
