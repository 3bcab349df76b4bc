"""Makes the row of a document out of a whole object, as it is rendered. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ingest.core.changes import Upsert
from ingest.core.folding import LedgerRow
from ingest.core.values import JSON
from ingest.flows.documents.render import Rendered, StoreConfig


@dataclass(frozen=True, slots=True)
class Draft:
    """A document as it shall stand, but for its chunks.

    `row` are the columns of the seed's table; `chunk_count` is filled in by `plan` where the chunks
    stay, by `write` where they are cut anew.
    """

    upsert: Upsert
    store: StoreConfig
    rendered: Rendered
    row: dict[str, Any]


def draft(
    rendered: Rendered,
    metadata: Mapping[str, JSON],
    ledger: LedgerRow,
    parent_doc_id: str | None,
    store: StoreConfig,
) -> Draft:
    """The document as it shall stand.

    `metadata` has the patches merged in. Id and slug are the ledger's, which win over computed
    ones. `parent_doc_id` may name a document that is not there yet.
    """
    said, upsert = rendered.said, rendered.said.upsert
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
        "relationships": rendered.relationships,
        "created_at": zoneless(ledger.dates.shown),
    }
    return Draft(upsert, store, rendered, row)


def zoneless(moment: datetime | None) -> str | None:
    """A time as the seed's zoneless columns hold it, in UTC; ISO 8601 with microseconds."""
    if moment is None:
        return None
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")
