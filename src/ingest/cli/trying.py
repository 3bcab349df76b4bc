"""`ingest send-test`: a signed webhook in the provider's shape, followed to its document."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from ingest.cli import output
from ingest.cli.arguments import AsJson, SourceType
from ingest.cli.session import Session, session
from ingest.core.errors import BadInput, NotConnected
from ingest.core.secret import Secret
from ingest.demo.trying import TrialFailed, TrialRoute, send_trial
from ingest.store import connections, credentials
from ingest.store.connections import DISCONNECTED, Connection
from ingest.store.engine import transaction

_COLUMNS = ("id", "store_id", "kind", "source_id", "chunk_count", "updated_at")


def send_test(
    context: typer.Context,
    source_type: SourceType,
    *,
    connection: Annotated[
        str | None, typer.Option(metavar="ID", help="To this one; else to the only one there is.")
    ] = None,
    about: Annotated[
        str | None,
        typer.Option(
            metavar="ID",
            help="What it speaks of, by the provider's id: where the content is looked up.",
        ),
    ] = None,
    url: Annotated[
        str | None, typer.Option(metavar="URL", help="The receiver; else that of `ingest up`.")
    ] = None,
    timeout: Annotated[float, typer.Option(min=0, metavar="S", help="Seconds to follow it.")] = 30,
    as_json: AsJson = False,
) -> None:
    """Send a signed test webhook to the running receiver, and follow it to its document.

    It names the connection's own repository, team, project, … and a thing that nobody has (where
    content is looked up, one that the connection feeds); sent again it is the same document, newer.
    Where it becomes none that is exit 1, and the cause.
    """
    current = session(context)
    told = _connection(current, source_type, connection)
    receiver = TrialRoute(
        url or current.program.receiver_url,
        _own_secret(current, told),
        _shared_secret(current, source_type),
    )
    tried = send_trial(current.engine, told, receiver, about=about, timeout_s=timeout)
    if as_json:
        output.document(asdict(tried))
    else:
        output.note(f"Sent to {tried.route}: {tried.title}")
        output.note(
            f"Delivery {tried.delivery} was {tried.answer}; it is {tried.status}: {tried.reason}"
        )
        if tried.documents:
            output.rows(tried.documents, as_json=False, columns=_COLUMNS, empty="")
    if tried.cause is not None:
        raise TrialFailed(tried.cause)


def _connection(current: Session, source_type: str, wanted: str | None) -> Connection:
    """The one that is named, or the only one of the source; raises for none, and for one that
    acts on nothing.
    """
    with transaction(current.engine) as conn:
        rows = [row for row in connections.listing(conn) if row["source_type"] == source_type]
        known = connections.by_id(conn, [row["id"] for row in rows])
    alive = {id_: one for id_, one in known.items() if one.status != DISCONNECTED}
    if wanted is not None:
        if wanted not in known:
            raise NotConnected(
                f"{source_type} has no connection {wanted}; `ingest source list` names those there "
                "are"
            )
        found = known[wanted]
    elif len(alive) == 1:
        (found,) = alive.values()
    elif alive:
        raise BadInput(
            f"{source_type} has {len(alive)} connections; name one with --connection: "
            f"{', '.join(sorted(alive))}"
        )
    else:
        raise NotConnected(
            f"no {source_type} is connected; see: ingest source connect {source_type} --help"
        )
    if not found.is_active:
        raise TrialFailed(
            f"connection {found.id} is {found.status}, so that its deliveries wait or are skipped; "
            f"see: ingest source show {found.id}"
        )
    return found


def _own_secret(current: Session, connection: Connection) -> Secret | None:
    with transaction(current.engine) as conn:
        if credentials.WEBHOOK_SECRET not in credentials.kinds(conn, connection.id):
            return None
        vault = current.program.vault
        return credentials.read(conn, vault, connection.id, credentials.WEBHOOK_SECRET)[-1]


def _shared_secret(current: Session, source_type: str) -> Secret | None:
    given = current.program.settings.webhook_secrets.get(source_type)
    return Secret(given[0]) if given else None
