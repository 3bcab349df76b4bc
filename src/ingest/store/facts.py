"""What connections have told: the digest of each signed body, and the event that it became.

The delivery id is a header that nobody signs. The same body under another id tells the same fact,
so it becomes the event that is there, and no second one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa


@dataclass(frozen=True, slots=True)
class Fact:
    """A body that a connection told, as a UUID of its digest, and the key of its event."""

    connection_id: str
    fact: str
    event_key: str


_TOLD = """
unnest(CAST(:connections AS varchar[]), CAST(:facts AS uuid[]), CAST(:keys AS varchar[]))
  AS t(connection_id, fact, event_key)
"""
# Of two workers with one fact the second waits here for the first, and reads what that one wrote.
# In one order, so that they do not wait for one another.
_TELL = sa.text(f"""
INSERT INTO lightfast_connection_facts (connection_id, fact, event_key)
SELECT connection_id, fact, event_key FROM {_TOLD}
ON CONFLICT DO NOTHING
""")
_KNOWN = sa.text(f"""
SELECT k.connection_id, CAST(k.fact AS text) AS fact, k.event_key
FROM {_TOLD} JOIN lightfast_connection_facts k USING (connection_id, fact)
WHERE k.event_key <> t.event_key
""")


def tell(conn: sa.Connection, facts: Sequence[Fact]) -> dict[tuple[str, str], str]:
    """Keep what is told for the first time; the event keys of what was told before under another
    one.

    By (connection, fact). Of two workers with one fact the second waits for the first, and reads
    what that one wrote; rows go in one order, so that they do not wait for one another.
    """
    first: dict[tuple[str, str], Fact] = {}
    for one in facts:
        first.setdefault((one.connection_id, one.fact), one)
    ordered = [first[key] for key in sorted(first)]
    if not ordered:
        return {}
    given = {
        "connections": [one.connection_id for one in ordered],
        "facts": [one.fact for one in ordered],
        "keys": [one.event_key for one in ordered],
    }
    before = {
        (one.connection_id, one.fact): first[one.connection_id, one.fact].event_key
        for one in facts
        if first[one.connection_id, one.fact].event_key != one.event_key
    }
    if conn.execute(_TELL, given).rowcount < len(ordered):
        known = conn.execute(_KNOWN, given)
        before |= {(row.connection_id, row.fact): row.event_key for row in known}
    return before
