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
# Of two that begin at once the second waits here, and then sees the lease of the first. What a
# person gives meanwhile comes before or after it.
_LOCK_GIVEN = sa.text("""
SELECT id, secret FROM lightfast_source_credentials
WHERE connection_id = :connection_id AND kind = :given
ORDER BY id DESC LIMIT 1 FOR UPDATE
""")
_BEGIN = sa.text("""
INSERT INTO lightfast_source_credentials (connection_id, kind, secret, expires_at)
SELECT :connection_id, :lease, :secret, now() + make_interval(secs => :seconds)
WHERE NOT EXISTS (SELECT FROM lightfast_source_credentials
                  WHERE connection_id = :connection_id AND kind = :lease AND expires_at > now())
RETURNING id
""")
_END = sa.text("""
DELETE FROM lightfast_source_credentials
WHERE connection_id = :connection_id AND kind = :lease AND (id = :id OR expires_at <= now())
""")
# Only of what it was made of: a person may have given something else meanwhile, or a process whose
# lease had run out may have come first.
_REPLACE_GIVEN = sa.text("""
UPDATE lightfast_source_credentials SET secret = coalesce(CAST(:after AS bytea), secret)
WHERE id = :id AND secret = :before
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
class Lease:
    """The right to make one token: its row, and what a person gave, with that row, sealed."""

    id: int
    given_id: int
    given: bytes = field(repr=False)


def newest(conn: sa.Connection, connection_id: str) -> StoredToken | None:
    """The last token that was made and has not ended; None where there is none."""
    given = {"connection_id": connection_id, "kind": ACCESS_TOKEN}
    row = conn.execute(_NEWEST, given).one_or_none()
    if row is None:
        return None
    lives_s, left_s = (None if told is None else float(told) for told in (row.lives_s, row.left_s))
    return StoredToken(bytes(row.secret), float(row.age_s), lives_s, left_s)


def begin(
    conn: sa.Connection, connection_id: str, secret: bytes, *, seconds: float
) -> Lease | None:
    """Take the lease for so long; None while another has it, or where nothing is given any more.

    `secret` is what its row holds, sealed as any other.
    """
    told = {"connection_id": connection_id, "given": _GIVEN}
    kept = conn.execute(_LOCK_GIVEN, told).one_or_none()
    if kept is None:
        return None
    wanted = {"connection_id": connection_id, "lease": LEASE, "secret": secret, "seconds": seconds}
    id_ = conn.execute(_BEGIN, wanted).scalar_one_or_none()
    return None if id_ is None else Lease(id_, kept.id, bytes(kept.secret))


def keep(
    conn: sa.Connection,
    connection_id: str,
    lease: Lease,
    sealed: bytes,
    *,
    lives_s: float | None,
    given: bytes | None,
) -> bool:
    """Store a token in the place of the former ones, and with it what the next is made from.

    `given` is that, sealed; None where it stays. Ends the lease. False, and nothing is stored,
    where a person gave something else meanwhile, or another process came first.
    """
    replaced = {"id": lease.given_id, "before": lease.given, "after": given}
    if conn.execute(_REPLACE_GIVEN, replaced).rowcount != 1:
        return False
    forget(conn, connection_id)
    made = {"connection_id": connection_id, "kind": ACCESS_TOKEN}
    conn.execute(_ADD, made | {"secret": sealed, "lives_s": lives_s})
    return True


def end(conn: sa.Connection, connection_id: str, lease: Lease) -> None:
    """Give the lease back."""
    conn.execute(_END, {"connection_id": connection_id, "lease": LEASE, "id": lease.id})


def forget(conn: sa.Connection, connection_id: str) -> None:
    """Forget the tokens that were made, and the lease of whoever makes one."""
    kinds = [ACCESS_TOKEN, LEASE]
    conn.execute(_FORGET, {"connection_id": connection_id, "kinds": kinds})
