"""Stores that a person names must be there, where something is to wait for their documents."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from ingest.core.errors import BadInput
from ingest.store import stores


def require_stores(conn: sa.Connection, ids: Collection[str]) -> None:
    """Raise `BadInput` for one that is not there: of a misspelt one nothing would ever be told."""
    missing = sorted({*ids} - {*stores.wanted(conn, ids)})
    if missing:
        raise BadInput(
            f"there is no store {', '.join(missing)}; `ingest store list` names those there are"
        )
