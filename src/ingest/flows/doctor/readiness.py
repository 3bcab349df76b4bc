"""Says whether a receiver is ready: the database lets us in, can be written to, has our schema, and
holds webhook secrets that our keys open.
"""

from __future__ import annotations

import sqlalchemy as sa

from ingest.core.vault import Vault
from ingest.store import credentials, health, upgrade
from ingest.store.engine import ReadOnly, transaction

SCHEMA_BEHIND = "the schema is behind; run `ingest db upgrade`"
WRONG_KEY = (
    "no key of this receiver's INGEST_SECRET_KEY opens the stored webhook secrets; give it the key "
    "that they were made with, beside its own (comma-separated), and ask `ingest doctor` with that"
)
SAMPLED = 8
"""Secrets that are tried at most: so many of the newest, and as many of the oldest."""


def hindrance_of(probe: sa.Engine, vault: Vault) -> str | None:
    """Why nothing could be received, with the remedy; None for a receiver that is ready.

    Raises what `is_ready` raises. Names no secret.
    """
    if not is_ready(probe):
        return SCHEMA_BEHIND
    return None if opens_secrets(probe, vault) else WRONG_KEY


def is_ready(probe: sa.Engine) -> bool:
    """Whether the schema is current; raises `Unavailable` for a database that is away or read-only.

    The session of the last time may be one of a server that was demoted: then a new one is asked. A
    silent server costs the time-outs of one session and of one connect, `probe`'s own
    (`store.engine.connect_to_probe`, docs/decisions/0019). A newer schema that serves this program
    is current (0021).
    """
    try:
        return _ask(probe)
    except ReadOnly:
        probe.dispose()
        return _ask(probe)


def opens_secrets(probe: sa.Engine, vault: Vault) -> bool:
    """Whether some stored webhook secret can be opened, or none is stored.

    Of the newest and of the oldest a few are tried, up to the first that opens: a receiver with
    another key opens none of them, whereas what was sealed with a key that is retired, or by
    somebody with a wrong one, has others beside it. Raises `TransientError` where the database is
    away.
    """
    with transaction(probe) as conn:
        sample = credentials.sampled(conn, credentials.WEBHOOK_SECRET, each_end=SAMPLED)
    return not sample or any(map(vault.opens, sample))


def _ask(probe: sa.Engine) -> bool:
    with transaction(probe) as conn:
        health.require_writable(conn)
    return upgrade.is_current(probe)
