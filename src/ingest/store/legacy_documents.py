"""The SQL of documents that come out of an archive: what is known of them, and what they keep."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa


@dataclass(frozen=True, slots=True)
class KnownDocument:
    """What the ledger has of a document: a few of its columns."""

    identity: str
    document_id: str
    store_id: str
    slug: str
    made: str | None


_KNOWN = sa.text("""
SELECT CAST(identity AS text), document_id, store_id, slug, made FROM lightfast_document_ledger
WHERE identity = ANY(CAST(:identities AS uuid[]))
UNION
SELECT CAST(identity AS text), document_id, store_id, slug, made FROM lightfast_document_ledger
WHERE document_id = ANY(CAST(:ids AS varchar[]))
""")
_SLUGS = sa.text("""
SELECT d.store_id, d.slug FROM lightfast_docs_documents d
JOIN unnest(CAST(:stores AS varchar[]), CAST(:slugs AS varchar[])) AS s(store_id, slug)
  USING (store_id, slug)
""")
# Of documents that are out of sight or gone: they come back under the slugs that they had.
_HIDDEN_SLUGS = sa.text("""
SELECT l.slug FROM lightfast_document_ledger l
WHERE l.store_id = :store_id
  AND NOT EXISTS (SELECT FROM lightfast_docs_documents d WHERE d.id = l.document_id)
""")
_TOLD = sa.text("""
SELECT l.store_id, l.external_id, array_agg(l.document_id ORDER BY l.document_id)
FROM lightfast_document_ledger l
JOIN unnest(CAST(:stores AS varchar[]), CAST(:paths AS text[])) AS t(store_id, external_id)
  USING (store_id, external_id)
WHERE l.source_type = CAST(:source_type AS source_type) AND l.kind = :kind AND l.scope <> ''
GROUP BY 1, 2
""")
# What is rendered of a document without a text gives way to what the legacy row knew.
_RESTORE = sa.text("""
UPDATE lightfast_docs_documents d
SET content_hash = r.content_hash, config_hash = r.config_hash, frontmatter = r.frontmatter,
    chunk_count = r.chunk_count, created_at = r.created_at, updated_at = r.updated_at
FROM jsonb_populate_recordset(CAST(NULL AS lightfast_docs_documents), CAST(:rows AS jsonb)) r
WHERE d.id = r.id
""")
# A count is taken when all are there; nothing was ingested by what was imported.
_UNMARK = sa.text("DELETE FROM lightfast_count_marks WHERE marked_at = now() AND delta = 0")
_RECOUNT = sa.text("""
WITH taken AS (
  DELETE FROM lightfast_count_marks WHERE connection_id = ANY(CAST(:ids AS varchar[]))
), counted AS (
  SELECT s.id, (SELECT count(*) FROM lightfast_document_feeds f
                JOIN lightfast_docs_documents d ON d.id = f.document_id
                WHERE f.connection_id = s.id AND f.feeding) AS documents
  FROM lightfast_connected_sources s WHERE s.id = ANY(CAST(:ids AS varchar[]))
)
UPDATE lightfast_connected_sources s SET document_count = c.documents
FROM counted c WHERE c.id = s.id
RETURNING s.id, c.documents
""")
# The paths that came over, and what look-ups have found since, which counts first.
_SEED_STATE = sa.text("""
WITH imported AS (
  SELECT jsonb_object_agg(l.external_id, '') AS things
  FROM lightfast_document_feeds f
  JOIN lightfast_document_ledger l ON l.document_id = f.document_id
  WHERE f.connection_id = :connection_id AND f.feeding AND l.made = :made
    AND l.kind = :kind AND l.state = 'live'
)
INSERT INTO lightfast_lookup_states AS s (connection_id, object, state)
SELECT :connection_id, CAST(:object AS uuid),
       CAST(:state AS jsonb) || jsonb_build_object(CAST(:member AS text), i.things)
FROM imported i WHERE i.things IS NOT NULL
ON CONFLICT (connection_id, object) DO UPDATE
SET state = s.state || jsonb_build_object(
  CAST(:member AS text),
  (excluded.state -> CAST(:member AS text)) || coalesce(s.state -> CAST(:member AS text), '{}'))
WHERE NOT coalesce(s.state -> CAST(:member AS text), '{}')
  @> (excluded.state -> CAST(:member AS text))
""")


def known(
    conn: sa.Connection, identities: Collection[str], ids: Collection[str]
) -> list[KnownDocument]:
    """What the ledger has by these identities, and by these ids of documents."""
    given = {"identities": list(identities), "ids": list(ids)}
    return [KnownDocument(*row) for row in conn.execute(_KNOWN, given)]


def slugs_taken(
    conn: sa.Connection, wanted: Sequence[tuple[str, str]]
) -> frozenset[tuple[str, str]]:
    """Those of these (store id, slug) that documents in sight have."""
    given = {"stores": [store for store, _ in wanted], "slugs": [slug for _, slug in wanted]}
    return frozenset((row[0], row[1]) for row in conn.execute(_SLUGS, given))


def hidden_slugs(conn: sa.Connection, store_id: str) -> Iterator[str]:
    """The slugs of a store's documents that are not in sight, be they withheld or deleted."""
    return iter(conn.execute(_HIDDEN_SLUGS, {"store_id": store_id}).scalars())


def told(
    conn: sa.Connection, source_type: str, kind: str, wanted: Sequence[tuple[str, str]]
) -> Mapping[tuple[str, str], list[str]]:
    """Of these (store id, external id), those that somebody told of who knows in which scope they
    are; the documents of each, by id. Also what is deleted: nobody hears of it for the first time.
    """
    if not wanted:
        return {}
    given = {
        "source_type": source_type,
        "kind": kind,
        "stores": [store for store, _ in wanted],
        "paths": [path for _, path in wanted],
    }
    return {(row[0], row[1]): list(row[2]) for row in conn.execute(_TOLD, given)}


def restore(conn: sa.Connection, rows: str) -> None:
    """Give documents back what the legacy rows knew; `rows` is the text of a JSON array.

    Their marks to be counted that were made in this transaction are taken back: see `recount`.
    """
    conn.execute(_RESTORE, {"rows": rows})
    conn.execute(_UNMARK)


def recount(conn: sa.Connection, connection_ids: Collection[str]) -> dict[str, int]:
    """Take connections' counts of documents anew; nothing else of them is touched."""
    return {row[0]: row[1] for row in conn.execute(_RECOUNT, {"ids": list(connection_ids)})}


def seed_state(conn: sa.Connection, connection_id: str, **given: Any) -> None:
    """Tell the look-up of an `object` which things came over, as if it had found them once, and
    what they were is not known: `member` of its state names them, by id.

    given: `object`, `state` (the text of JSON: an empty state), `member`, `kind`, `made`.
    """
    conn.execute(_SEED_STATE, {"connection_id": connection_id, **given})
