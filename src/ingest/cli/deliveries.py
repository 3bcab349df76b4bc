"""`ingest deliveries`: what providers sent, what became of it, and once more from the start."""

from __future__ import annotations

import sys
from typing import Annotated

import sqlalchemy as sa
import typer
from rich.console import Console
from rich.progress import Progress

from ingest.cli import delivery_trail, output, times
from ingest.cli.arguments import MANY, AsJson, Limit, OfConnection, OfSource
from ingest.cli.connections_shown import require_known
from ingest.cli.session import Session, session
from ingest.core.errors import BadInput
from ingest.flows.deliveries.shown import (
    shown_delivery,
    unknown_deliveries,
)
from ingest.store import delivery_filter, queue_admin, refusals
from ingest.store.delivery_filter import DeliveryFilter
from ingest.store.engine import transaction
from ingest.store.queue_admin import STATUSES

app = typer.Typer(help="Raw deliveries: the queue and its past.", no_args_is_help=True)

Status = Annotated[str | None, typer.Option(metavar="S", help=f"One of {', '.join(STATUSES)}.")]
Reason = Annotated[
    str | None, typer.Option(metavar="TEXT", help="With this in the reason, or the last error.")
]
Since = Annotated[
    str | None,
    typer.Option(metavar="TIME", help="Received then or later: 2026-05-04T12:00Z, or 24h ago."),
]
Until = Annotated[str | None, typer.Option(metavar="TIME", help="Received before that.")]
Key = Annotated[str | None, typer.Option(metavar="KEY", help="Of the provider's delivery id.")]
_COLUMNS = ("id", "source_type", "status", "reason", "attempts", "delivery_key", "received_at")
_REFUSED = (
    "id",
    "refused_at",
    "source_type",
    "connection_id",
    "answer",
    "reason",
    "size",
    "digest",
)
_LARGEST_ID = 2**63 - 1


@app.command("list")
def list_(  # noqa: PLR0913 - one for each option
    context: typer.Context,
    *,
    status: Status = None,
    source: OfSource = None,
    connection: OfConnection = None,
    reason: Reason = None,
    since: Since = None,
    until: Until = None,
    key: Key = None,
    limit: Limit = MANY,
    as_json: AsJson = False,
) -> None:
    """List deliveries, the newest first."""
    current = session(context)
    wanted = _filter(current, status, source, connection, reason, since, until, key)
    with transaction(current.engine) as conn:
        found = delivery_filter.listing(conn, wanted, limit=limit)
    output.rows(found, as_json=as_json, columns=_COLUMNS, empty="There is no such delivery.")
    output.note_cut(found, limit)


@app.command()
def show(
    context: typer.Context,
    delivery: Annotated[str, typer.Argument(metavar="ID", help="Ours, or the provider's own.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Show one delivery: its events, look-ups and documents, what each did or why not, its body."""
    told = shown_delivery(session(context).engine, delivery)
    if as_json:
        output.document(told)
    else:
        delivery_trail.tell(told)


@app.command()
def replay(  # noqa: PLR0913 - one for each option
    context: typer.Context,
    ids: Annotated[
        list[int] | None, typer.Argument(metavar="ID…", min=1, max=_LARGEST_ID, show_default=False)
    ] = None,
    *,
    status: Status = None,
    source: OfSource = None,
    connection: OfConnection = None,
    reason: Reason = None,
    since: Since = None,
    until: Until = None,
    key: Key = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say how many there are, and do nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Process settled deliveries once more: those of these ids, or all that the options name.

    In steps, in the order of receipt; stopped in the middle, the rest stays as it was.
    """
    current = session(context)
    wanted = _filter(current, status, source, connection, reason, since, until, key)
    if bool(ids) != wanted.is_all:
        raise BadInput("name deliveries, or all of a status, a source, … by the options; not both")
    if status == "pending":
        raise BadInput("pending deliveries are on their way already; there is nothing to replay")
    if ids:
        matching = _settled(current.engine, ids)
        replayed = 0 if dry_run else _those(current.engine, ids)
    else:
        with transaction(current.engine) as conn:
            matching, last = delivery_filter.count(conn, wanted)
        output.note(f"{matching:,} settled deliveries match")
        replayed = 0 if dry_run else _all_of(current.engine, wanted, matching, last)
    if replayed:
        current.ring()
    data = {"matching": matching, "replayed": replayed}
    output.record(data if dry_run else {"replayed": replayed}, as_json=as_json)


@app.command()
def discard(
    context: typer.Context,
    ids: Annotated[
        list[int] | None, typer.Argument(metavar="ID…", min=1, max=_LARGEST_ID, show_default=False)
    ] = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="Every dead delivery.")] = False,
    as_json: AsJson = False,
) -> None:
    """Say that dead deliveries need nothing any more: they are skipped, and deleted in their time.

    What is not dead stays as it is.
    """
    if bool(ids) == every:
        raise BadInput("name dead deliveries, or all of them with --all; not both")
    engine = session(context).engine
    with transaction(engine) as conn:
        _require_known(conn, ids or [])
    discarded = 0
    while True:
        with transaction(engine) as conn:
            step = queue_admin.discard(conn, None if every else ids)
        if not step:
            break
        discarded += step
    output.record({"discarded": discarded}, as_json=as_json)


@app.command()
def refused(context: typer.Context, *, limit: Limit = MANY, as_json: AsJson = False) -> None:
    """List messages of `ingest.enqueue` that were refused, the newest first; 1,000 are kept.

    Without their bodies: nobody's signature vouches for them.
    """
    with transaction(session(context).engine) as conn:
        found = refusals.listing(conn, limit=limit)
    output.rows(found, as_json=as_json, columns=_REFUSED, empty="No message was refused.")
    output.note_cut(found, limit)


def _filter(  # noqa: PLR0917 - one for each option
    current: Session,
    status: str | None,
    source: str | None,
    connection: str | None,
    reason: str | None,
    since: str | None,
    until: str | None,
    key: str | None,
) -> DeliveryFilter:
    if status is not None and status not in STATUSES:
        raise BadInput(f"{status[:40]!r} is not a status; they are {', '.join(STATUSES)}")
    if connection is not None:
        require_known(current, connection)
    return DeliveryFilter(
        status=status,
        source_type=source,
        connection_id=connection,
        reason=reason,
        since=times.given(since),
        until=times.given(until),
        key=key,
    )


def _settled(engine: sa.Engine, ids: list[int]) -> int:
    with transaction(engine) as conn:
        _require_known(conn, ids)
        return queue_admin.settled(conn, ids)


def _those(engine: sa.Engine, ids: list[int]) -> int:
    with transaction(engine) as conn:
        return queue_admin.replay(conn, ids)


def _require_known(conn: sa.Connection, ids: list[int]) -> None:
    missing = sorted(set(ids) - queue_admin.known(conn, ids))
    if missing:
        raise unknown_deliveries([str(one) for one in missing])


def _all_of(engine: sa.Engine, wanted: DeliveryFilter, matching: int, through: int) -> int:
    """Step by step, with a bar where a person looks on."""
    replayed, last = 0, 0
    console = Console(file=sys.stderr)
    with Progress(console=console, disable=not sys.stderr.isatty(), transient=True) as bar:
        task = bar.add_task("Replaying", total=matching)
        while True:
            with transaction(engine) as conn:
                count, last = delivery_filter.replay_step(conn, wanted, after=last, through=through)
            if not count:
                return replayed
            replayed += count
            bar.update(task, completed=replayed)
