"""Has the references of stores read anew where keys mean something that did not: a run, in steps.

A bare key counts where a connection of the store owns its prefix. So once one is connected, or its
thing is called otherwise, what stands in the store may refer to it (docs/decisions/0041).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import sqlalchemy as sa

from ingest.core.values import JSON
from ingest.sources.contract import Descriptor
from ingest.store import reprocess_runs
from ingest.store.engine import ANSWERS_WITHIN_S, LOCK_TIMEOUT_MS

REFERENCES = ("references",)
SOON_S = ANSWERS_WITHIN_S + LOCK_TIMEOUT_MS / 1000
"""A batch that read the owners of before has been written by then, or never will be: no statement
lasts longer, however long it waits for a lock first."""


def owns(descriptor: Descriptor, metadata: Mapping[str, JSON]) -> frozenset[str]:
    """What keys and URLs of a connection's things begin with, where only that says whose they
    are.
    """
    prefixes = descriptor.owned_prefixes(metadata) | descriptor.former_prefixes(metadata)
    return prefixes | descriptor.owned_pages(metadata, "")


def reread(conn: sa.Connection, store_ids: Collection[str], *, asked_by: str) -> None:
    """Ask for a run over each of the stores in which anything stands; the sweep rings for it."""
    for store_id in sorted(store_ids):
        if reprocess_runs.has_documents(conn, store_id):
            scope: dict[str, JSON] = {"store": store_id}
            reprocess_runs.request(conn, REFERENCES, scope, asked_by=asked_by, after_s=SOON_S)
