"""Tokens that providers made of what connections keep, and the lease under which one is made.

Both are credentials of kinds of their own, sealed as all are. Times are the database's alone, so
that clocks of hosts may differ. A lease is a row that ends by itself: whoever dies with it holds up
nobody for long.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import sqlalchemy as sa

ACCESS_TOKEN, LEASE = "access_token", "renewal"
_GIVEN = "api_token"

_NEWEST = sa.text("""
SELECT c.secret, extract(epoch FROM now() - c.created_at) AS age_s,
       extract(epoch FROM c.expires_at - c.created_at) AS lives_s,
       extract(epoch FROM c.expires_at - now()) AS left_s
FROM lightfast_source_credentials c
WHERE c.connection_id = :connection_id AND c.kind = :kind
  AND (c.expires_at IS NULL OR c.expires_at > now())
ORDER BY c.id DESC LIMIT 1
""")
# Of two that begin or end a renewal at once the second waits here, and then sees what the first
# wrote. What a person gives meanwhile comes before or after it.
_LOCK_GIVEN = sa.text("""
SELECT id, secret FROM lightfast_source_credentials
WHERE connection_id = :connection_id AND kind = :given
ORDER BY id DESC LIMIT 1 FOR UPDATE
""")
_TAKE_LEASE = sa.text("""
INSERT INTO lightfast_source_credentials (connection_id, kind, secret, expires_at)
SELECT CAST(:connection_id AS varchar), CAST(:lease AS varchar), CAST(:secret AS bytea),
       now() + make_interval(secs => :seconds)
WHERE NOT EXISTS (SELECT FROM lightfast_source_credentials
                  WHERE connection_id = :connection_id AND kind = :lease AND expires_at > now())
RETURNING id
""")
_END_LEASE = sa.text("""
DELETE FROM lightfast_source_credentials
WHERE connection_id = :connection_id AND kind = :lease AND (id = :id OR expires_at <= now())
""")
_REPLACE_GIVEN = sa.text("""
UPDATE lightfast_source_credentials SET secret = :secret WHERE id = :id
""")
_FORGET = sa.text("""
DELETE FROM lightfast_source_credentials
WHERE connection_id = :connection_id AND kind = ANY(CAST(:kinds AS varchar[]))
""")
_ADD = sa.text("""
INSERT INTO lightfast_source_credentials (connection_id, kind, secret, expires_at)
VALUES (:connection_id, :kind, :secret, now() + make_interval(secs => CAST(:lives_s AS float)))
""")


@dataclass(frozen=True, slots=True)
class StoredToken:
    """A token that was made, sealed.

    age_s: seconds since it was stored. lives_s, left_s: how long it lives in all, and from now on;
        None where it has no end.
    """

    sealed: bytes = field(repr=False)
    age_s: float
    lives_s: float | None
    left_s: float | None


@dataclass(frozen=True, slots=True)
class Given:
    """What a person gave, of which tokens are made: its row, and the secret, sealed."""

    id: int
    sealed: bytes = field(repr=False)


def newest(conn: sa.Connection, connection_id: str) -> StoredToken | None:
    """The last token that was made and has not ended; None where there is none."""
    told = {"connection_id": connection_id, "kind": ACCESS_TOKEN}
    row = conn.execute(_NEWEST, told).one_or_none()
    if row is None:
        return None
    lives_s, left_s = (None if one is None else float(one) for one in (row.lives_s, row.left_s))
    return StoredToken(bytes(row.secret), float(row.age_s), lives_s, left_s)


def lock_given(conn: sa.Connection, connection_id: str) -> Given | None:
    """What tokens are made of, locked until the commit; None where nothing is given any more."""
    told = {"connection_id": connection_id, "given": _GIVEN}
    row = conn.execute(_LOCK_GIVEN, told).one_or_none()
    return None if row is None else Given(row.id, bytes(row.secret))


def take_lease(
    conn: sa.Connection, connection_id: str, sealed: bytes, *, seconds: float
) -> int | None:
    """Take the lease for so long; its id, None while another has it. To be called under the lock.

    `sealed` is what its row holds: any text, sealed as all secrets are.
    """
    wanted = {"connection_id": connection_id, "lease": LEASE, "secret": sealed, "seconds": seconds}
    id_: int | None = conn.execute(_TAKE_LEASE, wanted).scalar_one_or_none()
    return id_


def keep(conn: sa.Connection, connection_id: str, sealed: bytes, *, lives_s: float | None) -> None:
    """Store a token in the place of the former ones, and end the lease. Under the lock as well."""
    forget(conn, connection_id)
    made = {"connection_id": connection_id, "kind": ACCESS_TOKEN}
    conn.execute(_ADD, made | {"secret": sealed, "lives_s": lives_s})


def replace_given(conn: sa.Connection, id_: int, sealed: bytes) -> None:
    """Put what the next token is made from in the place of what the last was. Under the lock."""
    conn.execute(_REPLACE_GIVEN, {"id": id_, "secret": sealed})


def end_lease(conn: sa.Connection, connection_id: str, lease: int) -> None:
    """Give the lease back."""
    conn.execute(_END_LEASE, {"connection_id": connection_id, "lease": LEASE, "id": lease})


def forget(conn: sa.Connection, connection_id: str) -> None:
    """Forget the tokens that were made, and the lease of whoever makes one."""
    kinds = [ACCESS_TOKEN, LEASE]
    conn.execute(_FORGET, {"connection_id": connection_id, "kinds": kinds})
