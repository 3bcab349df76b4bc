"""What `relationships` show: a pure view of a document's references and of what they are bound to.

Law: a target that is there is shown by its own key of today, whatever the text calls it; one that
is not by the key as it is written. So a target that comes, goes or is renamed moves the view of
whoever points at it, and no hash.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

import sqlalchemy as sa

from ingest.core.references import relationships
from ingest.core.values import JSON
from ingest.sources.registry import all_sources
from ingest.store import references
from ingest.store.references import Pointer

_AT_ONCE = 500
"""Documents whose references are read into memory at one time."""


def view(
    pointers: Iterable[Pointer], temporal: Mapping[str, JSON] | None
) -> dict[str, JSON] | None:
    """The seed's `DocumentRelationships`; None where there is nothing to show."""
    return relationships(((p.kind, p.target_source, _shown_as(p)) for p in pointers), temporal)


def show_anew(conn: sa.Connection, document_ids: Collection[str], *, touch: bool = True) -> None:
    """Write the view of documents where it is another than it stands.

    The caller holds their rows of the ledger. touch: `updated_at` moves with it.
    """
    ids = sorted(document_ids)
    for first in range(0, len(ids), _AT_ONCE):
        rows = []
        for one in references.shown(conn, ids[first : first + _AT_ONCE]):
            told = one.relationships or {}
            temporal = told.get("temporal")
            made = view(one.pointers, temporal if isinstance(temporal, Mapping) else None)
            if made != one.relationships:
                rows.append({"id": one.document_id, "relationships": made})
        references.relate(conn, rows, touch=touch)


def _shown_as(pointer: Pointer) -> str:
    if pointer.shown is None:
        return pointer.target_key
    found = all_sources().get(pointer.target_source)
    if found is None or found.mentions is None:
        return pointer.shown
    return found.mentions.mention_of(pointer.shown)
