"""Fields that providers send and no adapter knows: reported once each, and counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import sqlalchemy as sa
import structlog

from ingest.store.rows import as_json

log = structlog.get_logger(__name__)

MOST_FIELDS = 1_000
"""Of each source: whoever makes names up for his payloads fills no table."""

# Sorted, so that two workers with the same fields wait rather than deadlock.
_REPORT = sa.text("""
INSERT INTO lightfast_payload_drift AS d (source_type, field, seen)
SELECT source_type, field, seen
FROM jsonb_to_recordset(CAST(:rows AS jsonb))
  AS r(source_type source_type, field varchar, seen bigint)
WHERE (SELECT count(*) FROM lightfast_payload_drift k WHERE k.source_type = r.source_type) < :most
   OR EXISTS (SELECT FROM lightfast_payload_drift k
              WHERE k.source_type = r.source_type AND k.field = r.field)
ORDER BY source_type, field
ON CONFLICT (source_type, field) DO UPDATE SET seen = d.seen + excluded.seen
RETURNING CAST(d.source_type AS text), d.field, xmax = 0 AS first
""")
_FIELDS = sa.text("""
SELECT field, seen FROM lightfast_payload_drift
WHERE source_type = CAST(:source_type AS source_type) ORDER BY field
""")


def report(conn: sa.Connection, named: Iterable[tuple[str, str]]) -> None:
    """Count unknown fields, (source type, field); each new one is logged, up to `MOST_FIELDS`.

    Rows go in one order, so that two workers with the same fields wait rather than deadlock; they
    are locked until the commit. Names are cut at 255 characters.
    """
    counted = Counter(named)
    if not counted:
        return
    rows = [
        {"source_type": source, "field": name[:255], "seen": seen}
        for (source, name), seen in counted.items()
    ]
    given = {"rows": as_json(rows), "most": MOST_FIELDS}
    for source, name, first in conn.execute(_REPORT, given):
        if first:
            log.warning("unknown_field", source=source, field=name)


def fields(conn: sa.Connection, source_type: str) -> dict[str, int]:
    """The unknown fields of one source, and how often each was seen."""
    rows = conn.execute(_FIELDS, {"source_type": source_type})
    return {row.field: row.seen for row in rows}
