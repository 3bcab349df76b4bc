"""The SQL of lists of documents of any store, in one order, a page at a time.

An index has the documents of a store and a source in the order of a time. Such places are gone
through in their own order, until the page is full.
"""

from __future__ import annotations

from collections.abc import Mapping

from ingest.store.querying import MOMENTS, Moment, clauses

ROW = """
  d.id, d.store_id, CAST(d.source_type AS text) AS source_type, l.kind, d.source_id,
  d.parent_doc_id, d.slug, d.chunk_count, d.created_at, d.updated_at
"""
"""The columns of a document, `d`, in a list."""
LEDGER = "LEFT JOIN lightfast_document_ledger l ON l.document_id = d.id"
FEW = 4_000
"""So many documents of a kind in one place are sorted; where there are more, each is looked at in
order until the page is full.
"""

# `from_at` is where a scan begins: in a position's own place behind it, in those that come later at
# the beginning.
_LIST = f"""
SELECT {ROW} FROM (
  SELECT d.* FROM (
    SELECT s.id AS store_id, e.source_type,
      CASE WHEN s.id = :after_store AND CAST(e.source_type AS text) = :after_source
           THEN CAST(:after AS timestamptz) AT TIME ZONE 'UTC'
           ELSE COALESCE(CAST(:since AS timestamptz) AT TIME ZONE 'UTC', '-infinity') END AS from_at
    FROM lightfast_stores s
    CROSS JOIN unnest(enum_range(CAST(NULL AS source_type))) AS e(source_type)
    WHERE {{places}} ORDER BY s.id, e.source_type
  ) place CROSS JOIN LATERAL ({{inside}}) d
  ORDER BY place.store_id, place.source_type, d.{{moment}}, d.id LIMIT :limit
) d {LEDGER} ORDER BY d.store_id, d.source_type, d.{{moment}}, d.id
"""
_PLACES: Mapping[str, str] = {
    "store_id": "s.id = :store_id",
    "source_type": "e.source_type = CAST(:source_type AS source_type)",
    "after_store": "(s.id, e.source_type) >= (:after_store, CAST(:after_source AS source_type))",
}
_OF_PLACES = ("store_id", "source_type", "after_id")
"""What is not asked of a document in a place."""
_INSIDE = """
(SELECT d.* FROM lightfast_docs_documents d{joined}
 WHERE d.store_id = place.store_id AND d.source_type = place.source_type
   AND (d.{moment}, d.id) > (place.from_at, :after_id) AND {where}
 ORDER BY d.{moment}, d.id LIMIT :limit)
"""
# The kind is the ledger's: what is of it there, or what of it each document is. One of the two is
# empty without being looked for. In order, as the index has them: where most of the ledger is of
# this kind in one place, reading it from the top looks cheap, and reads all of it for the others.
_OF_KIND = """
SELECT k.* FROM (
  SELECT count(*) AS found FROM (
    SELECT FROM lightfast_document_ledger l WHERE l.store_id = place.store_id
      AND l.source_type = place.source_type AND l.kind = :kind
    ORDER BY l.document_id LIMIT :few) counted
) few CROSS JOIN LATERAL ({few} UNION ALL {many}) k
"""
_IS_FEW = """
few.found < :few AND d.id = ANY(ARRAY(
  SELECT l.document_id FROM lightfast_document_ledger l WHERE l.store_id = place.store_id
    AND l.source_type = place.source_type AND l.kind = :kind
  ORDER BY l.document_id LIMIT :few))
"""
_OF_ITS_KIND = " JOIN lightfast_document_ledger l ON l.document_id = d.id AND l.kind = :kind"
_IS_MANY = "few.found >= :few"


def statement(given: Mapping[str, object], moment: Moment) -> str:
    """The SQL that lists the documents of which `given` holds: see `reading.listing`."""
    places = [clause for name, clause in _PLACES.items() if name in given] or ["true"]
    inside = _inside(given, moment)
    return _LIST.format(places=" AND ".join(places), inside=inside, moment=MOMENTS[moment])


def _inside(given: Mapping[str, object], moment: Moment) -> str:
    """The documents of one place."""
    inside = {name: value for name, value in given.items() if name not in _OF_PLACES}
    asked = clauses(inside, moment)

    def of(*more: str, joined: str = "") -> str:
        where = " AND ".join([*asked, *more]) or "true"
        return _INSIDE.format(where=where, joined=joined, moment=MOMENTS[moment])

    if "kind" not in given:
        return of()
    return _OF_KIND.format(few=of(_IS_FEW), many=of(_IS_MANY, joined=_OF_ITS_KIND))
