"""`ingest enqueue` and `ingest drain`: into the queue by hand, and wait until it is empty."""

from __future__ import annotations

import time
from typing import Annotated

import sqlalchemy as sa
import structlog
import typer

from ingest.cli import output
from ingest.cli.arguments import AsJson, SourceType
from ingest.cli.files import json_object, read_bytes
from ingest.cli.session import session
from ingest.core.errors import BadInput, TransientError
from ingest.flows import sweep
from ingest.flows.documents.bind import bind_pending
from ingest.store import deliveries, lookups, queue_admin
from ingest.store.engine import transaction

log = structlog.get_logger(__name__)

DRAIN_TIMEOUT_S = 300.0
_PAUSE_S = 0.1


def enqueue(
    context: typer.Context,
    source_type: SourceType,
    *,
    headers: Annotated[str, typer.Option(metavar="@FILE", help="A JSON object of the headers.")],
    body: Annotated[str, typer.Option(metavar="@FILE", help="The raw body; @- reads stdin.")],
    connection: Annotated[
        str | None, typer.Option(metavar="ID", help="Verify with this connection's own secret.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Verify and store one delivery, as if it had come over HTTP."""
    told = json_object(headers, what="--headers")
    wrong = [name for name, value in told.items() if not isinstance(value, str)]
    if wrong:
        raise BadInput(f"header {wrong[0]} is not a text; write a JSON object of texts")
    texts = {name: str(value) for name, value in told.items()}
    answer = session(context).enqueue(source_type, texts, read_bytes(body), connection)
    output.record({"delivery": answer.id, "status": answer.status}, as_json=as_json)


def drain(
    context: typer.Context,
    *,
    timeout: Annotated[
        float, typer.Option(min=0, metavar="S", help="Seconds to wait.")
    ] = DRAIN_TIMEOUT_S,
    as_json: AsJson = False,
) -> None:
    """Wait until no delivery and no look-up is unfinished; exit 1 on time-out."""
    current = session(context)
    until = time.monotonic() + timeout
    while True:
        with transaction(current.engine) as conn:
            waiting, error = queue_admin.unfinished(conn)
            due = deliveries.anything_due(conn)
            asked, refusal = lookups.unfinished(conn)
        left = until - time.monotonic()
        if not (waiting or asked) or left <= 0:
            break
        if due:
            current.ring()
        time.sleep(min(_PAUSE_S, left))
    if not waiting and not asked:
        _settle(current.engine, until)
    output.record({"unfinished": waiting, "look_ups": asked}, as_json=as_json)
    if waiting or asked:
        because = f" ({refusal or error})" if refusal or error else "; is a worker running?"
        asking = f" and {asked} look-ups" if asked else ""
        raise TransientError(
            f"{waiting} deliveries{asking} are unfinished after {timeout:g} s{because}"
        )


def _settle(engine: sa.Engine, until: float) -> None:
    """What lags behind the last delivery: references to late targets, document counts."""
    bind_pending(engine)
    while True:
        sweep.settle_counts(engine)
        with transaction(engine) as conn:
            if not queue_admin.count_marks(conn):
                return
        if time.monotonic() > until:
            log.warning("counts_behind")
            return
        time.sleep(_PAUSE_S)
