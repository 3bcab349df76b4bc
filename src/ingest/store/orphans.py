"""Documents of which nobody knows in which scope they are, until somebody tells of them."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from ingest.core.folding import LedgerRow
from ingest.store.rows import as_json

# Of two who tell of one at once, the second waits for the first, and then finds it adopted.
_ADOPT = sa.text("""
WITH told AS (
  SELECT * FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
    identity uuid, store_id varchar, source_type source_type, scope text, kind varchar,
    external_id text)
), adopted AS (
  DELETE FROM lightfast_orphan_documents o USING told t
  WHERE o.store_id = t.store_id AND o.source_type = t.source_type AND o.kind = t.kind
    AND o.external_id = t.external_id
  RETURNING o.document_id, t.identity, t.scope
)
UPDATE lightfast_document_ledger l SET identity = a.identity, scope = a.scope
FROM adopted a WHERE l.document_id = a.document_id
RETURNING CAST(l.identity AS text)
""")
_ADD = sa.text("""
INSERT INTO lightfast_orphan_documents (document_id, store_id, source_type, kind, external_id)
SELECT document_id, store_id, source_type, kind, external_id
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
  document_id varchar, store_id varchar, source_type source_type, kind varchar, external_id text)
""")


def adopt(conn: sa.Connection, unknown: Sequence[LedgerRow]) -> list[str]:
    """Let orphans be these things, none of which the ledger knows; what it knows now.

    Each store's orphan of a kind and id is the first thing of that kind and id that is told of. It
    keeps its document's id and slug. Several of one kind and id among `unknown`: one of them.
    """
    if not unknown:
        return []
    first = {(row.store_id, row.source_type, row.kind, row.external_id): row for row in unknown}
    rows = [
        {
            "identity": row.identity,
            "store_id": row.store_id,
            "source_type": row.source_type,
            "scope": row.scope,
            "kind": row.kind,
            "external_id": row.external_id,
        }
        for row in first.values()
    ]
    return list(conn.execute(_ADOPT, {"rows": as_json(rows)}).scalars())


def add(conn: sa.Connection, rows: Sequence[LedgerRow]) -> None:
    """Note that these documents, which the ledger knows, wait for somebody who tells of them."""
    if rows:
        told = [
            {
                "document_id": row.document_id,
                "store_id": row.store_id,
                "source_type": row.source_type,
                "kind": row.kind,
                "external_id": row.external_id,
            }
            for row in rows
        ]
        conn.execute(_ADD, {"rows": as_json(told)})
