"""The database's tables as SQLAlchemy Core knows them; a test keeps them equal to `schema.sql`.

They are the yardstick that a database is compared with, and the names that SQL can be built from.
The enum's values are the registered sources, which this floor does not know: they are passed in.
"""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from ingest.store.tables import (
    legacy,
    names,
    outbox,
    own,
    owners,
    reprocess,
    seed,
    sinks,
    syncs,
    trails,
    views,
)
from ingest.store.tables.base import METADATA, SourceType

__all__ = [
    "METADATA",
    "SourceType",
    "create_all",
    "legacy",
    "names",
    "outbox",
    "own",
    "owners",
    "reprocess",
    "seed",
    "sinks",
    "syncs",
    "trails",
    "views",
]


def create_all(conn: sa.Connection, source_types: Iterable[str]) -> None:
    """Create the enum with these values, and every table, in a database that has none.

    For tests; a real database is made by `upgrade`, and a test finds no difference.
    """
    values = ", ".join(f"'{name}'" for name in source_types)
    conn.exec_driver_sql(f"CREATE TYPE source_type AS ENUM ({values})")
    METADATA.create_all(conn, checkfirst=False)
