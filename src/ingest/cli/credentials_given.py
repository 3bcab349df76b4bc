"""Secrets that commands are given: by the name of a variable, never as an argument."""

from __future__ import annotations

from typing import Annotated

import typer

from ingest.cli import output
from ingest.cli.session import Session
from ingest.flows.connections.credentials import replace_credentials
from ingest.flows.syncs.changing import begin_first
from ingest.store import connections, credentials
from ingest.store.engine import transaction

WebhookSecret = Annotated[
    str | None, typer.Option(metavar="VAR", help="The variable with the webhook's secret.")
]
Token = Annotated[
    str | None,
    typer.Option(
        metavar="VAR", help="The variable with the API token, or the JSON that one is made from."
    ),
]


def given_secrets(current: Session, webhook: str | None, token: str | None) -> dict[str, str]:
    """The secrets of these variables, by kind; raises `BadInput` for a variable that is not set."""
    named = {credentials.WEBHOOK_SECRET: webhook, credentials.API_TOKEN: token}
    return {kind: current.secret(name) for kind, name in named.items() if name is not None}


def replace_given(current: Session, connection_id: str, secrets: dict[str, str]) -> None:
    """Give a connection its new secrets, and say what is due by that.

    With its first token begins what a connection that has one begins with.
    """
    vault = current.program.vault
    had_token = _has_token(current, connection_id)
    due = replace_credentials(current.engine, connection_id, secrets, vault)
    run = None if had_token else begin_first(current.engine, connection_id)
    current.ring()
    output.note(f"{due} waiting deliveries are due now")
    if run is not None:
        note_backfill(run)


def note_backfill(run: int) -> None:
    """Say that what stood there before is on its way."""
    output.note(f"What is there already is fetched by run {run}: ingest sync show {run}")


def _has_token(current: Session, connection_id: str) -> bool:
    with transaction(current.engine) as conn:
        found = connections.by_id(conn, [connection_id]).get(connection_id)
    return found is not None and found.has_token
