"""Rotations that end: secrets get a last day, and all that is stored is sealed anew.

A rotation of the encryption keys is over once nothing needs an older key, and not when the new one
is set: until then the older ones must stay in the environment.
"""

from __future__ import annotations

from collections import Counter
from typing import Literal

import sqlalchemy as sa

from ingest.core.errors import BadInput, BadSettings
from ingest.core.vault import Vault
from ingest.store import credentials
from ingest.store.credentials import SEALED_IN, WEBHOOK_SECRET, Credential
from ingest.store.engine import transaction

STEP = 500


Resealed = Literal["rotated", "current", "closed"]
"""Of a stored secret: sealed anew, under the first key already, or opened by no key."""


def rotate_keys(engine: sa.Engine, vault: Vault) -> Counter[Resealed]:
    """Seal everything under the first key. In steps: it may be interrupted and run again."""
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
    """Forget one secret of a connection at once; its kind. Raises `BadInput` for another id."""
    with transaction(engine) as conn:
        kind = credentials.retire(conn, connection_id, id_)
    if kind is None:
        raise BadInput(
            f"connection {connection_id} has no secret {id_}; see "
            f"`ingest source credentials {connection_id} --list`"
        )
    return kind


def expire_other_secrets(engine: sa.Engine, connection_id: str, seconds: float) -> int:
    """Let all webhook secrets of a connection end after so long, but the newest; how many."""
    with transaction(engine) as conn:
        return credentials.expire_others(conn, connection_id, WEBHOOK_SECRET, seconds)


def list_secrets(engine: sa.Engine, connection_id: str) -> list[Credential]:
    """The secrets of a connection, without what they are."""
    with transaction(engine) as conn:
        return credentials.listing(conn, connection_id)
