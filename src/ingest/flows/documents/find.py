"""Finds documents by the keys that people use, in any spelling that is the same to the provider."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from ingest.sources.registry import all_sources, folded
from ingest.store import reading


def find_documents(
    conn: sa.Connection, key: str, *, store_id: str | None = None, source_type: str | None = None
) -> list[dict[str, Any]]:
    """The documents that are or were called so, as `reading.find` tells them. Locks nothing.

    One that is called so now comes without `alias`; two of one key are both there.
    """
    spelt = {name: folded(name, key) for name in all_sources()}
    return reading.find(conn, key, spelt, store_id=store_id, source_type=source_type)
