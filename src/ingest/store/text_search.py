"""Full-text search over the chunks of documents, by PostgreSQL's own means.

The index is optional, for its cost: `build` makes it while others write, `drop` takes it away. It
is of one language's words, by a text search configuration of the database (`simple` for none).
"""

from __future__ import annotations

import re
from typing import Any

import sqlalchemy as sa
from psycopg import sql

from ingest.core.errors import BadInput
from ingest.store.engine import session_of, transaction
from ingest.store.online_indexes import alone

INDEX, TABLE = "idx_chunks_search", "lightfast_document_chunks"
MOST_HITS = 5_000
"""So many chunks are ranked at most; of more, which is told, it is not known which are the best."""

_LANGUAGE = re.compile(r"to_tsvector\('(?:[\w\"]+\.)?(\w+)'::regconfig")
_STANDING = sa.text("""
SELECT pg_get_indexdef(i.indexrelid) AS told, i.indisvalid AS valid
FROM pg_index i WHERE i.indexrelid = to_regclass(:index)
""")
_LANGUAGES = sa.text("SELECT CAST(cfgname AS text) FROM pg_ts_config ORDER BY cfgname")
_SCHEMA = sa.text("""
SELECT CAST(n.nspname AS text) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid = to_regclass(:table)
""")
# The best chunk speaks for its document. Hits are taken before they are ranked, so that an everyday
# word costs no more than MOST_HITS.
_SEARCH = """
WITH asked AS (SELECT websearch_to_tsquery({language}, {words}) AS words),
hits AS MATERIALIZED (
  SELECT k.document_id, k.position, k.text FROM lightfast_document_chunks k, asked
  WHERE to_tsvector({language}, k.text) @@ asked.words
    AND EXISTS (SELECT FROM lightfast_docs_documents d WHERE d.id = k.document_id
      AND ({store_id}::varchar IS NULL OR d.store_id = {store_id})
      AND ({source_type}::text IS NULL OR d.source_type::text = {source_type}))
  LIMIT {most} + 1
), best AS (
  SELECT DISTINCT ON (h.document_id) h.document_id, h.text,
         ts_rank_cd(to_tsvector({language}, h.text), asked.words) AS rank
  FROM hits h, asked
  ORDER BY h.document_id, rank DESC, h.position
), first AS (
  SELECT b.* FROM best b ORDER BY b.rank DESC, b.document_id LIMIT {limit}
)
SELECT d.id, d.store_id, CAST(d.source_type AS text) AS source_type, d.source_id, d.updated_at,
       f.rank, t.title, ts_headline({language}, f.text, asked.words,
         'MaxFragments=1, MinWords=8, MaxWords=24, StartSel=**, StopSel=**') AS found,
       (SELECT count(*) FROM hits) > {most} AS cut
FROM first f CROSS JOIN asked
JOIN lightfast_docs_documents d ON d.id = f.document_id
LEFT JOIN LATERAL (SELECT split_part(text, E'\\n', 1) AS title FROM lightfast_document_chunks
  WHERE document_id = d.id AND position = 0) t ON true
ORDER BY f.rank DESC, d.id
"""


def language(conn: sa.Connection) -> str | None:
    """The configuration of the index; None where there is none that is whole."""
    found = conn.execute(_STANDING, {"index": INDEX}).one_or_none()
    if found is None or not found.valid:
        return None
    told = _LANGUAGE.search(found.told)
    return None if told is None else told[1]


def build(engine: sa.Engine, wanted: str) -> None:
    """Build the index with CONCURRENTLY; one of another language, or broken, is dropped first.

    Takes as long as it takes, and keeps no writer out. Raises `BadInput` for a configuration that
    the database does not have.
    """
    with transaction(engine) as conn:
        known = list(conn.execute(_LANGUAGES).scalars())
        if wanted not in known:
            raise BadInput(f"the database knows no language {wanted}; one of: {', '.join(known)}")
        if language(conn) == wanted:
            return
        schema = conn.execute(_SCHEMA, {"table": TABLE}).scalar_one()
    drop(engine)
    made = sql.SQL("CREATE INDEX CONCURRENTLY {} ON {} USING gin (to_tsvector({}, text))").format(
        sql.Identifier(INDEX), sql.Identifier(schema, TABLE), sql.Literal(wanted)
    )
    alone(engine, made.as_string(None))


def drop(engine: sa.Engine) -> bool:
    """Take the index away, while others read and write; False where there is none."""
    with transaction(engine) as conn:
        if conn.execute(_STANDING, {"index": INDEX}).one_or_none() is None:
            return False
        schema = conn.execute(_SCHEMA, {"table": TABLE}).scalar_one()
    dropped = sql.SQL("DROP INDEX CONCURRENTLY IF EXISTS {}").format(sql.Identifier(schema, INDEX))
    alone(engine, dropped.as_string(None))
    return True


def search(
    conn: sa.Connection,
    words: str,
    of_language: str,
    *,
    limit: int,
    store_id: str | None = None,
    source_type: str | None = None,
) -> list[dict[str, Any]]:
    """The documents in which the words stand, the best first.

    words: as `websearch_to_tsquery` reads them: all of them, "in this order", `or`, `-not`. Each
    row has `id`, `store_id`, `source_type`, `source_id`, `updated_at`, `rank` (its best chunk's),
    `title`, `found` (the passage, words between **), `cut` (there were more than MOST_HITS).
    """
    given = {
        "language": sql.SQL("{}::regconfig").format(sql.Literal(of_language)),
        "words": sql.Literal(words),
        "store_id": sql.Literal(store_id),
        "source_type": sql.Literal(source_type),
        "most": sql.Literal(MOST_HITS),
        "limit": sql.Literal(limit),
    }
    with session_of(conn).cursor() as cursor:
        cursor.execute(sql.SQL(_SEARCH).format(**given))
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor]
