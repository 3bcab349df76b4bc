"""Finds which documents a batch really changed, for whoever records that. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from ingest.core.identity import Identity
from ingest.core.ranks import IMPORTED, version_of
from ingest.flows.documents.plan import Entry, differs

Became = Literal["created", "updated", "deleted", "withdrawn"]


@dataclass(frozen=True, slots=True)
class ChangedDocument:
    """A document of one store, and what became of it.

    version: the source's, as ranks have it. entry: what was, and what will be.
    """

    store_id: str
    identity: Identity
    source_id: str
    version: str
    became: Became
    entry: Entry


def changed(entries: Iterable[Entry]) -> Iterator[ChangedDocument]:
    """The documents whose row, or whose being in sight, is another than before.

    What came out of a legacy database, and is read for the first time since, has not changed.
    """
    for entry in entries:
        end = became(entry)
        if end is not None:
            row = entry.after
            identity = Identity(row.source_type, row.scope, row.kind, row.external_id)
            key = row.source_id or (entry.before.source_id if entry.before else None) or ""
            yield ChangedDocument(
                row.store_id, identity, key, version_of(row.rank or ""), end, entry
            )


def became(entry: Entry) -> Became | None:
    """What became of one document; None where it is as before."""
    if entry.decision.deleted:
        return "deleted"
    if entry.hides:
        return "withdrawn" if entry.stored is not None or entry.turned else None
    if entry.draft is None:
        return "updated" if entry.shows or _is_patched(entry) else None
    if entry.stored is None:
        return "created"
    return "updated" if _is_rewritten(entry) else None


def _is_rewritten(entry: Entry) -> bool:
    """What came out of a legacy database has no words to compare with when it is first read."""
    if entry.turned or entry.draft is None or entry.stored is None:
        return entry.turned
    was_read = entry.before is None or entry.before.made != IMPORTED
    return was_read and differs(entry.draft, entry.stored)


def _is_patched(entry: Entry) -> bool:
    patched = entry.decision.metadata
    return bool(entry.stored and patched and patched != entry.stored.source_metadata)
