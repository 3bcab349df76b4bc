"""A short digest of what shapes a connection's documents, beside what the provider says. Pure.

Where two of them differ, the same answer may make other documents (docs/decisions/0018).
"""

from __future__ import annotations

from collections.abc import Collection

from ingest.core.canonical import digest
from ingest.core.revisions import revision
from ingest.core.values import JSON
from ingest.flows.documents.render import StoreConfig
from ingest.sources.contract import Source


def made_by(found: Source, stores: Collection[StoreConfig]) -> str:
    """16 hex digits of the source's revision, and of what the connection's stores want and own.

    Embedding, chunk sizes and owned prefixes, whatever the order of the stores. A look-up is given
    it as `Lookup.made_by`, and may keep it in its state to compare it the next time.
    """
    told: list[JSON] = [
        [store.id, *store.embedding, {name: [*sorted(keys)] for name, keys in store.owned.items()}]
        for store in sorted(stores, key=lambda store: store.id)
    ]
    return digest([revision(found.revision), told])[:16]
