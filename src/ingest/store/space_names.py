"""The SQL of what spaces (repositories, teams, projects) are called, and who is after them.

Which name is the one of now follows from all that was told, in `core.naming`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from ingest.core.naming import NameTold
from ingest.core.values import JSON
from ingest.store.rows import as_json

_LANES = 64


@dataclass(frozen=True, order=True, slots=True)
class Space:
    """What has a name, in one store. `space`: its id in the scope, `""` for the scope itself."""

    store_id: str
    source_type: str
    scope: str
    space: str


@dataclass(frozen=True, slots=True)
class FedDocument:
    """A document that a connection spoke for. visible: it is not withheld. is_live: it stands."""

    document_id: str
    identity: str
    store_id: str
    scope: str
    visible: bool
    is_live: bool


_SPACES = """
jsonb_to_recordset(CAST(:spaces AS jsonb)) AS s(
  store_id varchar, source_type source_type, scope text, space text)
"""
_COLUMNS = (
    "n.store_id, CAST(n.source_type AS text), n.scope, n.space, n.name, n.before, n.at, n.sure_at"
)
_READ = sa.text(f"""
SELECT {_COLUMNS} FROM {_SPACES}
JOIN lightfast_space_names n USING (store_id, source_type, scope, space)
""")
_OF_STORES = sa.text(f"""
SELECT {_COLUMNS} FROM lightfast_space_names n WHERE n.store_id = ANY(CAST(:stores AS varchar[]))
""")
_EVERY = sa.text(f"SELECT {_COLUMNS} FROM lightfast_space_names n")
# Of two that tell one space's names, the later one sees both, in a statement after its lock.
_ALONE = sa.text(f"""
SELECT pg_advisory_xact_lock(hashtext('lightfast_space_names'), lane)
FROM (SELECT DISTINCT mod(hashtext(s.scope || s.space) & 2147483647, {_LANES}) AS lane
      FROM {_SPACES} ORDER BY 1) AS lanes
""")
_TELL = sa.text("""
INSERT INTO lightfast_space_names AS n
  (store_id, source_type, scope, space, name, before, at, sure_at)
SELECT store_id, source_type, scope, space, name, before, at, sure_at
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
  store_id varchar, source_type source_type, scope text, space text, name varchar, before varchar,
  at bigint, sure_at bigint)
JOIN lightfast_stores st ON st.id = r.store_id
ON CONFLICT (store_id, source_type, scope, space, name, before) DO UPDATE
  SET at = greatest(n.at, excluded.at), sure_at = greatest(n.sure_at, excluded.sure_at)
  WHERE n.at < excluded.at OR n.sure_at < excluded.sure_at
""")
_CONNECTIONS = sa.text("""
SELECT s.id, s.source_metadata FROM lightfast_store_sources l
JOIN lightfast_connected_sources s ON s.id = l.source_id
WHERE l.store_id = :store_id AND s.source_type = CAST(:source_type AS source_type) ORDER BY s.id
""")
_FED = sa.text("""
SELECT f.document_id, CAST(l.identity AS text), l.store_id, l.scope, l.visible, l.state = 'live'
FROM (SELECT document_id FROM lightfast_document_feeds
      WHERE connection_id = :connection_id AND document_id > :after
      ORDER BY document_id LIMIT :limit) f
JOIN lightfast_document_ledger l ON l.document_id = f.document_id
WHERE l.state <> 'unknown' ORDER BY f.document_id
""")
_UNTIL = sa.text("""
SELECT max(document_id), count(*) FROM (
  SELECT document_id FROM lightfast_document_feeds
  WHERE connection_id = :connection_id AND document_id > :after
  ORDER BY document_id LIMIT :limit) f
""")
_FORGET = sa.text("""
DELETE FROM lightfast_space_names n
USING lightfast_connected_sources s, lightfast_store_sources f
WHERE s.id = :connection_id AND f.source_id = s.id
  AND n.store_id = f.store_id AND n.source_type = s.source_type AND n.scope = :scope
  AND NOT EXISTS (
    SELECT FROM lightfast_store_sources o
    JOIN lightfast_connection_scopes c ON c.connection_id = o.source_id
    WHERE o.store_id = f.store_id AND o.source_id <> s.id
      AND c.source_type = s.source_type AND c.tenant = :tenant)
""")


def read(conn: sa.Connection, spaces: Collection[Space]) -> dict[Space, tuple[NameTold, ...]]:
    """What was told of these spaces' names, for those of which anything was. Locks nothing."""
    if not spaces:
        return {}
    return _by_space(conn.execute(_READ, {"spaces": _as_spaces(spaces)}))


def of_stores(conn: sa.Connection, store_ids: Collection[str]) -> dict[Space, tuple[NameTold, ...]]:
    """The same of all spaces of stores."""
    if not store_ids:
        return {}
    return _by_space(conn.execute(_OF_STORES, {"stores": list(store_ids)}))


def every(conn: sa.Connection) -> dict[Space, tuple[NameTold, ...]]:
    """The same of all there are."""
    return _by_space(conn.execute(_EVERY))


def lock(conn: sa.Connection, spaces: Collection[Space]) -> None:
    """Keep others from telling of these spaces' names until the commit; in one order."""
    conn.execute(_ALONE, {"spaces": _as_spaces(spaces)})


def tell(conn: sa.Connection, told: Mapping[Space, Iterable[NameTold]]) -> None:
    """Write what was told; of what is known the newest times stay. Of a lost store nothing."""
    rows = [
        {
            **_plain(space),
            "name": one.name,
            "before": one.before,
            "at": one.at,
            "sure_at": one.sure_at,
        }
        for space in sorted(told)
        for one in told[space]
    ]
    if rows:
        conn.execute(_TELL, {"rows": as_json(rows)})


def connections(
    conn: sa.Connection, store_id: str, source_type: str
) -> list[tuple[str, Mapping[str, JSON]]]:
    """The connections of that type that feed a store: id and metadata."""
    given = {"store_id": store_id, "source_type": source_type}
    return [(row.id, row.source_metadata) for row in conn.execute(_CONNECTIONS, given)]


def fed(
    conn: sa.Connection, connection_id: str, *, after: str, limit: int
) -> tuple[list[FedDocument], str | None]:
    """Those of the next `limit` documents that a connection ever spoke for of which anything is
    known, behind the id `after`; and the last id, None where no more follow.
    """
    given = {"connection_id": connection_id, "after": after, "limit": limit}
    until, found = conn.execute(_UNTIL, given).one()
    rows = conn.execute(_FED, given) if found else ()
    return [FedDocument(*row) for row in rows], until if found == limit else None


def forget(conn: sa.Connection, connection_id: str, *, scope: str, tenant: str) -> None:
    """Delete what was told of a scope's names in the stores that no other connection of its tenant
    feeds.
    """
    conn.execute(_FORGET, {"connection_id": connection_id, "scope": scope, "tenant": tenant})


def _by_space(rows: Iterable[Sequence[Any]]) -> dict[Space, tuple[NameTold, ...]]:
    found: dict[Space, list[NameTold]] = {}
    for row in rows:
        found.setdefault(Space(*row[:4]), []).append(NameTold(*row[4:]))
    return {space: tuple(told) for space, told in found.items()}


def _plain(space: Space) -> dict[str, str]:
    return {
        "store_id": space.store_id,
        "source_type": space.source_type,
        "scope": space.scope,
        "space": space.space,
    }


def _as_spaces(spaces: Iterable[Space]) -> str:
    return as_json(_plain(space) for space in spaces)
