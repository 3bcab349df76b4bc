"""What keeps tenants apart and secrets turning; identities of Sentry and Vercel in their project.

Their scope was the API's host. It becomes host and project, so the ledger's identities, which are
hashes of it, are made anew. Documents keep their ids and slugs: the ledger's win over computed
ones.
"""

import hashlib
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_DOCUMENTS = uuid.UUID("5a8d8f5e-0c0b-5d0a-9a55-6f2f3a0f7c11")
_PROJECTS = {"sentry": "sentryProjectId", "vercel": "vercelProjectId"}
_STEP = 5_000
_Projects = Mapping[str, Mapping[str, Any]]
"""The metadata of connections, by id."""

# Who feeds it; of a parent that was only heard of, who feeds one of its children.
_LEDGER = sa.text("""
SELECT CAST(l.identity AS text) AS identity, l.store_id, CAST(l.source_type AS text) AS source_type,
       l.scope, l.kind, l.external_id,
       coalesce(
         (SELECT min(f.connection_id) FROM lightfast_document_feeds f
          WHERE f.document_id = l.document_id),
         (SELECT min(f.connection_id) FROM lightfast_document_ledger c
          JOIN lightfast_document_feeds f ON f.document_id = c.document_id
          WHERE c.parent = l.identity)) AS connection_id
FROM lightfast_document_ledger l
WHERE l.source_type IN ('sentry', 'vercel') AND position('/' IN l.scope) = 0
ORDER BY l.identity
""")
_CONNECTIONS = sa.text("""
SELECT id, source_metadata FROM lightfast_connected_sources
WHERE source_type IN ('sentry', 'vercel')
""")
_MOVE = sa.text("""
UPDATE lightfast_document_ledger l SET identity = m.after, scope = m.scope
FROM unnest(CAST(:before AS uuid[]), CAST(:after AS uuid[]), CAST(:scopes AS text[]))
  AS m(before, after, scope)
WHERE l.identity = m.before
""")
_FOLLOW = sa.text("""
UPDATE lightfast_document_ledger l SET parent = m.after
FROM unnest(CAST(:before AS uuid[]), CAST(:after AS uuid[])) AS m(before, after)
WHERE l.parent = m.before
""")
_LOOKUPS = sa.text("""
SELECT l.id, l.connection_id, CAST(s.source_type AS text) AS source_type, l.scope, l.kind,
       l.external_id
FROM lightfast_lookups l JOIN lightfast_connected_sources s ON s.id = l.connection_id
WHERE s.source_type IN ('sentry', 'vercel') AND position('/' IN l.scope) = 0
""")
_MOVE_LOOKUP = sa.text("""
UPDATE lightfast_lookups SET object = CAST(:object AS uuid), scope = :scope WHERE id = :id
""")


def upgrade() -> None:
    """Add tables and columns, then move the identities."""
    conn = op.get_bind()
    statements = Path(__file__).with_suffix(".sql").read_text("utf-8")
    conn.exec_driver_sql(statements, execution_options={"no_parameters": True})
    projects = {row.id: row.source_metadata for row in conn.execute(_CONNECTIONS)}
    rows = conn.execute(_LEDGER).all()
    moves = [move for row in rows if (move := _moved(row, projects)) is not None]
    for start in range(0, len(moves), _STEP):
        before, after, scopes = (
            list(part) for part in zip(*moves[start : start + _STEP], strict=True)
        )
        conn.execute(_MOVE, {"before": before, "after": after, "scopes": scopes})
        conn.execute(_FOLLOW, {"before": before, "after": after})
    for row in conn.execute(_LOOKUPS).all():
        scope = _scope(row, projects)
        if scope is not None:
            object_ = _identity("", row.source_type, scope, row.kind, row.external_id)
            conn.execute(_MOVE_LOOKUP, {"id": row.id, "object": object_, "scope": scope})


def _moved(row: sa.Row[Any], projects: _Projects) -> tuple[str, str, str] | None:
    """(identity before, after, scope after); None where nobody says which project it is in."""
    scope = _scope(row, projects)
    if scope is None:
        return None
    after = _identity(row.store_id, row.source_type, scope, row.kind, row.external_id)
    return row.identity, after, scope


def _scope(row: sa.Row[Any], projects: _Projects) -> str | None:
    project = projects.get(row.connection_id, {}).get(_PROJECTS[row.source_type])
    return f"{row.scope}/{project}" if isinstance(project, str) and project else None


def _identity(*parts: str) -> str:
    """RFC 9562, version 5, as identities are made."""
    name = "\x1f".join(parts).encode("utf-8", "replace")
    sha1 = hashlib.sha1(_DOCUMENTS.bytes + name, usedforsecurity=False)
    return str(uuid.UUID(bytes=sha1.digest()[:16], version=5))
