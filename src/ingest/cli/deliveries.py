"""`ingest deliveries`: what providers sent, what became of it, and once more from the start."""

from __future__ import annotations

from typing import Annotated, Any

import sqlalchemy as sa
import typer

from ingest.cli import output
from ingest.cli.arguments import MANY, AsJson, Limit, OfSource
from ingest.cli.session import session
from ingest.core.errors import BadInput
from ingest.store import queue_admin, refusals
from ingest.store.engine import transaction
from ingest.store.queue_admin import STATUSES

app = typer.Typer(help="Raw deliveries: the queue and its past.", no_args_is_help=True)

Status = Annotated[str | None, typer.Option(metavar="S", help=f"One of {', '.join(STATUSES)}.")]
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
def list_(
    context: typer.Context,
    *,
    status: Status = None,
    source: OfSource = None,
    limit: Limit = MANY,
    as_json: AsJson = False,
) -> None:
    """List deliveries, the newest first."""
    _require_status(status)
    with transaction(session(context).engine) as conn:
        found = queue_admin.listing(conn, status=status, source_type=source, limit=limit)
    output.rows(found, as_json=as_json, columns=_COLUMNS, empty="There is no such delivery.")
    output.note_cut(found, limit)


@app.command()
def show(
    context: typer.Context,
    delivery_id: Annotated[int, typer.Argument(metavar="ID", min=1, max=_LARGEST_ID)],
    *,
    as_json: AsJson = False,
) -> None:
    """Show one delivery, with its kept headers and its body."""
    with transaction(session(context).engine) as conn:
        found = queue_admin.show(conn, delivery_id)
    if found is None:
        raise _unknown([delivery_id])
    output.record(found, as_json=as_json)


@app.command()
def replay(
    context: typer.Context,
    ids: Annotated[
        list[int] | None, typer.Argument(metavar="ID…", min=1, max=_LARGEST_ID, show_default=False)
    ] = None,
    *,
    status: Status = None,
    as_json: AsJson = False,
) -> None:
    """Process settled deliveries once more: those of these ids, or all of a status."""
    if bool(ids) == (status is not None):
        raise BadInput("name deliveries, or all of a status with --status; not both")
    _require_status(status)
    if status == "pending":
        raise BadInput("pending deliveries are on their way already; there is nothing to replay")
    current = session(context)
    replayed = _all_of(current.engine, status) if status else _those(current.engine, ids or [])
    current.ring()
    data: dict[str, Any] = {"replayed": replayed}
    output.record(data, as_json=as_json)


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


def _those(engine: sa.Engine, ids: list[int]) -> int:
    with transaction(engine) as conn:
        _require_known(conn, ids)
        return queue_admin.replay(conn, ids)


def _require_known(conn: sa.Connection, ids: list[int]) -> None:
    missing = sorted(set(ids) - queue_admin.known(conn, ids))
    if missing:
        raise _unknown(missing)


def _all_of(engine: sa.Engine, status: str) -> int:
    replayed, last = 0, 0
    while True:
        with transaction(engine) as conn:
            count, last = queue_admin.replay_status(conn, status, after=last)
        if not count:
            return replayed
        replayed += count


def _require_status(status: str | None) -> None:
    if status is not None and status not in STATUSES:
        raise BadInput(f"{status[:40]!r} is not a status; they are {', '.join(STATUSES)}")


def _unknown(ids: list[int]) -> BadInput:
    named = ", ".join(map(str, ids[:10]))
    return BadInput(
        f"there is no delivery {named} (any more: settled ones are deleted after their time, see "
        "`ingest db size`); `ingest deliveries list` names those there are"
    )
