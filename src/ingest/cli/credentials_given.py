"""Secrets that commands are given: by the name of a variable, never as an argument."""

from __future__ import annotations

from typing import Annotated

import typer

from ingest.cli import output
from ingest.cli.session import Session
from ingest.flows.connections.credentials import replace_credentials
from ingest.store import credentials

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
    """Give a connection its new secrets, and say what is due by that."""
    vault = current.program.vault
    due = replace_credentials(current.engine, connection_id, secrets, vault)
    current.ring()
    output.note(f"{due} waiting deliveries are due now")
