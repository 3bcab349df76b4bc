"""`ingest sync`: have a provider listed, and look at the runs that do it."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ingest.cli import output
from ingest.cli.arguments import AsJson, Limit
from ingest.cli.connections_shown import require_known
from ingest.cli.session import Session, session
from ingest.cli.starting import START, StartsWithoutAName
from ingest.cli.watching_syncs import watch
from ingest.core.errors import BadInput, TransientError
from ingest.core.queues import SYNC_QUEUE
from ingest.flows.syncs.control import UNKNOWN, cancel_run, confirm_run, sync_connection
from ingest.flows.syncs.hindrance import waits_for
from ingest.flows.syncs.request import Kind
from ingest.store import sync_runs
from ingest.store.engine import transaction

_LARGEST_ID = 2**63 - 1
_COLUMNS = (
    "id",
    "source_type",
    "name",
    "kind",
    "state",
    "asked_by",
    "seen",
    "changed",
    "deleted",
    "errors",
    "started_at",
    "finished_at",
)


app = typer.Typer(
    cls=StartsWithoutAName,
    help="Sync runs: what a webhook missed comes back. `ingest sync CONNECTION` begins one.",
    no_args_is_help=True,
)

RunId = Annotated[int, typer.Argument(metavar="RUN", min=1, max=_LARGEST_ID)]


@app.command(START)
def start(
    context: typer.Context,
    connection_id: Annotated[
        str | None, typer.Argument(metavar="CONNECTION", help="The connection's id.")
    ] = None,
    *,
    full: Annotated[
        bool, typer.Option("--full", help="List everything, and prune what is gone.")
    ] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Show how it goes on, to its end.")] = False,
    confirm: Annotated[
        int | None,
        typer.Option(
            metavar="RUN",
            min=1,
            max=_LARGEST_ID,
            help="Let a stopped run take away what its plan names, instead.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Have a connection's provider listed: `ingest sync CONNECTION`, without the word `start`.

    Incremental unless --full: what moved since the last run. Exit 1 where the run that --wait
    waits for fails or stops. With --json, how it goes on is JSON lines on stderr.
    """
    if (connection_id is None) == (confirm is None):
        raise BadInput("name a connection to be synced, or a stopped run with --confirm; not both")
    current = session(context)
    run = _begun(current, connection_id, confirm, full=full)
    current.ring(SYNC_QUEUE)
    if wait:
        _watch(current, run, as_json=as_json)
    found = _shown(current, run)
    output.record(found if wait else _short(found), as_json=as_json)
    if wait and found["state"] != sync_runs.DONE:
        raise TransientError(f"sync run {run} is {found['state']}: {found['reason']}")
    if not wait:
        output.note(f"See how it goes: ingest sync show {run}")
        _note_hindrance(current, run)


@app.command("list")
def list_(
    context: typer.Context,
    *,
    connection: Annotated[
        str | None, typer.Option(metavar="ID", help="Of this connection.")
    ] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List runs, the newest first."""
    current = session(context)
    if connection is not None:
        require_known(current, connection)
    with transaction(current.engine) as conn:
        found = sync_runs.listing(conn, connection, limit=limit)
    empty = "Nothing was synced yet; see: ingest sync --help"
    output.rows(found, as_json=as_json, columns=_COLUMNS, empty=empty)
    output.note_cut(found, limit)


@app.command()
def show(context: typer.Context, run_id: RunId, *, as_json: AsJson = False) -> None:
    """Show one run: its lists, what it counted, what it waits for, what it would take away."""
    current = session(context)
    found = _shown(current, run_id)
    with transaction(current.engine) as conn:
        hindrance = waits_for(conn, run_id)
    output.record({**found, "waits_for": hindrance}, as_json=as_json)


@app.command()
def cancel(context: typer.Context, run_id: RunId, *, as_json: AsJson = False) -> None:
    """End a run; what it applied stays, and the next one lists it all again."""
    current = session(context)
    cancel_run(current.engine, run_id)
    current.ring(SYNC_QUEUE)
    output.record(_short(_shown(current, run_id)), as_json=as_json)


def _watch(current: Session, run: int, *, as_json: bool) -> None:
    try:
        watch(current.engine, run, as_json=as_json)
    except KeyboardInterrupt:
        output.note(f"Run {run} goes on; see: ingest sync show {run}; ingest sync cancel {run}")
        raise


def _note_hindrance(current: Session, run: int) -> None:
    with transaction(current.engine) as conn:
        hindrance = waits_for(conn, run)
    if hindrance is not None:
        output.note(f"It waits for {hindrance}")


def _begun(current: Session, connection_id: str | None, confirm: int | None, *, full: bool) -> int:
    if confirm is not None and full:
        raise BadInput("a stopped run that is confirmed goes on as it is; leave --full out")
    if confirm is not None:
        confirm_run(current.engine, confirm)
        return confirm
    kind: Kind = "full" if full else "incremental"
    return sync_connection(current.engine, connection_id or "", kind=kind, asked_by="a person")


def _shown(current: Session, run_id: int) -> dict[str, Any]:
    with transaction(current.engine) as conn:
        found = sync_runs.show(conn, run_id)
    if found is None:
        raise BadInput(UNKNOWN.format(id=run_id))
    return found


def _short(found: dict[str, Any]) -> dict[str, Any]:
    return {name: found[name] for name in (*_COLUMNS, "reason")}
