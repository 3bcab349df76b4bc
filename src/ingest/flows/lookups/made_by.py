"""What documents are made by, in a few letters: where two differ, the same words may make another
document. Pure.
"""

from __future__ import annotations

from collections.abc import Collection

from ingest.core.canonical import digest
from ingest.core.revisions import revision
from ingest.core.values import JSON
from ingest.flows.documents.render import StoreConfig
from ingest.sources.contract import Source


def made_by(found: Source, stores: Collection[StoreConfig]) -> str:
    """Of a connection: the revision of its source, and what its stores want and own."""
    told: list[JSON] = [
        [store.id, *store.embedding, {name: [*sorted(keys)] for name, keys in store.owned.items()}]
        for store in sorted(stores, key=lambda store: store.id)
    ]
    return digest([revision(found.revision), told])[:16]
