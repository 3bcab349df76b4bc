"""Where providers were told to send the webhooks of connections, and what became of that."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa


@dataclass(frozen=True, slots=True)
class StoredSubscription:
    """What a connection's provider was told.

    public_url: of this installation. external_id: the provider's name for the subscription, where
    it made one for us. answered: False while nobody knows what it made of what it was told last.
    """

    public_url: str
    external_id: str | None
    answered: bool


_READ = sa.text("""
SELECT public_url, external_id, answered FROM lightfast_subscriptions
WHERE connection_id = :connection_id
""")
_TELL = sa.text("""
INSERT INTO lightfast_subscriptions (connection_id, public_url)
VALUES (:connection_id, :public_url)
ON CONFLICT (connection_id) DO UPDATE
  SET public_url = excluded.public_url, told_at = now(), answered = false
""")
_ANSWERED = sa.text("""
UPDATE lightfast_subscriptions
SET external_id = coalesce(:external_id, external_id), answered = true, told_at = now()
WHERE connection_id = :connection_id
""")
_REMEMBER = sa.text("""
INSERT INTO lightfast_subscriptions (connection_id, public_url, answered)
VALUES (:connection_id, :public_url, true)
ON CONFLICT (connection_id) DO UPDATE SET public_url = excluded.public_url, told_at = now()
""")
_LAST_URL = sa.text("""
SELECT public_url FROM lightfast_subscriptions ORDER BY told_at DESC, connection_id LIMIT 1
""")


def read(conn: sa.Connection, connection_id: str) -> StoredSubscription | None:
    """What the connection's provider was told; None where it was told nothing by us."""
    row = conn.execute(_READ, {"connection_id": connection_id}).one_or_none()
    return StoredSubscription(*row) if row is not None else None


def tell(conn: sa.Connection, connection_id: str, public_url: str) -> None:
    """Note what the provider is about to be told; committed before it is."""
    conn.execute(_TELL, {"connection_id": connection_id, "public_url": public_url})


def answered(conn: sa.Connection, connection_id: str, external_id: str | None) -> None:
    """Note what the provider made of it; None where nothing was to be done."""
    conn.execute(_ANSWERED, {"connection_id": connection_id, "external_id": external_id})


def remember(conn: sa.Connection, connection_id: str, public_url: str) -> None:
    """Keep where the connection is reached, as a person says; its provider is told nothing."""
    conn.execute(_REMEMBER, {"connection_id": connection_id, "public_url": public_url})


def last_public_url(conn: sa.Connection) -> str | None:
    """The public URL that any provider was told last: one installation has one, as a rule."""
    found: str | None = conn.execute(_LAST_URL).scalar_one_or_none()
    return found
