"""Keys of documents in the spelling in which they are compared, where they are written in another.

A key that is its own comparable spelling has no row: `source_id` and aliases are looked at as well.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from ingest.store.rows import as_json

_PUT = sa.text("""
INSERT INTO lightfast_folded_keys AS f (document_id, key, store_id, source_type, former)
SELECT document_id, key, store_id, source_type, bool_and(former)
FROM jsonb_to_recordset(CAST(:rows AS jsonb))
  AS r(document_id varchar, key varchar, store_id varchar, source_type source_type, former boolean)
GROUP BY document_id, key, store_id, source_type
ON CONFLICT (document_id, key) DO UPDATE SET former = false WHERE f.former AND NOT excluded.former
""")
_DEMOTE = sa.text("""
UPDATE lightfast_folded_keys SET former = true
WHERE document_id = ANY(CAST(:ids AS varchar[])) AND NOT former
""")


def demote(conn: sa.Connection, document_ids: Collection[str]) -> None:
    """What these documents are called now is a former key of theirs from now on."""
    if document_ids:
        conn.execute(_DEMOTE, {"ids": sorted(document_ids)})


def put(conn: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write keys: `document_id`, `key`, `store_id`, `source_type`, `former`.

    One that is a former key and a present one too, in two spellings, is a present one.
    """
    if rows:
        conn.execute(_PUT, {"rows": as_json(rows)})
