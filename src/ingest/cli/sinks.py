"""`ingest changes sink`: where the change feed is pushed to."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer

from ingest.cli import output
from ingest.cli.arguments import AsJson, OfSources
from ingest.cli.session import session
from ingest.cli.stores_named import require_stores
from ingest.core.errors import BadInput, Unavailable
from ingest.sinks import making
from ingest.sinks.adding import WantedSink, add_sink, no_sink, remove_sink
from ingest.sinks.rotating import begin_rotation, end_rotation
from ingest.store import change_consumers, change_sinks
from ingest.store.change_sinks import Sink, SinkShown
from ingest.store.engine import transaction
from ingest.wiring import Program

app = typer.Typer(help="Where the change feed is pushed to.", no_args_is_help=True)

_COLUMNS = ("name", "kind", "target", "state", "behind", "delivered", "delivered_at", "problem")
Name = Annotated[str, typer.Argument(help="The sink's name, which is its consumer's.")]
Stream = Annotated[
    str | None, typer.Option(metavar="STREAM", help="Append to this stream of Redis.")
]
Task = Annotated[
    str | None, typer.Option(metavar="TASK", help="Call this Celery task, by its name.")
]
Url = Annotated[str | None, typer.Option(metavar="URL", help="Post to this URL, signed.")]
UrlVariable = Annotated[
    str | None,
    typer.Option(metavar="VAR", help="The variable with the URL, where that is a secret."),
]
SecretVariable = Annotated[
    str | None,
    typer.Option(metavar="VAR", help="The variable with the webhook's secret, whsec_…"),
]
Queue = Annotated[str | None, typer.Option(help="The Celery task's queue; `celery` unless told.")]
Most = Annotated[
    int | None,
    typer.Option(min=1, help="The stream keeps about so many entries; 100,000 unless told."),
]
BrokerVariable = Annotated[
    str | None,
    typer.Option(metavar="VAR", help="The variable with the URL of another Redis or broker."),
]
Stores = Annotated[
    list[str] | None, typer.Option("--store", metavar="ID", help="Of this store; repeatable.")
]


@app.callback()
def sink() -> None:
    """Where the change feed is pushed to."""


@app.command()
def add(  # noqa: PLR0913 - each option is one
    context: typer.Context,
    name: Name,
    *,
    redis_stream: Stream = None,
    celery_task: Task = None,
    webhook: Url = None,
    webhook_env: UrlVariable = None,
    secret_env: SecretVariable = None,
    queue: Queue = None,
    max_entries: Most = None,
    url_env: BrokerVariable = None,
    store: Stores = None,
    source: OfSources = None,
    as_json: AsJson = False,
) -> None:
    """Push changes somewhere, from a snapshot of what stands on.

    Of all stores and sources unless some are named. A `syncer` pushes, at least once, in order.
    """
    if webhook is not None and webhook_env is not None:
        raise BadInput("--webhook and --webhook-env both name the URL: give one of them")
    current = session(context)
    with transaction(current.engine) as conn:
        require_stores(conn, store or ())
    wanted = WantedSink(
        name,
        stream=redis_stream,
        task=celery_task,
        webhook=webhook if webhook_env is None else current.secret(webhook_env),
        queue=queue,
        most=max_entries,
        url=None if url_env is None else current.secret(url_env),
        secret=None if secret_env is None else current.secret(secret_env),
        stores=store or None,
        source_types=source or None,
    )
    parts = current.program
    made = add_sink(
        current.engine, parts.vault, wanted, try_out=lambda sink: _require_makeable(parts, sink)
    )
    output.record({"name": made.name, "kind": made.kind, "target": made.target}, as_json=as_json)


def _require_makeable(parts: Program, sink: Sink) -> None:
    """Raise `BadSettings` where it could never be sent to."""
    with suppress(Unavailable):  # the services of `ingest up` are not up: they are found then
        making.make(parts, sink).close()


@app.command("list")
def list_sinks(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Every sink, how far it is behind, and what is wrong with it."""
    with transaction(session(context).engine) as conn:
        found = change_sinks.show(conn)
        behind = {one.name: one for one in change_consumers.show(conn)}
    rows = [
        {
            **asdict(one),
            "state": _state(one),
            "behind": behind[one.name].behind if one.name in behind else None,
            "position": behind[one.name].position if one.name in behind else None,
        }
        for one in found
    ]
    output.rows(rows, as_json=as_json, columns=_COLUMNS, empty="There are no sinks.")


@app.command()
def pause(context: typer.Context, name: Name) -> None:
    """Push nothing more until `resume`; the sink keeps its place."""
    with transaction(session(context).engine) as conn:
        if not change_sinks.pause(conn, name):
            raise no_sink(name)


@app.command()
def resume(
    context: typer.Context,
    name: Name,
    *,
    snapshot: Annotated[
        bool, typer.Option("--snapshot", help="Begin anew, with a snapshot of what stands.")
    ] = False,
) -> None:
    """Push again, at once: what was paused, ended, or waits to be tried again."""
    with transaction(session(context).engine) as conn:
        if not change_sinks.resume(conn, name, anew=snapshot):
            raise no_sink(name)
        if snapshot:
            change_consumers.restart(conn, name)


@app.command()
def rotate(
    context: typer.Context,
    name: Name,
    *,
    secret_env: SecretVariable = None,
    end: Annotated[
        bool, typer.Option("--end", help="The newer secret alone signs; the one before is gone.")
    ] = False,
) -> None:
    """Change a webhook's secret: with --secret-env both sign, until --end.

    In between let the receiver know the newer one, and forget the one before.
    """
    if end is (secret_env is not None):
        raise BadInput("give --secret-env VAR to begin, or --end when the receiver knows both")
    current = session(context)
    engine, vault = current.engine, current.program.vault
    if secret_env is None:
        end_rotation(engine, vault, name)
    else:
        begin_rotation(engine, vault, name, current.secret(secret_env), now=datetime.now(UTC))


@app.command()
def remove(context: typer.Context, name: Name) -> None:
    """Forget a sink, its secret and its place."""
    remove_sink(session(context).engine, name)


def _state(one: SinkShown) -> str:
    if one.paused:
        return "paused"
    if one.attempts:
        return f"failing ({one.attempts})"
    return "pushing" if one.is_pushed else "waiting"
