"""Finds the legacy tables among what stands in a database, by their shape. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from ingest.store.condition import UnfitDatabase
from ingest.store.legacy import FoundDatabase, FoundTable
from ingest.store.legacy_tables import LEGACY_TABLES, LegacyTable

Chosen = Mapping[str, FoundTable | None]
"""By logical name, in the order of what refers to what; None for what is not there."""


def choose(found: FoundDatabase) -> Chosen:
    """The table of each logical name.

    Raises `UnfitDatabase` where there is no legacy table, one stands there in two generations, has
    not the columns that it needs, or refers to one that is not there.
    """
    chosen = {logical: _one(logical, found) for logical in LEGACY_TABLES}
    if not any(table for name, table in chosen.items() if not LEGACY_TABLES[name].shared):
        raise UnfitDatabase(_nothing(found))
    for logical, table in chosen.items():
        if table is not None:
            _require_parents(logical, table, chosen)
    return chosen


def holds_legacy(found: FoundDatabase) -> bool:
    """Whether a table stands there that only a legacy database has, whatever its columns are."""
    alone = (meant for meant in LEGACY_TABLES.values() if not meant.shared)
    return any(_standing(meant, found) for meant in alone)


def _standing(meant: LegacyTable, found: FoundDatabase) -> list[FoundTable]:
    """The tables of these names that may be it; beside our schema not the one that is ours."""
    there = [found.tables[name] for name in meant.names if name in found.tables]
    may_be = [table for table in there if not meant.is_ours(_names(table))]
    is_beside_ours = meant.shared and found.schema_version is not None
    older = [table for table in may_be if table.name != meant.names[0]]
    return older if is_beside_ours and older else may_be


def _one(logical: str, found: FoundDatabase) -> FoundTable | None:
    meant = LEGACY_TABLES[logical]
    standing = _standing(meant, found)
    if len(standing) > 1:
        named = " and ".join(table.name for table in standing)
        raise UnfitDatabase(
            f"{logical} stand there twice, as {named}; rename away the one whose rows are not "
            "wanted (ALTER TABLE … RENAME TO …), and run this again"
        )
    for table in standing:
        _require_columns(logical, table, meant)
    return standing[0] if standing else None


def _require_columns(logical: str, table: FoundTable, meant: LegacyTable) -> None:
    if not meant.is_legacy(_names(table)):
        lacks = ", ".join(name for name in meant.required if name not in _names(table))
        raise UnfitDatabase(
            f"{table.name} is not the legacy table of {logical}: it has no column {lacks}; rename "
            "it away, or let DATABASE_URL name the legacy database"
        )


def _require_parents(logical: str, table: FoundTable, chosen: Chosen) -> None:
    for column, (parent, _) in LEGACY_TABLES[logical].refers.items():
        if chosen[parent] is None and column in _names(table):
            names = " or ".join(LEGACY_TABLES[parent].names)
            raise UnfitDatabase(
                f"{table.name}.{column} refers to {parent}, of which there is no table ({names}); "
                "restore it, or let DATABASE_URL name the whole legacy database"
            )


def _nothing(found: FoundDatabase) -> str:
    said = f"database {found.name} holds no legacy table"
    if found.schema_version is not None:
        said += f" (it stands at our own schema, {found.schema_version})"
    return f"{said}; let DATABASE_URL name the legacy database"


def _names(table: FoundTable) -> list[str]:
    return [column.name for column in table.columns]
