"""`--create-webhook`, and `ingest source doctor`: what a provider is told of our route."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Annotated, Any

import typer

from ingest.cli import output
from ingest.cli.arguments import AsJson, ConnectionId
from ingest.cli.findings import tell_all
from ingest.cli.session import Session, session
from ingest.core.errors import BadInput, IngestError
from ingest.flows.connections.lifecycle import require_connected
from ingest.flows.doctor import (
    Finding,
    Surroundings,
    failed,
    fine,
    look_at_connections,
    look_at_one_subscription,
    note,
)
from ingest.flows.subscriptions.subscribe import (
    by_hand,
    create_subscription,
    is_subscribable,
    known_public_url,
    mend_subscription,
    require_subscribable,
)
from ingest.flows.subscriptions.urls import public_url, webhook_url
from ingest.sources.registry import source
from ingest.store import subscriptions
from ingest.store.connections import Connection
from ingest.store.engine import transaction

CreateWebhook = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="Have the provider send its webhooks here: this installation's public URL.",
    ),
]
PublicUrl = Annotated[
    str | None,
    typer.Option("--url", metavar="URL", help="This installation's public URL, to be kept."),
]


def public_of(told: str | None, source_type: str, *, has_token: bool) -> str | None:
    """The URL of `--create-webhook`; raises `BadInput` for none, and where a token is missing."""
    if told is None:
        return None
    require_subscribable(source_type, has_token=has_token)
    return public_url(told)


def subscribed(
    current: Session, source_type: str, connection_id: str, public: str | None
) -> dict[str, Any]:
    """Have the webhook made, or say what a person has to click; what to tell a script of it.

    Where the provider makes none, the connection stays, and `webhook_error` says why.
    """
    if public is None:
        return {}
    url = webhook_url(public, source_type, connection_id)
    told: dict[str, Any] = {"webhook_url": url, "webhook_id": None}
    if source(source_type).subscribe is None:
        with transaction(current.engine) as conn:
            subscriptions.remember(conn, connection_id, public)
        clicks = by_hand(source_type, url)
        output.note(f"Its provider makes no webhooks by API. By hand: {clicks}")
        return {**told, "webhook_by_hand": clicks}
    try:
        clients = current.program.clients
        made = create_subscription(current.engine, clients, connection_id, public)
    except IngestError as error:
        output.note(f"The source is connected, and its webhook is not made: {error}")
        output.note(f"Once that is mended: ingest source doctor {connection_id} --fix")
        return {**told, "webhook_error": str(error)}
    output.note(f"{source(source_type).descriptor.title} sends to {url}: {made.said}")
    return {**told, "webhook_id": made.id}


def doctor(
    context: typer.Context,
    connection_id: ConnectionId,
    *,
    fix: Annotated[
        bool, typer.Option("--fix", help="Have the provider put right what it can.")
    ] = False,
    url: PublicUrl = None,
    as_json: AsJson = False,
) -> None:
    """Ask the provider about the subscription: is it there, active, and sends what we need to us?

    Exit 1 where something failed, with what to do about it.
    """
    current = session(context)
    given = public_url(url) if url is not None else None
    with transaction(current.engine) as conn:
        connection = require_connected(conn, connection_id)
        if given is not None:
            subscriptions.remember(conn, connection_id, given)
    found = _findings(current, connection_id)
    if fix:
        found = chain((_fixed(current, connection),), found)
    tell_all(found, as_json=as_json)


def _findings(current: Session, connection_id: str) -> Iterator[Finding]:
    """As `ingest doctor` has them, of this one connection; it is read anew after a `--fix`."""
    parts = current.program
    around = Surroundings(parts.settings.webhook_secrets, parts.clients)
    yield from look_at_connections(parts.engine, around, connection_id)
    with transaction(parts.engine) as conn:
        connection = require_connected(conn, connection_id)
    yield from look_at_one_subscription(parts.engine, parts.clients, connection)
    parts.clients.close()


def _fixed(current: Session, connection: Connection) -> Finding:
    """What was put right, or what hinders that."""
    check = f"{connection.source_type} {connection.name!r}: fix"
    if not is_subscribable(connection):
        if source(connection.source_type).subscribe is None:
            return note(check, "its provider's API puts no webhook right")
        return failed(check, "it has no token, so nobody can be asked", "give one: --token-env VAR")
    public = known_public_url(current.engine, connection.id)
    if public is None:
        raise BadInput("where providers reach this installation is not known; give --url URL")
    try:
        clients = current.program.clients
        made = mend_subscription(current.engine, clients, connection.id, public)
    except IngestError as error:
        return failed(check, str(error), "mend what it names, and come again")
    return fine(check, made.said if made is not None else "there is nothing to put right")
