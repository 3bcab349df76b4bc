"""Fields that providers send and no adapter knows: reported once each, and counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
import structlog

from ingest.store.rows import as_json

log = structlog.get_logger(__name__)

# Sorted, so that two workers with the same fields wait rather than deadlock.
_REPORT = sa.text("""
INSERT INTO lightfast_payload_drift AS d (source_type, field, seen)
SELECT source_type, field, seen
FROM jsonb_to_recordset(CAST(:rows AS jsonb))
  AS r(source_type source_type, field varchar, seen bigint)
ORDER BY source_type, field
ON CONFLICT (source_type, field) DO UPDATE SET seen = d.seen + excluded.seen
RETURNING CAST(d.source_type AS text), d.field, xmax = 0 AS first
""")
_LIST = sa.text("""
SELECT CAST(source_type AS text) AS source_type, field, seen, first_seen_at
FROM lightfast_payload_drift ORDER BY source_type, field
""")


def report(conn: sa.Connection, fields: Iterable[tuple[str, str]]) -> None:
    """Count unknown fields, (source type, field); each new one is logged."""
    counted = Counter(fields)
    if not counted:
        return
    rows = [
        {"source_type": source, "field": name[:255], "seen": seen}
        for (source, name), seen in counted.items()
    ]
    for source, name, first in conn.execute(_REPORT, {"rows": as_json(rows)}):
        if first:
            log.warning("unknown_field", source=source, field=name)


def listing(conn: sa.Connection) -> list[dict[str, Any]]:
    """All of them, by source and name."""
    return [dict(row) for row in conn.execute(_LIST).mappings()]
