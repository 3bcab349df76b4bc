"""Secrets of connections: stored encrypted, read in the clear only where they are needed.

One that has expired is not read any more, and is forgotten soon after.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from ingest.core.secret import Secret
from ingest.core.vault import Vault

WEBHOOK_SECRET, API_TOKEN = "webhook_secret", "api_token"

_ADD = sa.text("""
INSERT INTO lightfast_source_credentials (connection_id, kind, secret)
VALUES (:connection_id, :kind, :secret) RETURNING id
""")
_LIVE = "(c.expires_at IS NULL OR c.expires_at > now())"
_READ = sa.text(f"""
SELECT c.secret FROM lightfast_source_credentials c
WHERE c.connection_id = :connection_id AND c.kind = :kind AND {_LIVE} ORDER BY c.id
""")
# All that verifying a request asks of its connection, for as many connections as wait for it.
_VERIFYING = sa.text(f"""
SELECT s.id, CAST(s.source_type AS text) AS source_type,
       array(SELECT c.secret FROM lightfast_source_credentials c
             WHERE c.connection_id = s.id AND c.kind = :kind AND {_LIVE} ORDER BY c.id) AS secrets,
       EXISTS (SELECT FROM lightfast_handshakes h WHERE h.connection_id = s.id
                 AND (h.armed_until > now() OR h.captured_at IS NOT NULL)) AS shakes
FROM lightfast_connected_sources s
WHERE s.id = ANY(CAST(:ids AS varchar[])) AND s.config_status IS DISTINCT FROM 'disconnected'
""")
_NEWEST = sa.text(f"""
SELECT DISTINCT ON (c.connection_id) c.connection_id, c.id, c.secret
FROM lightfast_source_credentials c
WHERE c.connection_id = ANY(CAST(:ids AS varchar[])) AND c.kind = :kind AND {_LIVE}
ORDER BY c.connection_id, c.id DESC
""")
# A disconnected connection receives nothing.
_SAMPLED = sa.text(f"""
WITH live AS NOT MATERIALIZED (
  SELECT c.id, c.secret FROM lightfast_source_credentials c
  JOIN lightfast_connected_sources s ON s.id = c.connection_id
  WHERE c.kind = :kind AND {_LIVE} AND s.config_status IS DISTINCT FROM 'disconnected')
(SELECT secret FROM live ORDER BY id DESC LIMIT :each_end)
UNION ALL
(SELECT secret FROM live ORDER BY id LIMIT :each_end)
""")
_REMOVE = sa.text("""
DELETE FROM lightfast_source_credentials WHERE connection_id = :connection_id AND kind = :kind
""")
# A lease of `issued` is no secret of anybody's.
_KINDS = sa.text(f"""
SELECT c.kind, count(*) AS live FROM lightfast_source_credentials c
WHERE c.connection_id = :connection_id AND c.kind <> 'renewal' AND {_LIVE}
GROUP BY c.kind ORDER BY c.kind
""")
_LIST = sa.text(f"""
SELECT c.id, c.kind, c.created_at, c.expires_at, {_LIVE} AS live
FROM lightfast_source_credentials c
WHERE c.connection_id = :connection_id AND c.kind <> 'renewal' ORDER BY c.id
""")
_RETIRE = sa.text("""
DELETE FROM lightfast_source_credentials WHERE connection_id = :connection_id AND id = :id
RETURNING kind
""")
# An end that was set before is not put off.
_EXPIRE_OTHERS = sa.text("""
UPDATE lightfast_source_credentials c
SET expires_at = least(c.expires_at, now() + make_interval(secs => :seconds))
WHERE c.connection_id = :connection_id AND c.kind = :kind
  AND c.id <> (SELECT max(n.id) FROM lightfast_source_credentials n
               WHERE n.connection_id = :connection_id AND n.kind = :kind)
""")
_REMOVE_OTHERS = sa.text("""
DELETE FROM lightfast_source_credentials
WHERE connection_id = :connection_id AND kind = :kind AND id <> :id
""")
# Secrets, what handshakes brought, and those of sinks: each has a table and a key of its own.
_SEALED: Mapping[str, sa.TextClause] = {
    "credentials": sa.text("""
SELECT id AS key, secret FROM lightfast_source_credentials
WHERE id > CAST(:after AS bigint) ORDER BY id LIMIT :limit
"""),
    "handshakes": sa.text("""
SELECT connection_id AS key, token AS secret FROM lightfast_handshakes
WHERE token IS NOT NULL AND connection_id > CAST(:after AS varchar) ORDER BY 1 LIMIT :limit
"""),
    "sinks": sa.text("""
SELECT name AS key, secret FROM lightfast_change_sinks
WHERE secret IS NOT NULL AND name > CAST(:after AS varchar) ORDER BY 1 LIMIT :limit
"""),
}
# Only what is still as it was read: who sets a new secret meanwhile seals it under the first key.
_RESEAL: Mapping[str, sa.TextClause] = {
    "credentials": sa.text("""
UPDATE lightfast_source_credentials SET secret = :after
WHERE id = CAST(:key AS bigint) AND secret = :before
"""),
    "handshakes": sa.text("""
UPDATE lightfast_handshakes SET token = :after WHERE connection_id = :key AND token = :before
"""),
    "sinks": sa.text("""
UPDATE lightfast_change_sinks SET secret = :after WHERE name = :key AND secret = :before
"""),
}
SEALED_IN = tuple(_SEALED)
"""Where sealed secrets are kept, as `sealed` and `reseal` take it."""
_FORGET = sa.text("DELETE FROM lightfast_source_credentials WHERE expires_at <= now()")


@dataclass(frozen=True, slots=True)
class Credential:
    """That there is a secret, and until when; never the secret. People name it by its `id`."""

    id: int
    kind: str
    created_at: datetime
    expires_at: datetime | None
    live: bool


@dataclass(frozen=True, slots=True)
class Verifying:
    """A connection's sealed webhook secrets, oldest first.

    `shakes`: its provider's handshake is waited for, or was captured.
    """

    connection_id: str
    source_type: str
    secrets: tuple[bytes, ...]
    shakes: bool


def add(conn: sa.Connection, vault: Vault, connection_id: str, kind: str, secret: str) -> int:
    """Store one more live secret of that kind, encrypted; its id.

    Older ones stay valid until they end or are removed: a webhook's secret is replaced in two
    steps, so that no delivery is refused in between.
    """
    given = {"connection_id": connection_id, "kind": kind, "secret": vault.encrypt(secret)}
    made: int = conn.execute(_ADD, given).scalar_one()
    return made


def remove(conn: sa.Connection, connection_id: str, kind: str) -> None:
    """Forget the secrets of that kind."""
    conn.execute(_REMOVE, {"connection_id": connection_id, "kind": kind})


def listing(conn: sa.Connection, connection_id: str) -> list[Credential]:
    """The secrets of a connection, oldest first, without what they are."""
    rows = conn.execute(_LIST, {"connection_id": connection_id})
    return [Credential(*row) for row in rows]


def retire(conn: sa.Connection, connection_id: str, id_: int) -> str | None:
    """Forget one secret of the connection; its kind, None where there is none of that id.

    Of two that retire the same at once, one gets the kind.
    """
    given = {"connection_id": connection_id, "id": id_}
    kind: str | None = conn.execute(_RETIRE, given).scalar_one_or_none()
    return kind


def expire_others(conn: sa.Connection, connection_id: str, kind: str, seconds: float) -> int:
    """Let all secrets of that kind but the newest end within so many seconds; how many those are.

    An end that was set before, and comes sooner, is not put off.
    """
    given = {"connection_id": connection_id, "kind": kind, "seconds": seconds}
    return conn.execute(_EXPIRE_OTHERS, given).rowcount


def remove_others(conn: sa.Connection, connection_id: str, kind: str, id_: int) -> None:
    """Forget all secrets of that kind but one."""
    conn.execute(_REMOVE_OTHERS, {"connection_id": connection_id, "kind": kind, "id": id_})


def sealed(
    conn: sa.Connection, kept_in: str, *, after: str | None, limit: int
) -> list[tuple[str, bytes]]:
    """A page of the encrypted secrets that are kept in one of SEALED_IN: (key, secret), by key.

    `after` is the last key of the page before, None for the first. Locks nothing: see `reseal`.
    """
    first = "0" if kept_in == "credentials" else ""
    rows = conn.execute(_SEALED[kept_in], {"after": after or first, "limit": limit})
    return [(str(row.key), bytes(row.secret)) for row in rows]


def reseal(conn: sa.Connection, kept_in: str, key: str, before: bytes, after: bytes) -> bool:
    """Put a secret under another key in the place of what it was (`before`).

    False where that is another by now: who sets a new secret meanwhile seals it under the first key
    himself, so that nothing is lost and nothing has to be locked.
    """
    given = {"key": key, "before": before, "after": after}
    return conn.execute(_RESEAL[kept_in], given).rowcount == 1


def forget_expired(conn: sa.Connection) -> int:
    """Forget what nobody reads any more; how many those were."""
    return conn.execute(_FORGET).rowcount


def read(conn: sa.Connection, vault: Vault, connection_id: str, kind: str) -> list[Secret]:
    """The live secrets of that kind in the clear, oldest first.

    Raises `BadSettings` where no key of the vault opens one. What has expired is not read.
    """
    rows = conn.execute(_READ, {"connection_id": connection_id, "kind": kind}).scalars()
    return [vault.decrypt(bytes(secret)) for secret in rows]


def verifying(conn: sa.Connection, connection_ids: Collection[str]) -> list[Verifying]:
    """What may verify requests to these connections, still encrypted: one query for many requests.

    Disconnected ones are left out, and so are secrets that have expired.
    """
    rows = conn.execute(_VERIFYING, {"ids": list(connection_ids), "kind": WEBHOOK_SECRET})
    return [
        Verifying(row.id, row.source_type, tuple(map(bytes, row.secrets)), row.shakes)
        for row in rows
    ]


def newest(
    conn: sa.Connection, connection_ids: Collection[str], kind: str
) -> dict[str, tuple[int, bytes]]:
    """The newest live secret of that kind of each connection: (its id, the secret, encrypted).

    A connection without one is missing. The id tells a refusal of this token from one of the next.
    """
    given = {"ids": list(connection_ids), "kind": kind}
    rows = conn.execute(_NEWEST, given)
    return {row.connection_id: (row.id, bytes(row.secret)) for row in rows}


def sampled(conn: sa.Connection, kind: str, *, each_end: int) -> list[bytes]:
    """The newest and the oldest live secrets of that kind, so many of each, still encrypted.

    Of connections that are not disconnected; where there are few, one comes twice.
    """
    rows = conn.execute(_SAMPLED, {"kind": kind, "each_end": each_end}).scalars()
    return [bytes(secret) for secret in rows]


def kinds(conn: sa.Connection, connection_id: str) -> dict[str, int]:
    """How many live secrets of each kind a connection has; never the secrets."""
    rows = conn.execute(_KINDS, {"connection_id": connection_id})
    return {row.kind: row.live for row in rows}
