"""Gives connections their credentials, lists and retires them, and encrypts them anew.

Rotations end. Secrets get a last day. A rotation of the encryption keys is over once nothing needs
an older key, and not when the new one is set: until then the older ones must stay in the
environment.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Literal

import sqlalchemy as sa

from ingest.core.errors import BadInput, BadSettings
from ingest.core.vault import Vault
from ingest.flows.connections.lifecycle import require_connected
from ingest.sources.contract import Descriptor
from ingest.sources.registry import source
from ingest.store import (
    conditions,
    connections,
    credentials,
    flags,
    issued,
    lookup_admin,
    queue_admin,
    sync_parts,
)
from ingest.store.connections import CONFIGURED, REFUSED
from ingest.store.credentials import API_TOKEN, SEALED_IN, WEBHOOK_SECRET, Credential
from ingest.store.engine import transaction
from ingest.store.reasons import DENIED, TOKENLESS

STEP = 500
"""Secrets in one transaction of `rotate_keys`."""


Resealed = Literal["rotated", "current", "closed"]
"""Of a stored secret: sealed anew, under the first key already, or opened by no key."""


def replace_credentials(
    engine: sa.Engine, connection_id: str, secrets: Mapping[str, str], vault: Vault
) -> int:
    """Give a connection new credentials: a token replaces the former, a webhook secret joins it.

    A new token is taken for a repair: what the refusal of the former one paused goes on, and what
    was skipped for want of one, or of a right of the former one's, is replayed. Returns how many
    deliveries are due by that (0 for a webhook secret alone); the caller rings, else the sweep
    does. In one transaction that locks the connection. Raises `NotConnected` for none, `BadInput`
    for a disconnected one or a secret that cannot work.
    """
    with transaction(engine) as conn:
        conditions.lock(conn, connection_id)
        connection = require_connected(conn, connection_id)
        check_secrets(source(connection.source_type).descriptor, secrets)
        for kind, secret in secrets.items():
            if kind == API_TOKEN:
                credentials.remove(conn, connection_id, kind)
                issued.forget(conn, connection_id)
            credentials.add(conn, vault, connection_id, kind, secret)
        if API_TOKEN not in secrets:
            return 0
        conditions.clear(conn, connection_id)
        flags.clear(conn, connection_id)
        if connection.status == REFUSED:
            connections.set_status(conn, connection_id, is_active=True, status=CONFIGURED)
        lookup_admin.hurry(conn, connection_id)
        sync_parts.hurry(conn, connection_id)
        replayed = queue_admin.replay_reason(conn, connection_id, TOKENLESS)
        replayed += queue_admin.replay_reason(conn, connection_id, DENIED)
        return replayed + queue_admin.hurry(conn, connection_id)


def check_secrets(descriptor: Descriptor, secrets: Mapping[str, str]) -> None:
    """Raise `BadInput` for secrets, by kind, that can never work; asks no provider."""
    if descriptor.scheme.refused_secrets.intersection(secrets.values()):
        raise BadInput(
            f"the webhook secret is {descriptor.title}'s public test secret; give the webhook's own"
        )
    if API_TOKEN in secrets:
        descriptor.check_token(secrets[API_TOKEN])


def rotate_keys(engine: sa.Engine, vault: Vault) -> Counter[Resealed]:
    """Encrypt every stored secret under the first key; how many of each outcome.

    In steps, each a transaction: it may be interrupted and run again. What no key opens is left as
    it is, and counted as `closed`.
    """
    done: Counter[Resealed] = Counter()
    for kept_in in SEALED_IN:
        after: str | None = None
        while True:
            with transaction(engine) as conn:
                step = credentials.sealed(conn, kept_in, after=after, limit=STEP)
                done.update(_reseal(conn, vault, kept_in, *one) for one in step)
            if not step:
                break
            after = step[-1][0]
    return done


def _reseal(conn: sa.Connection, vault: Vault, kept_in: str, key: str, stored: bytes) -> Resealed:
    if vault.is_current(stored):
        return "current"
    try:
        secret = vault.decrypt(stored)
    except BadSettings:
        return "closed"
    # Whoever was faster has sealed it.
    ours = credentials.reseal(conn, kept_in, key, stored, vault.encrypt(secret))
    return "rotated" if ours else "current"


def retire_secret(engine: sa.Engine, connection_id: str, id_: int) -> str:
    """Delete one secret of a connection; its kind. Raises `BadInput` for another id.

    With a token goes what was made of it; what was made alone is made anew when it is needed. A
    receiver may let requests in by it for a few seconds more (`secrets.KEPT_S`).
    """
    with transaction(engine) as conn:
        kind = credentials.retire(conn, connection_id, id_)
        if kind == API_TOKEN:
            issued.forget(conn, connection_id)
    if kind is None:
        raise BadInput(
            f"connection {connection_id} has no secret {id_}; see "
            f"`ingest source credentials {connection_id} --list`"
        )
    return kind


def expire_other_secrets(engine: sa.Engine, connection_id: str, seconds: float) -> int:
    """Let all webhook secrets of a connection end after so long, but the newest; how many.

    One that was to end sooner does.
    """
    with transaction(engine) as conn:
        return credentials.expire_others(conn, connection_id, WEBHOOK_SECRET, seconds)


def list_secrets(engine: sa.Engine, connection_id: str) -> list[Credential]:
    """The secrets of a connection, oldest first, without what they are; none for no connection."""
    with transaction(engine) as conn:
        return credentials.listing(conn, connection_id)
