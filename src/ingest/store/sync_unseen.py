"""The SQL of what a run that listed all did not see, a step of the connection's feeds at a time."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from ingest.core.values import JSON


@dataclass(frozen=True, slots=True)
class FeedStep:
    """Some feeds of a connection, in the order of document ids: those behind `after`, up to
    `until`.
    """

    connection_id: str
    after: str
    until: str


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


# So many of the feeds of a connection at a time: a statement takes as long however many it has.
_STEP_OF_FEEDS = """
WITH fed AS MATERIALIZED (
  SELECT document_id FROM lightfast_document_feeds
  WHERE connection_id = :connection_id AND feeding
    AND document_id > :after AND document_id <= :until)
"""
_FED = """
FROM fed f
JOIN lightfast_document_ledger l ON l.document_id = f.document_id
JOIN lightfast_docs_documents d ON d.id = f.document_id
"""
# OFFSET 0: looked for in the index, row by row. Nobody has statistics of a run that goes on, so
# that a join would compare each document with all that the run has seen.
_PARENTS = """
LEFT JOIN lightfast_document_ledger p ON p.identity = l.parent
LEFT JOIN LATERAL (SELECT s.run_id FROM lightfast_sync_seen s
                   WHERE s.run_id = :run_id AND s.identity = l.parent OFFSET 0) n ON true
"""
_STANDING = """
WHERE l.state = 'live' AND l.visible
  AND l.kind = ANY(CAST(:kinds AS varchar[]))
"""


def _untouched(ledger: str, document: str) -> str:
    return f"""
  (substr({ledger}.rank, 22, 1) <> '1' OR substr({ledger}.rank, 24, 19) < lpad(:fence, 19, '0'))
  AND {document}.updated_at < CAST(:began_at AS timestamptz) AT TIME ZONE 'UTC'
  AND ({ledger}.heard_at IS NULL OR {ledger}.heard_at < :began_at)
"""


# In sight, fed by the connection, of kinds that were listed whole; neither seen by the run nor by a
# look-up since it began, nor written or first heard of since. A fence stands behind the version.
_UNSEEN = f"""{_FED}{_PARENTS}{_STANDING}
  AND NOT EXISTS (SELECT FROM lightfast_sync_seen s
                  WHERE s.run_id = :run_id AND s.identity = l.identity OFFSET 0)
  AND {_untouched("l", "d")}
"""
# A parent that is unseen itself, by the same rule: one that another connection feeds is not.
_UNDER_UNSEEN = f"""
n.run_id IS NULL AND EXISTS (
  SELECT FROM lightfast_document_feeds g JOIN lightfast_docs_documents e ON e.id = g.document_id
  WHERE g.document_id = p.document_id AND g.connection_id = :connection_id AND g.feeding
    AND p.state = 'live' AND p.visible AND p.kind = ANY(CAST(:kinds AS varchar[]))
    AND {_untouched("p", "e")})
"""
_STANDING_COUNTS = sa.text(f"""
{_STEP_OF_FEEDS}
SELECT l.kind, count(*) {_FED}{_STANDING} AND (l.heard_at IS NULL OR l.heard_at < :began_at)
GROUP BY l.kind
""")
_UNTIL = sa.text("""
SELECT max(document_id) FROM (
  SELECT document_id FROM lightfast_document_feeds
  WHERE connection_id = :connection_id AND feeding AND document_id > :after
  ORDER BY document_id LIMIT :limit) f
""")
_STEP = sa.text(f"""
{_STEP_OF_FEEDS}
SELECT CAST(l.identity AS text), l.document_id, l.store_id, CAST(l.source_type AS text), l.scope,
       l.kind, l.external_id, d.source_id, d.source_metadata, d.created_at AT TIME ZONE 'UTC',
       {_UNDER_UNSEEN} AS under_unseen,
       p.scope AS parent_scope, p.kind AS parent_kind, p.external_id AS parent_id,
       n.run_id IS NOT NULL AS parent_seen
{_UNSEEN}
ORDER BY f.document_id
""")


def next_step(
    conn: sa.Connection, connection_id: str, *, after: str, limit: int
) -> FeedStep | None:
    """The next `limit` documents that the connection feeds, behind the document id `after`; None
    where there is none.
    """
    given = {"connection_id": connection_id, "after": after, "limit": limit}
    until = conn.execute(_UNTIL, given).scalar()
    return FeedStep(connection_id, after, until) if until is not None else None


def standing(
    conn: sa.Connection, step: FeedStep, kinds: Collection[str], *, began_at: datetime
) -> dict[str, int]:
    """How many documents in sight are fed, by kind; of those known before then."""
    given = {**_named(step), "kinds": list(kinds), "began_at": began_at}
    return {row[0]: row[1] for row in conn.execute(_STANDING_COUNTS, given)}


def unseen(
    conn: sa.Connection,
    step: FeedStep,
    *,
    run_id: int,
    kinds: Collection[str],
    fence: int,
    began_at: datetime,
) -> Sequence[UnseenRow]:
    """Documents that the run has not seen and nobody touched since it began, by document id."""
    given = {
        **_named(step),
        "run_id": run_id,
        "kinds": list(kinds),
        "fence": str(fence),
        "began_at": began_at,
    }
    return [UnseenRow(*row) for row in conn.execute(_STEP, given)]


def _named(step: FeedStep) -> dict[str, str]:
    return {name: getattr(step, name) for name in FeedStep.__slots__}
