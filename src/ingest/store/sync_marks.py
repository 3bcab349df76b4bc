"""The SQL between two runs: from where the next one lists, and what a whole one did not see."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa

from ingest.core.values import JSON


@dataclass(frozen=True, slots=True)
class SyncMark:
    """What the last complete listing of a resource left.

    through: when it began; whole_at: when the last one began that listed all. Both the database's.
    """

    scope: str
    through: datetime
    whole_at: datetime | None
    made_by: str | None
    kept: JSON


@dataclass(frozen=True, slots=True)
class Finished:
    """A list of a run that has ended."""

    resource: str
    state: str
    since: datetime | None
    seen: int
    gap: str | None
    last_error: str | None


@dataclass(frozen=True, slots=True)
class UnseenRow:
    """A document of the connection that a run has not seen. `identity` is the ledger's.

    under_unseen: its parent has not been seen either, and takes it along. parent_seen: the run has
    seen that.
    """

    identity: str
    document_id: str
    store_id: str
    source_type: str
    scope: str
    kind: str
    external_id: str
    source_id: str
    source_metadata: Mapping[str, JSON]
    created_at: datetime
    under_unseen: bool
    parent_scope: str | None
    parent_kind: str | None
    parent_id: str | None
    parent_seen: bool

    @property
    def parent(self) -> tuple[str, str, str] | None:
        """The scope, kind and id of what it stands in; None where that is unknown."""
        scope, kind, id_ = self.parent_scope, self.parent_kind, self.parent_id
        return None if scope is None or kind is None or id_ is None else (scope, kind, id_)


_MARKS = sa.text("""
SELECT resource, scope, through, whole_at, made_by, kept FROM lightfast_sync_marks
WHERE connection_id = :connection_id
""")
_MARK = sa.text("""
INSERT INTO lightfast_sync_marks AS m
  (connection_id, resource, scope, through, whole_at, made_by, kept)
SELECT r.connection_id, p.resource, r.scope, p.started_at,
       CASE WHEN p.since IS NULL AND p.gap IS NULL THEN p.started_at END,
       CASE WHEN p.since IS NULL AND p.gap IS NULL THEN p.made_by END,
       CAST(:kept AS jsonb)
FROM lightfast_sync_parts p JOIN lightfast_sync_runs r ON r.id = p.run_id
WHERE p.run_id = :run_id AND p.resource = :resource AND (p.since IS NULL OR p.gap IS NULL)
ON CONFLICT (connection_id, resource) DO UPDATE
  SET through = CASE WHEN m.scope = excluded.scope THEN greatest(m.through, excluded.through)
                     ELSE excluded.through END,
      whole_at = coalesce(excluded.whole_at,
                          CASE WHEN m.scope = excluded.scope THEN m.whole_at END),
      made_by = coalesce(excluded.made_by,
                         CASE WHEN m.scope = excluded.scope THEN m.made_by END),
      kept = excluded.kept, scope = excluded.scope
""")
_FINISHED = sa.text("""
SELECT resource, state, since, seen, gap, last_error FROM lightfast_sync_parts
WHERE run_id = :run_id AND resource <> 'end' ORDER BY position
""")
# In sight, fed by the connection, of kinds that were listed whole; neither seen by the run nor by a
# look-up since it began, nor written or first heard of since. A fence stands behind the version.
_FED = """
FROM lightfast_document_feeds f
JOIN lightfast_document_ledger l ON l.document_id = f.document_id
JOIN lightfast_docs_documents d ON d.id = f.document_id
"""
# OFFSET 0: looked for in the index, row by row. Nobody has statistics of a run that is under way,
# so that a join would compare each document with all that it has seen.
_PARENTS = """
LEFT JOIN lightfast_document_ledger p ON p.identity = l.parent
LEFT JOIN LATERAL (SELECT n.run_id FROM lightfast_sync_seen n
                   WHERE n.run_id = :run_id AND n.identity = l.parent OFFSET 0) n ON true
"""
_STANDING = """
WHERE f.connection_id = :connection_id AND f.feeding AND l.state = 'live' AND l.visible
  AND l.kind = ANY(CAST(:kinds AS varchar[]))
"""
_UNSEEN = f"""{_FED}{_PARENTS}{_STANDING}
  AND NOT EXISTS (SELECT FROM lightfast_sync_seen s
                  WHERE s.run_id = :run_id AND s.identity = l.identity OFFSET 0)
  AND (substr(l.rank, 22, 1) <> '1' OR substr(l.rank, 24, 19) < lpad(:fence, 19, '0'))
  AND d.updated_at < CAST(:began_at AS timestamptz) AT TIME ZONE 'UTC'
  AND (l.heard_at IS NULL OR l.heard_at < :began_at)
"""
_STANDING_COUNTS = sa.text(f"""
SELECT l.kind, count(*) {_FED}{_STANDING} AND (l.heard_at IS NULL OR l.heard_at < :began_at)
GROUP BY l.kind
""")
_STEP = sa.text(f"""
SELECT CAST(l.identity AS text), l.document_id, l.store_id, CAST(l.source_type AS text), l.scope,
       l.kind, l.external_id, d.source_id, d.source_metadata, d.created_at AT TIME ZONE 'UTC',
       coalesce(p.state = 'live' AND p.kind = ANY(CAST(:kinds AS varchar[])) AND n.run_id IS NULL,
                false) AS under_unseen,
       p.scope AS parent_scope, p.kind AS parent_kind, p.external_id AS parent_id,
       n.run_id IS NOT NULL AS parent_seen
{_UNSEEN} AND f.document_id > :after
ORDER BY f.document_id LIMIT :limit
""")
_PENDING = sa.text("""
SELECT count(*) FROM lightfast_lookups WHERE connection_id = :connection_id AND run_id = :run_id
""")


def marks(conn: sa.Connection, connection_id: str) -> dict[str, SyncMark]:
    """The marks of a connection, by resource."""
    rows = conn.execute(_MARKS, {"connection_id": connection_id})
    return {row[0]: SyncMark(*row[1:]) for row in rows}


def mark(conn: sa.Connection, run_id: int, resource: str, *, kept: JSON) -> None:
    """Let the next run begin where this list began; to be called where it ends.

    A list with a gap moves nothing where it was no listing of all, and counts as none where it was.
    """
    given = {"run_id": run_id, "resource": resource, "kept": orjson.dumps(kept).decode()}
    conn.execute(_MARK, given)


def finished(conn: sa.Connection, run_id: int) -> list[Finished]:
    """The lists of a run, as they ended."""
    return [Finished(*row) for row in conn.execute(_FINISHED, {"run_id": run_id})]


def standing(
    conn: sa.Connection, connection_id: str, kinds: Collection[str], *, began_at: datetime
) -> dict[str, int]:
    """How many documents in sight the connection feeds, by kind; of those known before then."""
    given = {"connection_id": connection_id, "kinds": list(kinds), "began_at": began_at}
    return {row[0]: row[1] for row in conn.execute(_STANDING_COUNTS, given)}


def unseen(
    conn: sa.Connection,
    connection_id: str,
    *,
    run_id: int,
    kinds: Collection[str],
    fence: int,
    began_at: datetime,
    after: str,
    limit: int,
) -> Sequence[UnseenRow]:
    """Documents that the run has not seen and nobody touched since it began, by document id.

    A step of `limit`, of those behind the document id `after`.
    """
    given: dict[str, Any] = {
        "connection_id": connection_id,
        "run_id": run_id,
        "kinds": list(kinds),
        "fence": str(fence),
        "began_at": began_at,
        "after": after,
        "limit": limit,
    }
    return [UnseenRow(*row) for row in conn.execute(_STEP, given)]


def pending(conn: sa.Connection, connection_id: str, run_id: int) -> int:
    """How many look-ups of a run are still to be made."""
    given = {"connection_id": connection_id, "run_id": run_id}
    found: int = conn.execute(_PENDING, given).scalar_one()
    return found
