"""Messages that were refused: the newest thousand, and how many there were in all.

Nobody's signature vouches for one, so no body is kept, and whoever sends many fills nothing.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa

MOST_KEPT = 1_000

_KEEP = sa.text("""
INSERT INTO lightfast_refused_messages
  (source_type, connection_id, answer, reason, size, digest)
VALUES (:source_type, :connection_id, :answer, :reason, :size, :digest) RETURNING id
""")
# Ids only grow, and some are skipped: so many at most are left.
_FORGET = sa.text("DELETE FROM lightfast_refused_messages WHERE id <= :id - :most")
_COUNT = sa.text("""
INSERT INTO lightfast_refused_message_counts AS c (source_type, answer, seen)
VALUES (:known, :answer, 1)
ON CONFLICT (source_type, answer) DO UPDATE SET seen = c.seen + 1
""")
_COUNTS = sa.text("""
SELECT source_type, answer, seen FROM lightfast_refused_message_counts
ORDER BY source_type, answer
""")
_LISTING = sa.text("""
SELECT id, refused_at, source_type, connection_id, answer, reason, size, digest
FROM lightfast_refused_messages ORDER BY id DESC LIMIT :limit
""")
_LATELY = sa.text("""
SELECT count(*) AS messages, max(id) AS last FROM lightfast_refused_messages
WHERE refused_at > now() - make_interval(secs => :recent_s)
""")
_REASON = sa.text("SELECT reason FROM lightfast_refused_messages WHERE id = :id")
_OF_CONNECTION = sa.text("DELETE FROM lightfast_refused_messages WHERE connection_id = :id")


@dataclass(frozen=True, slots=True)
class RefusedMessage:
    """A message as it was told, cut to what can be stored. `known` is a source's name or `unknown`;
    `answer` is the status that HTTP would have had for it, `digest` the SHA-256 of its body in hex.
    """

    known: str
    answer: str
    reason: str
    source_type: str | None = None
    connection_id: str | None = None
    size: int | None = None
    digest: str | None = None


@dataclass(frozen=True, slots=True)
class Count:
    """So many were refused, of one source and with one answer, since the database was made."""

    source_type: str
    answer: str
    seen: int


def record(conn: sa.Connection, refusal: RefusedMessage) -> None:
    """Keep a refused message, forget what is over `MOST_KEPT`, and count it.

    The counter of its source and answer is locked until the commit.
    """
    told = asdict(refusal)
    id_ = conn.execute(_KEEP, told).scalar_one()
    conn.execute(_FORGET, {"id": id_, "most": MOST_KEPT})
    conn.execute(_COUNT, told)


def counts(conn: sa.Connection) -> list[Count]:
    """All of them: sources times answers at most."""
    return [Count(row.source_type, row.answer, row.seen) for row in conn.execute(_COUNTS)]


def listing(conn: sa.Connection, *, limit: int) -> list[dict[str, Any]]:
    """Those that are kept, the newest first."""
    return [dict(row) for row in conn.execute(_LISTING, {"limit": limit}).mappings()]


def lately(conn: sa.Connection, *, recent_s: float) -> tuple[int, str | None]:
    """How many of the kept ones are so new, and the reason of the newest."""
    found = conn.execute(_LATELY, {"recent_s": recent_s}).one()
    if not found.messages:
        return 0, None
    return found.messages, conn.execute(_REASON, {"id": found.last}).scalar_one_or_none()


def forget_connection(conn: sa.Connection, connection_id: str) -> None:
    """Those that named this connection, as part of its erasure."""
    conn.execute(_OF_CONNECTION, {"id": connection_id})
