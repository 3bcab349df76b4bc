"""What `relationships` show: a pure view of a document's references and of what they are bound to.

Law: a target that is there is shown by its own key of today, whatever the text calls it; one that
is not by the key as it is written. So a target that comes, goes or is renamed moves the view of
whoever points at it, and no hash.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

import sqlalchemy as sa

from ingest.core.references import DEPLOYMENT, relationships
from ingest.core.values import JSON
from ingest.sources.registry import all_sources
from ingest.store import references
from ingest.store.references import Pointer

_FOUND = "deploymentId"
_AT_ONCE = 500
"""Documents whose references are read into memory at one time."""


def view(
    pointers: Iterable[Pointer], temporal: Mapping[str, JSON] | None
) -> dict[str, JSON] | None:
    """The seed's `DocumentRelationships`; None where there is nothing to show.

    temporal: what the document says itself, or what is shown of it: the deployment that brought its
        commit is shown as long as it is there.
    """
    every = tuple(pointers)
    shown = (
        (p.kind, p.target_source, shown_as(p.target_source, p.target_key, p.shown))
        for p in every
        if p.kind != DEPLOYMENT
    )
    return relationships(shown, {**stated(every, temporal or {}), **_brought(every)})


def stated(pointers: Iterable[Pointer], temporal: Mapping[str, JSON]) -> dict[str, JSON]:
    """What of the temporal relationships as they are shown the document says itself."""
    is_found = any(p.kind == DEPLOYMENT for p in pointers)
    return {name: told for name, told in temporal.items() if not (is_found and name == _FOUND)}


def _brought(pointers: Iterable[Pointer]) -> dict[str, JSON]:
    found = sorted(p.shown for p in pointers if p.kind == DEPLOYMENT and p.shown is not None)
    return {_FOUND: found[0]} if found else {}


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


def shown_as(source_type: str, key: str, found: str | None) -> str:
    """What a reference is shown by: the `source_id` of what was found in its source's mentions, and
    where nothing was, the key as it is written.
    """
    if found is None:
        return key
    source = all_sources().get(source_type)
    if source is None or source.mentions is None:
        return found
    return source.mentions.mention_of(found)
