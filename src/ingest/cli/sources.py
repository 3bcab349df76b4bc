"""`ingest source`: connections to providers. Secrets come from the environment and never go out."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from ingest import skeleton
from ingest.cli import durations, output
from ingest.cli.arguments import AsJson, ConnectionId
from ingest.cli.connecting import connect, update
from ingest.cli.connections_shown import COLUMNS, is_disconnected, require_known, tell
from ingest.cli.credentials_given import (
    Token,
    WebhookSecret,
    given_secrets,
    note_backfill,
    replace_given,
)
from ingest.cli.erasing import Yes, require_yes
from ingest.cli.session import Session, session
from ingest.cli.subscribing import doctor
from ingest.core.errors import BadInput
from ingest.core.queues import SYNC_QUEUE
from ingest.flows.connections.credentials import (
    expire_other_secrets,
    list_secrets,
    retire_secret,
)
from ingest.flows.connections.erase import erase_connection, held_by_connection
from ingest.flows.connections.lifecycle import disconnect_source, pause_source, resume_source
from ingest.flows.connections.shown import shown_connection
from ingest.flows.receiving import handshake
from ingest.flows.syncs.changing import reconnect_source
from ingest.store import (
    connections,
    credentials,
)
from ingest.store.engine import transaction

app = typer.Typer(help="Sources: connections to providers.", no_args_is_help=True)

_CREDENTIALS = ("id", "kind", "created_at", "expires_at", "live")
_CALLED = {credentials.WEBHOOK_SECRET: "webhook secret", credentials.API_TOKEN: "API token"}


@app.command()
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its type: a to z and 0 to 9.")],
    *,
    directory: Annotated[
        Path, typer.Option(metavar="DIR", help="Where to put its folder; else it is put here.")
    ] = Path(),
    as_json: AsJson = False,
) -> None:
    """Write a package that brings a source of your own: small and whole, its tests pass as written.

    Its README says how to make it yours.
    """
    folder = skeleton.write(name, directory)
    if as_json:
        output.document({"source_type": name, "folder": str(folder)})
        return
    output.line(str(folder))
    output.note(f"Go on there: cd {folder} && pip install -e '.[dev]' && pytest")


@app.command("list")
def list_(context: typer.Context, *, as_json: AsJson = False) -> None:
    """List all connections."""
    with transaction(session(context).engine) as conn:
        found = connections.listing(conn)
    empty = "Nothing is connected yet; see: ingest source connect --help"
    output.rows(found, as_json=as_json, columns=COLUMNS, empty=empty)


@app.command()
def show(context: typer.Context, connection_id: ConnectionId, *, as_json: AsJson = False) -> None:
    """Show a connection: metadata, stores, counts, kinds of secrets, deliveries."""
    with transaction(session(context).engine) as conn:
        told = shown_connection(conn, connection_id)
    output.record(told, as_json=as_json)


@app.command()
def pause(context: typer.Context, connection_id: ConnectionId, *, as_json: AsJson = False) -> None:
    """Let deliveries wait: they are received and kept until the connection is resumed."""
    current = session(context)
    pause_source(current.engine, connection_id)
    tell(current, connection_id, as_json=as_json)


@app.command()
def resume(context: typer.Context, connection_id: ConnectionId, *, as_json: AsJson = False) -> None:
    """Go on, paused or disconnected; what waited is due at once.

    Of a disconnected one, which received nothing meanwhile, all is fetched where there is a token.
    """
    current = session(context)
    if is_disconnected(current, connection_id):
        run = reconnect_source(current.engine, connection_id)
        if run is not None:
            current.ring(SYNC_QUEUE)
            note_backfill(run)
        else:
            output.note("It has no API token: what its provider sent meanwhile is not fetched.")
        tell(current, connection_id, as_json=as_json)
        return
    waited = resume_source(current.engine, connection_id)
    current.ring()
    output.note(f"{waited} waiting deliveries are due now")
    tell(current, connection_id, as_json=as_json)


@app.command("credentials")
def credentials_(
    context: typer.Context,
    connection_id: ConnectionId,
    *,
    webhook_secret_env: WebhookSecret = None,
    token_env: Token = None,
    show: Annotated[
        bool, typer.Option("--list", help="List what there is, and until when; never a secret.")
    ] = False,
    retire: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Forget the secret of this number.")
    ] = None,
    expire_others_in: Annotated[
        str | None,
        typer.Option(metavar="T", help="Let older webhook secrets end: 24h, 30m, 7d."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Give a connection a new token, which replaces the old one, or one more webhook secret.

    A new token repairs: what its refusal paused goes on, what had none is replayed. Webhook secrets
    live beside one another until they are retired or expire.
    """
    current = session(context)
    secrets = given_secrets(current, webhook_secret_env, token_env)
    if not (secrets or show or retire or expire_others_in):
        raise BadInput(
            "nothing to set; give --token-env or --webhook-secret-env, or --list, --retire, "
            "--expire-others-in"
        )
    span_s = durations.seconds(expire_others_in) if expire_others_in is not None else None
    require_known(current, connection_id)
    if secrets:
        replace_given(current, connection_id, secrets)
    if retire is not None:
        kind = retire_secret(current.engine, connection_id, retire)
        output.note(f"{_CALLED[kind]} {retire} is forgotten")
    if span_s is not None:
        ending = expire_other_secrets(current.engine, connection_id, span_s)
        output.note(f"{ending} older webhook secrets end within {expire_others_in}")
    if not (show or retire or expire_others_in):
        tell(current, connection_id, as_json=as_json)
    else:
        _list_credentials(current, connection_id, as_json=as_json)


@app.command()
def verification(
    context: typer.Context,
    connection_id: ConnectionId,
    *,
    rearm: Annotated[
        bool, typer.Option("--rearm", help="Wait another 15 minutes for a new token.")
    ] = False,
    confirm: Annotated[
        bool,
        typer.Option("--confirm", help="The provider took the token: older secrets end now."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show the token of a provider's handshake, once, to be pasted into its settings.

    Beside a secret that works it verifies only once it was shown, and that secret works on until
    --confirm says that the provider took the new one. If it does not take it, somebody else has
    sent it: --rearm forgets it.
    """
    current = session(context)
    if rearm and confirm:
        raise BadInput("--rearm waits for a token and --confirm ends that; give one of them")
    if confirm:
        handshake.confirm(current.engine, connection_id)
        output.record({"id": connection_id, "confirmed": True}, as_json=as_json)
        return
    if rearm:
        handshake.rearm(current.engine, connection_id)
        output.record({"id": connection_id, "waits_s": handshake.HANDSHAKE_S}, as_json=as_json)
        return
    token = handshake.show(current.engine, current.program.vault, connection_id)
    output.record({"id": connection_id, "verification_token": token}, as_json=as_json)


@app.command()
def disconnect(
    context: typer.Context,
    connection_id: ConnectionId,
    *,
    purge: Annotated[
        bool, typer.Option("--purge", help="Remove its deliveries, secrets and documents too.")
    ] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Receive no more. Documents stay, unless --purge removes what no other source feeds.

    With --purge all it told goes for good: documents, events, raw deliveries, secrets.
    """
    current = session(context)
    if purge:
        require_known(current, connection_id)
        held = held_by_connection(current.engine, connection_id)
        require_yes(f"Connection {connection_id}", held, yes=yes)
        gone = erase_connection(current.engine, connection_id)
        told = {"documents": gone.documents, "events": gone.events, "deliveries": gone.deliveries}
        output.record({"id": connection_id, **told, "status": "purged"}, as_json=as_json)
        return
    disconnect_source(current.engine, connection_id)
    current.ring()
    tell(current, connection_id, as_json=as_json)


def _list_credentials(current: Session, connection_id: str, *, as_json: bool) -> None:
    rows = [asdict(one) for one in list_secrets(current.engine, connection_id)]
    none = "The connection has no secrets: its own route refuses every request."
    output.rows(rows, as_json=as_json, columns=_CREDENTIALS, empty=none)


app.command()(connect)
app.command()(update)
app.command()(doctor)
