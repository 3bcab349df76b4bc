"""What of documents' references has to be written, and which keys are to be bound for it. Pure.

A reference that stood already and means the same goes on pointing where it did: it is bound once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ingest.core.references import Reference
from ingest.flows.documents.draft import Draft
from ingest.flows.documents.keys import aimed_at, bind_key
from ingest.store.binding import Owned
from ingest.store.documents import Stored
from ingest.store.references import Pointer


@dataclass(frozen=True, slots=True)
class Pointing:
    """The rows of references to take away and to write, and the keys that those are bound by."""

    gone: list[dict[str, Any]] = field(default_factory=list)
    put: list[dict[str, Any]] = field(default_factory=list)
    aimed: set[Owned] = field(default_factory=set)


def pointing(drafts: Iterable[tuple[Draft, Stored | None]]) -> Pointing:
    """What changes of the references of these drafts, beside the documents that stand."""
    found = Pointing()
    for draft, stored in drafts:
        standing = {one.place: one for one in stored.pointers} if stored is not None else {}
        for reference in draft.references:
            _compare(found, draft, reference, standing.pop(_place(reference), None))
        found.gone.extend(_named(draft, *place) for place in standing)
    return found


def _compare(found: Pointing, draft: Draft, reference: Reference, standing: Pointer | None) -> None:
    compared = bind_key(reference)
    if standing is None or standing.bind_key != compared:
        found.aimed.add(aimed_at(reference, draft.store.id))
    elif (standing.origin, standing.evidence) == (reference.origin, reference.evidence):
        return
    found.put.append(
        _named(draft, *_place(reference))
        | {
            "origin": reference.origin,
            "evidence": reference.evidence,
            "store_id": draft.store.id,
            "bind_key": compared,
        }
    )


def _place(reference: Reference) -> tuple[str, str, str]:
    return reference.kind, reference.source, reference.key


def _named(draft: Draft, kind: str, source: str, key: str) -> dict[str, Any]:
    return {
        "document_id": draft.row["id"],
        "kind": kind,
        "target_source": source,
        "target_key": key,
    }
