"""`ingest changes`: what becomes of documents, a line each; who reads it, and how far."""

from __future__ import annotations

import sys
from collections.abc import Collection
from dataclasses import asdict
from typing import Annotated, Any, Literal

import orjson
import sqlalchemy as sa
import typer
from typer.core import TyperGroup

from ingest.changes import ALL, ChangeBatch, Changes, DocumentChange, FellBehind
from ingest.cli import output, sinks
from ingest.cli.arguments import MANY, AsJson, OfSource
from ingest.cli.session import session
from ingest.cli.stores_named import require_stores
from ingest.core.errors import BadInput
from ingest.store import change_consumers, change_sinks, outbox
from ingest.store.change_consumers import ChangeConsumer
from ingest.store.engine import transaction

READ = "read"
AT_ONCE, WAIT_S = 500, 3600.0
_COLUMNS = ("name", "stores", "position", "snapshot", "behind", "lag_s", "is_read", "seen_at")


class _ReadsWithoutAName(TyperGroup):
    """`ingest changes …` is `ingest changes read …`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the command's name in front where the first word is none of their names."""
        if not args or (args[0] not in self.commands and args[0] != "--help"):
            args = [READ, *args]
        parsed: list[str] = super().parse_args(ctx, args)
        return parsed


app = typer.Typer(
    cls=_ReadsWithoutAName,
    help="What becomes of documents, in order. `ingest changes` alone prints it.",
)
app.add_typer(sinks.app, name="sink")


@app.command(READ)
def read(
    context: typer.Context,
    *,
    consumer: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Go on where this consumer is, and note how far it got."),
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", help="Wait for what comes; Ctrl-C ends it.")
    ] = False,
    start: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="POSITION|snapshot",
            help="Behind this position, or with a snapshot of what stands.",
        ),
    ] = None,
    store: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="Of this store; several may be given.")
    ] = None,
    source: OfSource = None,
    limit: Annotated[
        int | None,
        typer.Option(min=1, max=1_000_000, metavar="N", help=f"At most so many; {MANY:,} if not."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print changes: `ingest changes`, without the word `read`.

    With --json, and where no terminal is, each is one line of JSON (docs/changes.md); a snapshot's
    beginning and end are lines too. Without --follow it ends where there are no more, or after
    about --limit. A new consumer begins with a snapshot; without one, what is still there is shown.
    """
    if follow and limit is not None:
        raise BadInput("--follow goes on until Ctrl-C: leave --limit out, or --follow")
    feed = _feed(context, consumer, _start(start), store, source)
    as_lines = as_json or not sys.stdout.isatty()
    with feed:
        try:
            _print_all(feed, None if follow else limit or MANY, as_json=as_lines)
        except KeyboardInterrupt:
            if not follow:
                raise


@app.command()
def consumers(context: typer.Context, *, as_json: AsJson = False) -> None:
    """List who reads by name: how far each is, and how many positions and seconds behind."""
    with transaction(session(context).engine) as conn:
        found = [asdict(one) for one in change_consumers.show(conn)]
    empty = "Nobody reads by name; see: ingest changes --help"
    output.rows(found, as_json=as_json, columns=_COLUMNS, empty=empty)


@app.command()
def forget(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The consumer's name.")],
) -> None:
    """Forget a consumer; under its name a new one begins."""
    with transaction(session(context).engine) as conn:
        _require_no_sink(conn, name)
        if not change_consumers.remove(conn, name):
            raise BadInput(f"there is no consumer {name}; see: ingest changes consumers")


def _require_no_sink(conn: sa.Connection, name: str | None) -> None:
    """What is read for a sink would never be pushed to it."""
    if name is not None and change_sinks.exists(conn, name):
        raise BadInput(f"{name} is a sink, which a syncer reads for: see `ingest changes sink`")


Start = int | Literal["snapshot"] | None


def _start(told: str | None) -> Start:
    if told is None or told == "snapshot":
        return "snapshot" if told else None
    if not (told.isascii() and told.isdigit() and len(told) < 19):
        raise BadInput(f"--from is {told[:40]!r}: give a position, a whole number, or snapshot")
    return int(told)


def _feed(
    context: typer.Context,
    name: str | None,
    start: Start,
    stores: Collection[str] | None,
    source: str | None,
) -> Changes:
    """The reader; one of a consumer that is known wants what that wants, unless told otherwise."""
    engine = session(context).engine
    with transaction(engine) as conn:
        _require_no_sink(conn, name)
        known = None if name is None else change_consumers.find(conn, name)
        oldest = outbox.head(conn).pruned
        if name is not None and known is None:
            require_stores(conn, stores or ())
    stores, types = _asked(known, stores, source)
    first: int | Literal["snapshot"] = oldest if name is None else "snapshot"
    feed = Changes(
        engine,
        name,
        stores=stores or ALL,
        source_types=types,
        start=first if start is None else start,
    )
    if known is not None and start is not None:
        feed.snapshot() if isinstance(start, str) else feed.seek(start)
    return feed


def _asked(
    known: ChangeConsumer | None, stores: Collection[str] | None, source: str | None
) -> tuple[Collection[str] | None, list[str] | None]:
    """The stores and sources that are followed: what is told now, or else what is known."""
    if known is not None and not stores and source is None:
        return known.stores, _types(known)
    return stores, None if source is None else [source]


def _types(known: ChangeConsumer) -> list[str] | None:
    return None if known.source_types is None else [*known.source_types]


def _print_all(feed: Changes, most: int | None, *, as_json: bool) -> None:
    """Print until there are no more, or about so many are; None waits for ever."""
    left = most
    while left is None or left > 0:
        at_once = AT_ONCE if left is None else min(left, AT_ONCE)
        try:
            batch = feed.read(at_once, wait_s=0 if left is not None else WAIT_S)
        except FellBehind as error:
            output.note(f"ingest: {error}")
            continue
        if not batch and left is not None:
            return
        _print(batch, as_json=as_json)
        sys.stdout.flush()  # what is acknowledged was handed on
        feed.ack(batch)
        left = None if left is None else left - len(batch.changes)


def _print(batch: ChangeBatch, *, as_json: bool) -> None:
    if batch.begins:
        _mark("begins", batch, as_json=as_json)
    for change in batch.changes:
        if as_json:
            sys.stdout.write(f"{orjson.dumps(change.as_json()).decode()}\n")
        else:
            output.line(_line(change))
    if batch.ends:
        _mark("ends", batch, as_json=as_json)


def _mark(what: str, batch: ChangeBatch, *, as_json: bool) -> None:
    if as_json:
        told = {"position": batch.position, "snapshot": what}
        sys.stdout.write(f"{orjson.dumps(told).decode()}\n")
    else:
        output.line(f"{batch.position:>9}  the snapshot {what}")


def _line(change: DocumentChange) -> str:
    said = [f"{change.position:>9}", f"{change.op:8}", change.source_type, change.source_id]
    if change.chunks is not None:
        chunks = change.chunks
        said.append(f"chunks +{len(chunks.new)} ={len(chunks.kept)} -{len(chunks.gone)}")
    elif change.changed:
        said.append(", ".join(change.changed))
    return "  ".join(said)
