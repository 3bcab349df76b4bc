"""Makes the row of a document out of a whole object, as it is rendered. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ingest.core.changes import Upsert
from ingest.core.folding import LedgerRow
from ingest.core.references import Reference
from ingest.core.values import JSON
from ingest.flows.documents.keys import bind_key, is_own
from ingest.flows.documents.render import Rendered, StoreConfig
from ingest.flows.documents.shown import view
from ingest.store.documents import Stored
from ingest.store.references import Pointer


@dataclass(frozen=True, slots=True)
class Draft:
    """A document as it shall stand, but for its chunks.

    `row` are the columns of the seed's table; `chunk_count` is filled in by `plan` where the chunks
    stay, by `write` where they are cut anew. `references` are those that it shall have: to none of
    the keys that it has or had.
    """

    upsert: Upsert
    store: StoreConfig
    rendered: Rendered
    row: dict[str, Any]
    references: Sequence[Reference]


def draft(
    rendered: Rendered,
    metadata: Mapping[str, JSON],
    ledger: LedgerRow,
    parent_doc_id: str | None,
    *,
    store: StoreConfig,
    stored: Stored | None = None,
) -> Draft:
    """The document as it shall stand.

    `metadata` has the patches merged in. Id and slug are the ledger's, which win over computed
    ones. `parent_doc_id` may name a document that is not there yet. `stored` is what stands: what
    it points at already is shown by what that is called now.
    """
    said, upsert = rendered.said, rendered.said.upsert
    names = stored.names if stored is not None else frozenset()
    references = rendered.references
    if names:
        references = [r for r in references if not is_own(r, upsert.identity, names)]
    row = {
        "id": ledger.document_id,
        "store_id": store.id,
        "source_type": ledger.source_type,
        "source_id": upsert.source_id,
        "source_metadata": metadata,
        "parent_doc_id": parent_doc_id,
        "slug": ledger.slug,
        "content_hash": said.content_hash,
        "config_hash": rendered.config_hash,
        "frontmatter": said.frontmatter,
        "chunk_count": 0,
        "relationships": _relationships(upsert, references, stored),
        "created_at": zoneless(ledger.dates.shown),
    }
    return Draft(upsert, store, rendered, row, references)


def _relationships(
    upsert: Upsert, references: Sequence[Reference], stored: Stored | None
) -> dict[str, JSON] | None:
    """As they will be shown once all is bound, as far as that is known by now."""
    known = {(p.place, p.bind_key): p.shown for p in stored.pointers} if stored is not None else {}
    pointers = []
    for one in references:
        place, compared = (one.kind, one.source, one.key), bind_key(one)
        shown = known.get((place, compared))
        pointers.append(Pointer(*place, one.origin, one.evidence, compared, shown))
    return view(pointers, upsert.temporal)


def zoneless(moment: datetime | None) -> str | None:
    """A time as the seed's zoneless columns hold it, in UTC; ISO 8601 with microseconds."""
    if moment is None:
        return None
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")
