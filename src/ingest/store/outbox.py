"""The SQL of the outbox: what triggers wrote of documents gets its positions, is read, and goes.

Law: positions follow commits. A row has none until its transaction is over, and what is given then
is above all that was given before: whoever reads upward misses nothing, and an open transaction
delays nobody else. Per document the order is that in which its transactions locked it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

STEP_ROWS = 2_000
"""Rows that get their positions, or are deleted, by one statement."""
MOST_READ = 20_000
"""Documents of one transaction that are read at once; a larger one is read in parts."""
WINDOW_ROWS = 1_000
"""Rows that are looked at for it."""

FIELDS = (
    "source_id",
    "source_metadata",
    "parent_doc_id",
    "slug",
    "content_hash",
    "config_hash",
    "frontmatter",
    "chunk_count",
    "relationships",
    "created_at",
)
"""The columns that count as a change, in the order of their bits (`lightfast_tell_changed`)."""

_FRESH = sa.text("SELECT EXISTS (SELECT FROM lightfast_document_outbox WHERE position IS NULL)")
_LAY = sa.text("INSERT INTO lightfast_outbox_head DEFAULT VALUES ON CONFLICT DO NOTHING")
_HOLD = sa.text("SELECT last FROM lightfast_outbox_head FOR UPDATE")
_TRY_HOLD = sa.text("SELECT last FROM lightfast_outbox_head FOR UPDATE SKIP LOCKED")
# Of two transactions that wrote one document the later began to write it when the other was over,
# so that its last row is the later one: transactions stay whole, and in the order of their locks.
_GIVE = sa.text("""
WITH fresh AS (
  SELECT id, documents, max(id) OVER (PARTITION BY transaction_id) AS ends FROM (
    SELECT id, documents, transaction_id FROM lightfast_document_outbox
    WHERE position IS NULL ORDER BY id LIMIT :rows) f
), placed AS (
  SELECT id, sum(documents) OVER (ORDER BY ends, id) AS through FROM fresh
), given AS (
  UPDATE lightfast_document_outbox o SET position = :last + p.through
  FROM placed p WHERE o.id = p.id RETURNING o.position
)
SELECT count(*), max(position) FROM given
""")
_HEAD_TO = sa.text("UPDATE lightfast_outbox_head SET last = :last")
_HEAD = sa.text("SELECT last, pruned FROM lightfast_outbox_head")
_WINDOW = sa.text("""
WITH w AS (
  SELECT position, transaction_id,
         sum(documents) OVER (ORDER BY position) - documents AS before
  FROM (SELECT position, transaction_id, documents FROM lightfast_document_outbox
        WHERE position > :after ORDER BY position LIMIT :rows) r
), last AS (
  SELECT transaction_id FROM w WHERE before < :documents ORDER BY position DESC LIMIT 1
)
SELECT max(position) FROM w
WHERE before < :documents
   OR (before < :most AND transaction_id = (SELECT transaction_id FROM last))
""")
_ROWS = sa.text("""
SELECT position, transaction_id, said, document_ids, store_ids, source_types, source_ids,
       content_hashes, config_hashes, updated_at, fields, chunks, added, removed
FROM lightfast_document_outbox
WHERE position > :after AND position <= :through
  AND (CAST(:stores AS text[]) IS NULL OR store_ids && CAST(:stores AS text[]))
  AND (CAST(:types AS text[]) IS NULL OR source_types && CAST(:types AS text[]))
ORDER BY position
""")
_OLDEST = sa.text("""
SELECT CAST(extract(epoch FROM clock_timestamp() - written_at) AS double precision)
FROM lightfast_document_outbox WHERE position > :after ORDER BY position LIMIT 1
""")
# From below, as far as it is old or too much; what is read just now is looked for anew after that.
_PRUNE = sa.text("""
WITH step AS (
  SELECT position, written_at, documents FROM lightfast_document_outbox
  WHERE position IS NOT NULL ORDER BY position LIMIT :rows
), old AS (
  SELECT position FROM step
  WHERE position < coalesce((
          SELECT min(position) FROM step
          WHERE written_at >= now() - make_interval(days => :keep_days)
            AND position > :last - :keep), :last + 1)
), gone AS (
  DELETE FROM lightfast_document_outbox o USING old WHERE o.position = old.position
)
SELECT count(*), max(position) FROM old
""")
_PRUNED = sa.text("UPDATE lightfast_outbox_head SET pruned = :pruned")
_PAGE = """
SELECT d.id, d.store_id, CAST(d.source_type AS text) AS source_type, d.source_id, d.content_hash,
       d.config_hash, d.updated_at, d.slug,
       coalesce((SELECT string_agg(lightfast_chunk_digest(c.text), ' ' ORDER BY c.position)
                 FROM lightfast_document_chunks c WHERE c.document_id = d.id), '') AS chunks
FROM lightfast_docs_documents d
WHERE {place} AND (CAST(:types AS text[]) IS NULL OR CAST(d.source_type AS text) = ANY(:types))
ORDER BY d.store_id, d.slug LIMIT :limit
"""
# By the unique index of slugs, which never move.
_PAGE_OF_ALL = sa.text(_PAGE.format(place="(d.store_id, d.slug) > (:store, :slug)"))
_PAGE_OF_ONE = sa.text(_PAGE.format(place="d.store_id = :store AND d.slug > :slug"))
_TEXTS = sa.text("""
SELECT digest, text FROM (
  SELECT lightfast_chunk_digest(c.text) AS digest, c.text
  FROM lightfast_document_chunks c JOIN lightfast_docs_documents d ON d.id = c.document_id
  WHERE c.document_id = ANY(CAST(:ids AS varchar[]))
    AND (CAST(:stores AS text[]) IS NULL OR d.store_id = ANY(CAST(:stores AS text[])))
) t WHERE digest = ANY(CAST(:digests AS text[]))
""")


@dataclass(frozen=True, slots=True)
class OutboxHead:
    """The last position that was given, and the last that retention has deleted."""

    last: int
    pruned: int


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """What one statement told of some documents, each a place in every list.

    position: of the last of them. said: `added`, `changed`, `cut`, `hidden`, `deleted`.
    fields: of `changed`, the columns that did, a bit each. chunks, added, removed: of `cut`, the
    digests of all chunks in order, and of those that were written and taken away.
    """

    position: int
    transaction_id: int
    said: str
    document_ids: Sequence[str]
    store_ids: Sequence[str]
    source_types: Sequence[str]
    source_ids: Sequence[str]
    content_hashes: Sequence[str]
    config_hashes: Sequence[str | None]
    updated_at: Sequence[datetime]
    fields: Sequence[int] | None
    chunks: Sequence[str] | None
    added: Sequence[str] | None
    removed: Sequence[str] | None


@dataclass(frozen=True, slots=True)
class SnapshotDocument:
    """A document as it stands, for a snapshot; `chunks` are the digests of its chunks in order."""

    id: str
    store_id: str
    source_type: str
    source_id: str
    content_hash: str
    config_hash: str | None
    updated_at: datetime
    slug: str
    chunks: str


def is_fresh(conn: sa.Connection) -> bool:
    """Whether anything was committed that has no position yet."""
    return bool(conn.execute(_FRESH).scalar_one())


def give_positions(conn: sa.Connection, *, wait: bool = False, rows: int = STEP_ROWS) -> int:
    """Give what was committed its positions, in the caller's transaction; to how many rows.

    One at a time: where another is at it this returns 0, or waits for him. At most `rows`.
    """
    if not is_fresh(conn):
        return 0
    conn.execute(_LAY)
    last = conn.execute(_HOLD if wait else _TRY_HOLD).scalar()
    if last is None:
        return 0
    given, through = conn.execute(_GIVE, {"last": last, "rows": rows}).one()
    if given:
        conn.execute(_HEAD_TO, {"last": through})
    return int(given)


def head(conn: sa.Connection) -> OutboxHead:
    """How far positions were given, and how far they are gone."""
    found = conn.execute(_HEAD).one_or_none()
    return OutboxHead(0, 0) if found is None else OutboxHead(*found)


def window(
    conn: sa.Connection,
    *,
    after: int,
    documents: int,
    most: int = MOST_READ,
    rows: int = WINDOW_ROWS,
) -> int | None:
    """Up to which position to read so that about so many documents come; None where none do.

    A transaction is not cut in two, unless it is of more than `most` documents or `rows` rows, or
    of more rows than got their positions at once.
    """
    given = {"after": after, "documents": documents, "most": most, "rows": rows}
    through: int | None = conn.execute(_WINDOW, given).scalar()
    return through


def read(
    conn: sa.Connection,
    *,
    after: int,
    through: int,
    stores: Collection[str] | None,
    source_types: Collection[str] | None,
) -> list[OutboxRow]:
    """The rows that hold these positions and any of the stores and sources; None is all of them.

    A row may hold others beside. Whoever reads looks at `head` afterwards: what is above `pruned`
    was there.
    """
    given = {
        "after": after,
        "through": through,
        "stores": _listed(stores),
        "types": _listed(source_types),
    }
    return [OutboxRow(*row) for row in conn.execute(_ROWS, given)]


def oldest_s(conn: sa.Connection, *, after: int) -> float | None:
    """How long ago the first above a position was written; None where there is none."""
    seconds: float | None = conn.execute(_OLDEST, {"after": after}).scalar()
    return seconds


def prune(conn: sa.Connection, *, keep_days: int, keep: int, rows: int = STEP_ROWS) -> int:
    """One step: delete what is older than so many days, or below the last `keep` positions.

    The oldest first, at most `rows` rows; how many. What has no position yet stays. Waits for
    nobody: none while another gives positions.
    """
    last = conn.execute(_TRY_HOLD).scalar()
    if last is None:
        return 0
    given = {"keep_days": keep_days, "keep": keep, "rows": rows, "last": last}
    gone, through = conn.execute(_PRUNE, given).one()
    if gone:
        conn.execute(_PRUNED, {"pruned": through})
    return int(gone)


def standing(
    conn: sa.Connection,
    *,
    after: tuple[str, str],
    store_id: str | None,
    source_types: Collection[str] | None,
    limit: int,
) -> list[SnapshotDocument]:
    """Some documents in the order of store and slug, behind this one; of one store, or of all."""
    place = {"store": after[0] if store_id is None else store_id, "slug": after[1]}
    query = _PAGE_OF_ALL if store_id is None else _PAGE_OF_ONE
    given = {**place, "types": _listed(source_types), "limit": limit}
    return [SnapshotDocument(*row) for row in conn.execute(query, given)]


def texts(
    conn: sa.Connection,
    document_ids: Collection[str],
    digests: Collection[str],
    stores: Collection[str] | None,
) -> dict[str, str]:
    """The texts of chunks of these documents by their digest, as far as they still stand."""
    given = {"ids": sorted(document_ids), "digests": sorted(digests), "stores": _listed(stores)}
    return {row.digest: row.text for row in conn.execute(_TEXTS, given)}


def _listed(names: Collection[str] | None) -> list[str] | None:
    return None if names is None else sorted(names)


def fields_of(bits: int) -> tuple[str, ...]:
    """The columns that changed, by the bits of a row's `fields`."""
    return tuple(name for place, name in enumerate(FIELDS) if bits & 1 << place)
