"""Puts one signing secret in the place of another: first both sign, then the newer one alone.

Source: the Standard Webhooks specification, "Signature scheme": several signatures stand in the
header, a space between them, and a receiver takes a message that any secret of his proves.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from ingest.core.errors import BadInput
from ingest.core.times import iso
from ingest.core.vault import Vault
from ingest.sinks.adding import no_sink, require_signing
from ingest.sinks.contract import WEBHOOK
from ingest.sinks.hidden import FORMER, SECRET, opened, sealed
from ingest.store import change_sinks
from ingest.store.change_sinks import SealedSink
from ingest.store.engine import transaction

ROTATING = "rotating_since"
"""Of a sink's options, while it signs with two secrets."""


def begin_rotation(
    engine: sa.Engine, vault: Vault, name: str, secret: str, *, now: datetime
) -> None:
    """Sign with this secret too, from the next turn on, which begins within seconds.

    Raises `BadInput` for a sink that is no webhook, for what is no secret, and where two sign.
    """
    require_signing(secret)
    with transaction(engine) as conn:
        found = _webhook(conn, name)
        hidden = opened(vault, found.secret)
        if FORMER in hidden:
            raise BadInput(
                f"{name} signs with two secrets already: when its receiver knows the newer one, "
                f"`ingest changes sink rotate {name} --end`"
            )
        if hidden[SECRET] == secret:
            raise BadInput(f"{name} signs with this very secret: let the variable hold another one")
        hidden |= {FORMER: hidden[SECRET], SECRET: secret}
        options = {**found.options, ROTATING: iso(now)}
        change_sinks.reseal(conn, name, sealed(vault, hidden), options)


def end_rotation(engine: sa.Engine, vault: Vault, name: str) -> None:
    """Forget the secret before. Raises `BadInput` where one alone signs."""
    with transaction(engine) as conn:
        found = _webhook(conn, name)
        hidden = opened(vault, found.secret)
        if hidden.pop(FORMER, None) is None:
            raise BadInput(
                f"{name} signs with one secret: give it another one first, with --secret-env VAR"
            )
        options = {key: told for key, told in found.options.items() if key != ROTATING}
        change_sinks.reseal(conn, name, sealed(vault, hidden), options)


def _webhook(conn: sa.Connection, name: str) -> SealedSink:
    found = change_sinks.lock(conn, name)
    if found is None:
        raise no_sink(name)
    if found.kind != WEBHOOK:
        raise BadInput(f"{name} is a {found.kind}, which is not signed: only a webhook is")
    return found
