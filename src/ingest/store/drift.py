"""Fields that providers send and no adapter knows: reported once each, and counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

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
_FIELDS = sa.text("""
SELECT field, seen FROM lightfast_payload_drift
WHERE source_type = CAST(:source_type AS source_type) ORDER BY field
""")


def report(conn: sa.Connection, named: Iterable[tuple[str, str]]) -> None:
    """Count unknown fields, (source type, field); each new one is logged."""
    counted = Counter(named)
    if not counted:
        return
    rows = [
        {"source_type": source, "field": name[:255], "seen": seen}
        for (source, name), seen in counted.items()
    ]
    for source, name, first in conn.execute(_REPORT, {"rows": as_json(rows)}):
        if first:
            log.warning("unknown_field", source=source, field=name)


def fields(conn: sa.Connection, source_type: str) -> dict[str, int]:
    """The unknown fields of one source, and how often each was seen."""
    rows = conn.execute(_FIELDS, {"source_type": source_type})
    return {row.field: row.seen for row in rows}
