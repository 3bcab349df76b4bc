"""Connections that wait for their provider's handshake, and the tokens that came, until shown."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from ingest.core.secret import Secret
from ingest.core.vault import Vault

_ARM = sa.text("""
INSERT INTO lightfast_handshakes (connection_id, armed_until)
VALUES (:connection_id, now() + make_interval(secs => :seconds))
ON CONFLICT (connection_id) DO UPDATE
  SET armed_until = excluded.armed_until, token = NULL, captured_at = NULL, shown_at = NULL
""")
# Never shown, or shown and never proven: whose it was nobody knows.
_DROP_UNPROVEN = sa.text("""
DELETE FROM lightfast_source_credentials c USING lightfast_handshakes h
WHERE h.connection_id = :connection_id AND c.id = h.unproven
""")
# Of two handshakes at once, one is captured: the second finds it disarmed.
_CAPTURE = sa.text("""
UPDATE lightfast_handshakes h
SET armed_until = NULL, token = :token, captured_at = now(), shown_at = NULL
FROM lightfast_connected_sources s
WHERE h.connection_id = :connection_id AND s.id = h.connection_id
  AND CAST(s.source_type AS text) = :source_type
  AND s.config_status IS DISTINCT FROM 'disconnected' AND h.armed_until > now()
""")
_READ = sa.text("""
SELECT CASE WHEN armed_until > now() THEN armed_until END AS armed_until, token, captured_at,
       shown_at, unproven IS NOT NULL AS unproven
FROM lightfast_handshakes WHERE connection_id = :connection_id
""")
_CAPTURED = sa.text("""
SELECT token FROM lightfast_handshakes WHERE connection_id = :connection_id
""")
_SET_UNPROVEN = sa.text("""
UPDATE lightfast_handshakes SET unproven = :credential WHERE connection_id = :connection_id
""")
_UNPROVEN = sa.text("""
SELECT unproven FROM lightfast_handshakes
WHERE connection_id = :connection_id AND unproven IS NOT NULL AND shown_at IS NOT NULL FOR UPDATE
""")
_SHOW = sa.text("""
WITH shown AS (
  SELECT connection_id, token FROM lightfast_handshakes
  WHERE connection_id = :connection_id AND token IS NOT NULL FOR UPDATE
)
UPDATE lightfast_handshakes h SET token = NULL, shown_at = now()
FROM shown WHERE h.connection_id = shown.connection_id
RETURNING shown.token
""")


@dataclass(frozen=True, slots=True)
class Handshake:
    """Where a connection's handshake stands; `armed_until` is None once it waits no more.

    `unproven`: the token verifies, though it was not shown yet, or was shown beside older secrets
    and has proven nothing.
    """

    armed_until: datetime | None
    captured_at: datetime | None
    shown_at: datetime | None
    unproven: bool = False


def arm(conn: sa.Connection, connection_id: str, seconds: float) -> None:
    """Wait for a handshake for so many seconds; one more call begins anew.

    A token of an earlier handshake that was never proven is forgotten, as credential too.
    """
    conn.execute(_DROP_UNPROVEN, {"connection_id": connection_id})
    conn.execute(_ARM, {"connection_id": connection_id, "seconds": seconds})


def capture(
    conn: sa.Connection, vault: Vault, source_type: str, connection_id: str, token: str
) -> bool:
    """Keep the token of a handshake that is waited for, encrypted; whether it was.

    The condition stands in the UPDATE: of two handshakes at once one is captured, and the second
    finds it disarmed.
    """
    given = {
        "connection_id": connection_id,
        "source_type": source_type,
        "token": vault.encrypt(token),
    }
    return conn.execute(_CAPTURE, given).rowcount == 1


def read(conn: sa.Connection, connection_id: str) -> Handshake | None:
    """Where the handshake stands; None where none was ever waited for."""
    row = conn.execute(_READ, {"connection_id": connection_id}).one_or_none()
    if row is None:
        return None
    return Handshake(row.armed_until, row.captured_at, row.shown_at, row.unproven)


def captured(conn: sa.Connection, vault: Vault, connection_id: str) -> Secret | None:
    """The token that was captured and is not shown yet."""
    token = conn.execute(_CAPTURED, {"connection_id": connection_id}).scalar_one_or_none()
    return vault.decrypt(bytes(token)) if token is not None else None


def set_unproven(conn: sa.Connection, connection_id: str, credential: int | None) -> None:
    """The secret that the token became before it was shown, or beside others that work; None once
    it is proven, or shown and the only one.
    """
    conn.execute(_SET_UNPROVEN, {"connection_id": connection_id, "credential": credential})


def unproven(conn: sa.Connection, connection_id: str) -> int | None:
    """The id of the secret that `set_unproven` noted, once it was shown; None else.

    The handshake is locked until the commit (FOR UPDATE), so that it is proven once.
    """
    found: int | None = conn.execute(
        _UNPROVEN, {"connection_id": connection_id}
    ).scalar_one_or_none()
    return found


def show(conn: sa.Connection, vault: Vault, connection_id: str) -> Secret | None:
    """The captured token in the clear, once: it is forgotten here as it is given out.

    Of two that ask at once, one gets it. Raises `BadSettings` where no key of the vault opens it.
    """
    token = conn.execute(_SHOW, {"connection_id": connection_id}).scalar_one_or_none()
    return vault.decrypt(bytes(token)) if token is not None else None
