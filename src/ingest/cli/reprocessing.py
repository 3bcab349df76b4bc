"""`ingest reprocess`: make anew what is stored, and look at the runs that do it."""

from __future__ import annotations

import time
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import orjson
import typer

from ingest.cli import output
from ingest.cli.arguments import AsJson, Limit, OfSource, OfStore
from ingest.cli.durations import seconds
from ingest.cli.session import Session, session
from ingest.cli.starting import START, StartsWithoutAName
from ingest.core.errors import BadInput, TransientError
from ingest.core.queues import INGEST_QUEUE, REPROCESS_BELL
from ingest.core.times import parse_time
from ingest.flows.reprocess.asked import FROM_TEXT, WHAT, ReprocessRequest, in_order
from ingest.flows.reprocess.drain import Drain
from ingest.flows.reprocess.request import UNKNOWN, cancel_run, has_ended, request_run
from ingest.flows.reprocess.trial import try_out
from ingest.store import reprocess_runs
from ingest.store.engine import transaction
from ingest.store.reprocessing import Within

_LARGEST_ID = 2**63 - 1
_COLUMNS = ("id", "what", "scope", "state", "counts", "asked_by", "started_at", "finished_at")
LOOKS_EVERY_S, LINE_EVERY_S = 0.5, 2.0


app = typer.Typer(
    cls=StartsWithoutAName,
    help="Make anew what is stored: chunks and references from stored text, or from raw "
    "deliveries.",
)

RunId = Annotated[int, typer.Argument(metavar="RUN", min=1, max=_LARGEST_ID)]
When = Annotated[
    str | None, typer.Option(metavar="TIME", help="ISO 8601, or a span before now: 24h, 7d.")
]


@app.command(START)
def start(  # noqa: PLR0913 - each option is one
    context: typer.Context,
    *,
    what: Annotated[
        list[str] | None,
        typer.Option(metavar="WHAT", help=f"{', '.join(WHAT)}; chunks and references by default."),
    ] = None,
    store: OfStore = None,
    source: OfSource = None,
    connection: Annotated[
        str | None, typer.Option(metavar="ID", help="Of this connection.")
    ] = None,
    kind: Annotated[
        str | None, typer.Option(metavar="KIND", help="Documents of this kind: issue, file, …")
    ] = None,
    since: When = None,
    until: When = None,
    resync: Annotated[
        bool,
        typer.Option(
            "--resync", help="Have providers tell once more what cannot be made of what is stored."
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would change, and write nothing.")
    ] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Show how it goes on, to its end.")] = False,
    here: Annotated[
        bool, typer.Option("--here", help="Do it in this process too, to its end.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make anew what is stored: `ingest reprocess`, without the word `start`.

    Chunks are cut as the store wants them now, references read by the code and the owners of now;
    --what deliveries has raw deliveries processed once more. What is as it should be is not
    written. Exit 1 where the run that is waited for fails. With --json, how it goes on is JSON
    lines on stderr.
    """
    within = Within(store, source, connection, kind, _time(since), _time(until))
    wanted = ReprocessRequest(in_order(_words(what)) or FROM_TEXT, within, resync)
    current = session(context)
    if dry_run:
        _try(current, wanted, as_json=as_json)
    else:
        _run(current, wanted, wait=wait or here, here=here, as_json=as_json)


@app.command("list")
def list_(context: typer.Context, *, limit: Limit = 50, as_json: AsJson = False) -> None:
    """List runs, the newest first."""
    with transaction(session(context).engine) as conn:
        found = reprocess_runs.listing(conn, limit=limit)
    empty = "Nothing was made anew yet; see: ingest reprocess --help"
    output.rows(found, as_json=as_json, columns=_COLUMNS, empty=empty)
    output.note_cut(found, limit)


@app.command()
def show(context: typer.Context, run_id: RunId, *, as_json: AsJson = False) -> None:
    """Show one run: what it is about, what it came to, and what could not be made."""
    output.record(_shown(session(context), run_id), as_json=as_json)


@app.command()
def cancel(context: typer.Context, run_id: RunId, *, as_json: AsJson = False) -> None:
    """End a run; what it has made stays."""
    current = session(context)
    cancel_run(current.engine, run_id)
    output.record(_shown(current, run_id), as_json=as_json)


def _run(
    current: Session, wanted: ReprocessRequest, *, wait: bool, here: bool, as_json: bool
) -> None:
    run = request_run(current.engine, wanted)
    current.ring(REPROCESS_BELL)
    if here:
        _work(current, run)
    if wait:
        _watch(current, run, as_json=as_json)
    found = _shown(current, run)
    output.record(found, as_json=as_json)
    if not wait:
        output.note(f"See how it goes: ingest reprocess show {run}")
    elif found["state"] != reprocess_runs.DONE:
        raise TransientError(f"reprocess run {run} is {found['state']}: {found['reason']}")


def _words(what: Collection[str] | None) -> list[str]:
    """Each may name several, with commas."""
    return [word.strip() for one in what or () for word in one.split(",") if word.strip()]


def _time(told: str | None) -> datetime | None:
    if told is None:
        return None
    try:
        return parse_time(told)
    except ValueError:
        return datetime.now(UTC) - timedelta(seconds=seconds(told))


def _try(current: Session, asked: ReprocessRequest, *, as_json: bool) -> None:
    found = try_out(current.engine, asked, api_urls=current.program.settings.api_urls)
    told = {
        "what": list(asked.what),
        "scope": asked.scope,
        "deliveries": found.deliveries,
        "documents": found.documents,
        "changes": found.changes,
        "unmade": found.unmade,
    }
    output.record(told, as_json=as_json)


def _work(current: Session, run: int) -> None:
    """Whoever else works at it has it first; what it leaves is done here."""

    def goes_on() -> bool:
        return not has_ended(_shown(current, run)["state"])

    settings = current.program.settings
    Drain(
        current.engine,
        goes_on,
        on_replayed=lambda: current.ring(INGEST_QUEUE),
        api_urls=settings.api_urls,
        lease_s=settings.lease_s,
    ).run(only=run)


def _watch(current: Session, run: int, *, as_json: bool) -> None:
    shown_at = 0.0
    try:
        while True:
            found = _shown(current, run)
            ended = has_ended(found["state"])
            if ended or time.monotonic() - shown_at >= LINE_EVERY_S:
                shown_at = time.monotonic()
                output.note(_progress(found, as_json=as_json))
            if ended:
                return
            time.sleep(LOOKS_EVERY_S)
    except KeyboardInterrupt:
        output.note(f"Run {run} goes on; see: ingest reprocess show {run}")
        raise


def _progress(found: dict[str, Any], *, as_json: bool) -> str:
    """How far a run is, in a line."""
    summed: dict[str, int] = {}
    for told in found["counts"].values():
        for name, count in told.items():
            summed[name] = summed.get(name, 0) + count
    if as_json:
        return orjson.dumps({"run": found["id"], "state": found["state"], **summed}).decode()
    said = ", ".join(f"{count:,} {name}" for name, count in summed.items()) or "nothing yet"
    waits = f", after: {found['last_error']}" if found["last_error"] else ""
    return f"{found['state']}: {said}{waits}"


def _shown(current: Session, run_id: int) -> dict[str, Any]:
    with transaction(current.engine, durable=False) as conn:
        found = reprocess_runs.show(conn, run_id)
    if found is None:
        raise BadInput(UNKNOWN.format(id=run_id))
    return found
