"""`ingest enqueue` and `ingest drain`: into the queue by hand, and wait until it is empty."""

from __future__ import annotations

import time
from dataclasses import dataclass
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
from ingest.store import deliveries, lookup_admin, queue_admin
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
    left = _left(current.engine)
    while left.anything and (left_s := until - time.monotonic()) > 0:
        if left.is_due:
            current.ring()
        time.sleep(min(_PAUSE_S, left_s))
        left = _left(current.engine)
    if not left.anything:
        _settle(current.engine, until)
    output.record({"unfinished": left.deliveries, "look_ups": left.look_ups}, as_json=as_json)
    if left.anything:
        because = f" ({left.error})" if left.error else "; is a worker running?"
        asking = f" and {left.look_ups} look-ups" if left.look_ups else ""
        raise TransientError(
            f"{left.deliveries} deliveries{asking} are unfinished after {timeout:g} s{because}"
        )


@dataclass(frozen=True, slots=True)
class _Left:
    """What is unfinished; `is_due` says that a worker could take a delivery now."""

    deliveries: int
    look_ups: int
    is_due: bool
    error: str | None

    @property
    def anything(self) -> bool:
        return bool(self.deliveries or self.look_ups)


def _left(engine: sa.Engine) -> _Left:
    with transaction(engine) as conn:
        waiting, error = queue_admin.unfinished(conn)
        is_due = deliveries.anything_due(conn)
        asked, refusal = lookup_admin.unfinished(conn)
    return _Left(waiting, asked, is_due, refusal or error)


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
