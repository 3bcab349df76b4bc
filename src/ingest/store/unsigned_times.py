"""When a connection told what, where nobody signs the time: of one body the earliest time counts.

Otherwise whoever captured a body could turn the clock back, by sending it again as if it were new.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa


@dataclass(frozen=True, slots=True)
class UnsignedTime:
    """What one body of a connection says, of which nobody signs when it was said.

    fact: the body's digest, as in `facts`. object: what it speaks of, hashed as look-ups name it.
    version: the place in time that its changes have: the first twenty characters of their rank.
    """

    connection_id: str
    fact: str
    version: str
    object: str
    delivery_id: int


Key = tuple[str, str]
"""(connection, fact)."""

_GIVEN = """
unnest(CAST(:connections AS varchar[]), CAST(:facts AS uuid[]), CAST(:versions AS text[]),
       CAST(:objects AS uuid[]), CAST(:deliveries AS bigint[]))
  AS t(connection_id, fact, version, object, delivery_id)
"""
# Of two workers with one body the second waits here for the first.
_TELL = sa.text(f"""
INSERT INTO lightfast_unsigned_times (connection_id, fact, version, object, delivery_id)
SELECT connection_id, fact, version, object, delivery_id FROM {_GIVEN}
ON CONFLICT DO NOTHING
RETURNING connection_id, CAST(fact AS text) AS fact
""")
_KNOWN = sa.text(f"""
SELECT k.connection_id, CAST(k.fact AS text) AS fact, k.version
FROM {_GIVEN} JOIN lightfast_unsigned_times k USING (connection_id, fact)
ORDER BY k.connection_id, k.fact FOR NO KEY UPDATE OF k
""")
_LOWER = sa.text(f"""
UPDATE lightfast_unsigned_times k SET version = t.version, delivery_id = t.delivery_id
FROM {_GIVEN} WHERE k.connection_id = t.connection_id AND k.fact = t.fact
""")
_BETWEEN = sa.text("""
SELECT delivery_id FROM lightfast_unsigned_times
WHERE connection_id = :connection_id AND object = CAST(:object AS uuid)
  AND version >= :after AND version <= :before AND fact <> CAST(:fact AS uuid)
""")


def tell(conn: sa.Connection, told: Sequence[UnsignedTime]) -> dict[Key, str]:
    """Keep the earliest version of each (one for each key); what was known of it before.

    The rows are locked until the commit.
    """
    ordered = sorted(told, key=_key)
    if not ordered:
        return {}
    new = {(row.connection_id, row.fact) for row in conn.execute(_TELL, _given(ordered))}
    old = [one for one in ordered if _key(one) not in new]
    if not old:
        return {}
    known = {(r.connection_id, r.fact): r.version for r in conn.execute(_KNOWN, _given(old))}
    earlier = [one for one in old if _key(one) in known and one.version < known[_key(one)]]
    if earlier:
        conn.execute(_LOWER, _given(earlier))
    return known


def between(conn: sa.Connection, one: UnsignedTime, *, before: str) -> list[int]:
    """The deliveries of other bodies that told of the same thing between this version and `before`,
    both included: within one version other things decide.
    """
    given = {
        "connection_id": one.connection_id,
        "object": one.object,
        "after": one.version,
        "fact": one.fact,
        "before": before,
    }
    return list(conn.execute(_BETWEEN, given).scalars())


def _key(one: UnsignedTime) -> Key:
    return one.connection_id, one.fact


def _given(told: Collection[UnsignedTime]) -> Mapping[str, object]:
    return {
        "connections": [one.connection_id for one in told],
        "facts": [one.fact for one in told],
        "versions": [one.version for one in told],
        "objects": [one.object for one in told],
        "deliveries": [one.delivery_id for one in told],
    }
