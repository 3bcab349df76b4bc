"""What people are shown of a connection that goes on all the same: by name, and of what.

A flag stands until what it says is over: an object that is refused is shown after all, an app is
installed again. Of one name and connection the newest `MOST_KEPT` are kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa

from ingest.store.rows import as_json

DENIED = "denied"
"""The provider shows the token everything else, and not this object."""
UNVERIFIED = "unverified"
"""Requests to the connection's own route bear no signature of a secret that it has."""
MOST_KEPT = 100
_LONGEST = 255

_RAISE = sa.text("""
INSERT INTO lightfast_connection_flags AS f (connection_id, flag, subject, said)
SELECT s.id, r.flag, r.subject, r.said
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
  connection_id varchar, flag varchar, subject varchar, said text)
JOIN lightfast_connected_sources s ON s.id = r.connection_id
ORDER BY s.id, r.flag, r.subject
ON CONFLICT (connection_id, flag, subject) DO UPDATE
  SET said = excluded.said, flagged_at = now()
""")
# What is right again stays known, so that an older word that comes late says nothing.
_TELL = sa.text("""
INSERT INTO lightfast_connection_flags AS f (connection_id, flag, said, version)
SELECT s.id, r.flag, r.said, r.version
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
  connection_id varchar, flag varchar, said text, version bigint)
JOIN lightfast_connected_sources s ON s.id = r.connection_id
ORDER BY s.id, r.flag
ON CONFLICT (connection_id, flag, subject) DO UPDATE
  SET said = excluded.said, version = excluded.version, flagged_at = now()
  WHERE f.version <= excluded.version
RETURNING f.connection_id, f.said
""")
_FORGET = sa.text("""
DELETE FROM lightfast_connection_flags f
USING (SELECT ctid, row_number() OVER (PARTITION BY connection_id, flag
                                       ORDER BY flagged_at DESC, subject) AS place
       FROM lightfast_connection_flags WHERE connection_id = ANY(CAST(:ids AS varchar[]))) old
WHERE f.ctid = old.ctid AND old.place > :most
""")
_LOWER = sa.text("""
DELETE FROM lightfast_connection_flags f
USING jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
  connection_id varchar, flag varchar, subject varchar)
WHERE f.connection_id = r.connection_id AND f.flag = r.flag AND f.subject = r.subject
RETURNING f.connection_id
""")
_CLEAR = sa.text("DELETE FROM lightfast_connection_flags WHERE connection_id = :connection_id")
_CLEAR_ONE = sa.text("""
DELETE FROM lightfast_connection_flags WHERE connection_id = :connection_id AND flag = :flag
""")
_READ = sa.text("""
SELECT flag, subject, said, flagged_at FROM lightfast_connection_flags
WHERE connection_id = :connection_id AND said IS NOT NULL ORDER BY flagged_at DESC, flag, subject
""")


@dataclass(frozen=True, slots=True)
class Word:
    """What a provider said of a connection at a time (its own, in microseconds): that something is
    wrong, or that it is right again (`said` is None).
    """

    connection_id: str
    flag: str
    said: str | None
    version: int


@dataclass(frozen=True, slots=True)
class Flag:
    """One flag of a connection. subject: of which object; empty where it is of the connection."""

    connection_id: str
    flag: str
    subject: str = ""
    said: str = ""


def raise_all(conn: sa.Connection, flags: Sequence[Flag]) -> None:
    """Show these; one that is shown already says the newer words. None for a connection that is not
    there. In the order of their keys, so that two who raise some at once wait and do not deadlock.
    """
    if not flags:
        return
    unique = {(one.connection_id, one.flag, one.subject[:_LONGEST]): one for one in flags}
    rows = [{**asdict(one), "subject": subject} for (_, _, subject), one in sorted(unique.items())]
    conn.execute(_RAISE, {"rows": as_json(rows)})
    ids = sorted({one.connection_id for one in flags})
    conn.execute(_FORGET, {"ids": ids, "most": MOST_KEPT})


def tell(conn: sa.Connection, words: Sequence[Word]) -> list[tuple[str, str | None]]:
    """Show what is wrong with connections, and no more what is right again; (connection id, what is
    said) of the words that are not older than what was known.
    """
    newest: dict[tuple[str, str], Word] = {}
    for one in words:
        known = newest.get((one.connection_id, one.flag))
        if known is None or known.version <= one.version:
            newest[one.connection_id, one.flag] = one
    if not newest:
        return []
    rows = [asdict(one) for _, one in sorted(newest.items())]
    return [(row.connection_id, row.said) for row in conn.execute(_TELL, {"rows": as_json(rows)})]


def lower_all(conn: sa.Connection, flags: Sequence[Flag]) -> frozenset[str]:
    """Show these no more, whatever they say; the connections of which any was shown."""
    if not flags:
        return frozenset()
    rows = [{**asdict(one), "subject": one.subject[:_LONGEST]} for one in flags]
    return frozenset(conn.execute(_LOWER, {"rows": as_json(rows)}).scalars())


def clear(conn: sa.Connection, connection_id: str, flag: str | None = None) -> None:
    """Show nothing of the connection any more; of one name, where it is given."""
    if flag is None:
        conn.execute(_CLEAR, {"connection_id": connection_id})
    else:
        conn.execute(_CLEAR_ONE, {"connection_id": connection_id, "flag": flag})


def read(conn: sa.Connection, connection_id: str) -> list[dict[str, Any]]:
    """The flags of a connection, the newest first: `flag`, `subject`, `said`, `flagged_at`."""
    rows = conn.execute(_READ, {"connection_id": connection_id}).mappings()
    return [dict(row) for row in rows]
