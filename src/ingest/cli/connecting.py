"""`ingest source connect` and `update`: what a connection is, and what it wants."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ingest.cli import durations, output
from ingest.cli.arguments import AsJson, ConnectionId, SourceType
from ingest.cli.connections_shown import tell
from ingest.cli.credentials_given import (
    Token,
    WebhookSecret,
    given_secrets,
    note_backfill,
    replace_given,
)
from ingest.cli.files import json_object
from ingest.cli.session import Session, session
from ingest.cli.subscribing import CreateWebhook, public_of, subscribed
from ingest.core.errors import BadInput
from ingest.core.queues import PLAN_EVERY_S, SYNC_QUEUE
from ingest.flows.connections.connect import connect_source
from ingest.flows.connections.credentials import check_secrets
from ingest.flows.connections.filters import given_filters
from ingest.flows.connections.lifecycle import require_connected
from ingest.flows.subscriptions.urls import route_of
from ingest.flows.syncs.changing import SourceChange, begin_backfill, change_source
from ingest.sources.contract import Descriptor
from ingest.sources.registry import source
from ingest.store import credentials
from ingest.store.engine import transaction

_LONGEST_S = 366 * 86_400

Filters = Annotated[
    list[str] | None,
    typer.Option(
        "--filter",
        metavar="NAME=VALUE",
        help="What is wanted of it, as include='docs/**' or team=ID; may be repeated. Without a "
        "value all is.",
    ),
]

NewName = Annotated[str | None, typer.Option(metavar="NAME", help="Another name.")]
Overlay = Annotated[
    str | None,
    typer.Option(
        metavar="JSON|@FILE", help="Fields to be laid over the metadata; null takes one away."
    ),
]
AddStore = Annotated[
    list[str] | None,
    typer.Option(metavar="ID", help="A store that it is to feed too; may be repeated."),
]
RemoveStore = Annotated[
    list[str] | None,
    typer.Option(
        metavar="ID", help="A store that it is to feed no longer; what only it fed there goes."
    ),
]
Every = Annotated[
    str | None,
    typer.Option(metavar="T", help="Between two runs: 15m, 1h; 0s for the source's own."),
]
FullEvery = Annotated[
    str | None,
    typer.Option(metavar="T", help="Between two that list all: 1d; 0s for the source's own."),
]


def connect(  # noqa: PLR0913 - each option is one
    context: typer.Context,
    source_type: SourceType,
    *,
    store: Annotated[
        list[str], typer.Option(metavar="ID", help="A store that it feeds; may be repeated.")
    ],
    name: Annotated[str, typer.Option(metavar="NAME", help="A name for people.")],
    metadata: Annotated[
        str, typer.Option(metavar="JSON|@FILE", help="What is connected, in the source's terms.")
    ],
    filters: Filters = None,
    webhook_secret_env: WebhookSecret = None,
    token_env: Token = None,
    create_webhook: CreateWebhook = None,
    backfill: Annotated[
        bool, typer.Option(help="Fetch what is there already, where there is a token.")
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Connect a source to stores, print the connection's id, and fetch what is there already."""
    current = session(context)
    descriptor = source(source_type).descriptor
    secrets = given_secrets(current, webhook_secret_env, token_env)
    has_token = credentials.API_TOKEN in secrets
    public = public_of(create_webhook, source_type, has_token=has_token)
    told = {**json_object(metadata, what="--metadata"), **given_filters(descriptor, filters or ())}
    created = connect_source(
        current.engine,
        descriptor,
        name=name,
        metadata=told,
        store_ids=list(dict.fromkeys(store)),
        secrets=secrets,
        vault=current.program.vault if secrets else None,
        reach=current.program.reach,
    )
    webhook = subscribed(current, source_type, created, public)
    run = begin_backfill(current.engine, created) if backfill else None
    if run is not None:
        current.ring(SYNC_QUEUE)
    made = {"id": created, "source_type": source_type, "route": route_of(source_type, created)}
    _tell_connected(descriptor, {**made, "backfill": run, **webhook}, as_json=as_json)
    if backfill and credentials.API_TOKEN not in secrets and source(source_type).listing:
        _tell_of_no_token(created)
    if credentials.WEBHOOK_SECRET not in secrets and (not webhook or "webhook_by_hand" in webhook):
        _tell_of_secrets(descriptor, created)
    if webhook.get("webhook_error"):
        raise typer.Exit(1)


def _tell_connected(descriptor: Descriptor, told: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        output.document(told)
    else:
        output.line(told["id"])
        output.note(f"{descriptor.title} may send its webhooks to {told['route']}")
    run = told["backfill"]
    if run is not None:
        note_backfill(run)


def _tell_of_no_token(created: str) -> None:
    output.note("It has no API token, so what is there already is not fetched; give it one:")
    output.note(f"ingest source credentials {created} --token-env VAR")


def _tell_of_secrets(descriptor: Descriptor, created: str) -> None:
    """What is still to be done about a route that can verify nothing yet."""
    if descriptor.verification_token is not None:
        output.note(f"It waits 15 minutes for {descriptor.title}'s verification token there; then:")
        output.note(f"ingest source verification {created}")
    else:
        output.note("It has no webhook secret of its own: that route refuses every request.")


def update(  # noqa: PLR0913 - each option is one
    context: typer.Context,
    connection_id: ConnectionId,
    *,
    name: NewName = None,
    metadata: Overlay = None,
    filters: Filters = None,
    add_store: AddStore = None,
    remove_store: RemoveStore = None,
    token_env: Token = None,
    sync_every: Every = None,
    full_sync_every: FullEvery = None,
    as_json: AsJson = False,
) -> None:
    """Change what a connection wants, its name, stores, token, or how often it is synced.

    A filter that changed is seen to at once: what left it loses this feed, what entered is fetched.
    A new store is filled with what there is, where there is a token; of one that is removed goes
    what nobody else feeds there. The last one stays: that is to disconnect.
    """
    stores = (add_store, remove_store)
    given = (name, metadata, filters, *stores, token_env, sync_every, full_sync_every)
    if all(one is None for one in given):
        raise BadInput("nothing to change; see: ingest source update --help")
    current = session(context)
    secrets = given_secrets(current, None, token_env)
    descriptor = _descriptor(current, connection_id)
    check_secrets(descriptor, secrets)  # one that cannot work leaves all as it was
    told = json_object(metadata, what="--metadata") if metadata is not None else {}
    told |= given_filters(descriptor, filters or ())
    change = SourceChange(
        name=name,
        metadata=told or None,
        every_s=_seconds(sync_every),
        full_every_s=_seconds(full_sync_every),
        add_stores=add_store or (),
        remove_stores=remove_store or (),
    )
    run = change_source(current.engine, connection_id, change, current.program.reach)
    if secrets:
        replace_given(current, connection_id, secrets)
    _ring_and_tell(current, connection_id, run, is_fed=bool(add_store))
    tell(current, connection_id, as_json=as_json)


def _ring_and_tell(current: Session, connection_id: str, run: int | None, *, is_fed: bool) -> None:
    if run is not None:
        current.ring(SYNC_QUEUE)
        output.note(f"What left the filter is let go, what entered fetched, by sync run {run}")
    elif is_fed:
        output.note("Without an API token a new store gets what comes from now on. What is kept of")
        output.note(f"the past: ingest reprocess --what deliveries --connection {connection_id}")


def _descriptor(current: Session, connection_id: str) -> Descriptor:
    with transaction(current.engine) as conn:
        return source(require_connected(conn, connection_id).source_type).descriptor


def _seconds(told: str | None) -> int | None:
    if told is None:
        return None
    span_s = round(durations.seconds(told))
    if span_s and not PLAN_EVERY_S <= span_s <= _LONGEST_S:
        raise BadInput(
            f"{told!r} is no time between two runs; give {PLAN_EVERY_S:.0f}s to 366d, or 0s for "
            "what the source has"
        )
    return span_s
