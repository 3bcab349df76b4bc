"""Secrets of connections: stored encrypted, read in the clear only where they are needed."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa

from ingest.core.vault import Vault

WEBHOOK_SECRET, API_TOKEN = "webhook_secret", "api_token"

_ADD = sa.text("""
INSERT INTO lightfast_source_credentials (connection_id, kind, secret)
VALUES (:connection_id, :kind, :secret)
""")
_READ = sa.text("""
SELECT c.secret FROM lightfast_source_credentials c
WHERE c.connection_id = :connection_id AND c.kind = :kind ORDER BY c.id
""")
# All that verifying a request asks of its connection, for as many connections as wait for it.
_VERIFYING = sa.text("""
SELECT s.id, CAST(s.source_type AS text) AS source_type,
       array(SELECT c.secret FROM lightfast_source_credentials c
             WHERE c.connection_id = s.id AND c.kind = :kind ORDER BY c.id) AS secrets,
       EXISTS (SELECT FROM lightfast_handshakes h WHERE h.connection_id = s.id
                 AND (h.armed_until > now() OR h.captured_at IS NOT NULL)) AS shakes
FROM lightfast_connected_sources s
WHERE s.id = ANY(CAST(:ids AS varchar[])) AND s.config_status IS DISTINCT FROM 'disconnected'
""")
_NEWEST = sa.text("""
SELECT DISTINCT ON (c.connection_id) c.connection_id, c.id, c.secret
FROM lightfast_source_credentials c
WHERE c.connection_id = ANY(CAST(:ids AS varchar[])) AND c.kind = :kind
ORDER BY c.connection_id, c.id DESC
""")
_REMOVE = sa.text("""
DELETE FROM lightfast_source_credentials WHERE connection_id = :connection_id AND kind = :kind
""")
_KINDS = sa.text("""
SELECT kind, count(*) AS live FROM lightfast_source_credentials
WHERE connection_id = :connection_id GROUP BY kind ORDER BY kind
""")


@dataclass(frozen=True, slots=True)
class Verifying:
    """A connection's sealed webhook secrets, oldest first.

    `shakes`: its provider's handshake is waited for, or was captured.
    """

    connection_id: str
    source_type: str
    secrets: tuple[bytes, ...]
    shakes: bool


def add(conn: sa.Connection, vault: Vault, connection_id: str, kind: str, secret: str) -> None:
    """Store one more live secret of that kind; older ones stay valid until they are removed."""
    given = {"connection_id": connection_id, "kind": kind, "secret": vault.encrypt(secret)}
    conn.execute(_ADD, given)


def remove(conn: sa.Connection, connection_id: str, kind: str) -> None:
    """Forget the secrets of that kind."""
    conn.execute(_REMOVE, {"connection_id": connection_id, "kind": kind})


def read(conn: sa.Connection, vault: Vault, connection_id: str, kind: str) -> list[str]:
    """The live secrets of that kind, oldest first; raises `BadSettings` where no key opens them."""
    rows = conn.execute(_READ, {"connection_id": connection_id, "kind": kind}).scalars()
    return [vault.decrypt(bytes(secret)) for secret in rows]


def verifying(conn: sa.Connection, connection_ids: Collection[str]) -> list[Verifying]:
    """What may verify requests to these connections; the disconnected ones are left out."""
    rows = conn.execute(_VERIFYING, {"ids": list(connection_ids), "kind": WEBHOOK_SECRET})
    return [
        Verifying(row.id, row.source_type, tuple(map(bytes, row.secrets)), row.shakes)
        for row in rows
    ]


def newest(
    conn: sa.Connection, connection_ids: Collection[str], kind: str
) -> dict[str, tuple[int, bytes]]:
    """The newest secret of that kind of each connection that has one, sealed, and its id."""
    given = {"ids": list(connection_ids), "kind": kind}
    rows = conn.execute(_NEWEST, given)
    return {row.connection_id: (row.id, bytes(row.secret)) for row in rows}


def kinds(conn: sa.Connection, connection_id: str) -> dict[str, int]:
    """How many live secrets of each kind a connection has; never the secrets."""
    rows = conn.execute(_KINDS, {"connection_id": connection_id})
    return {row.kind: row.live for row in rows}
