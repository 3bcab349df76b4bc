"""What stands in a database before it is upgraded, and whether we may touch it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa

from ingest.core.errors import PermanentError
from ingest.store.legacy_tables import LEGACY_TABLES, VECTOR_ENTRIES
from ingest.store.tables import METADATA

VERSION_TABLE, SERVES_TABLE = "lightfast_schema_version", "lightfast_schema_serves"
OLDEST_POSTGRES = 15
NEW_ONE = (
    "nothing was changed. Let DATABASE_URL name a new, empty database and run "
    "`ingest db upgrade` again"
)
WAY_OUT = (
    "nothing was changed. It comes over with `ingest legacy export DIR` and `ingest legacy import` "
    "(docs/legacy.md)"
)


class UnfitDatabase(PermanentError):
    """The database is not one that we may change, or cannot; the message says what was found."""


@dataclass(frozen=True, slots=True)
class Condition:
    """What was found: our version, our tables, legacy tables, the enum's values.

    `serves` is the oldest program that the schema serves, by the version that this one brings.
    """

    version: str | None
    serves: str | None
    tables: frozenset[str]
    legacy: tuple[str, ...]
    source_types: frozenset[str]


# Names are looked up as every query does, along the search path.
_SERVER = sa.text("""
SELECT CAST(current_setting('server_version_num') AS integer), pg_encoding_to_char(encoding)
FROM pg_database WHERE datname = current_database()
""")
_EXISTING = sa.text("""
SELECT n FROM unnest(CAST(:names AS text[])) n WHERE to_regclass(n) IS NOT NULL
""")
_SOURCE_TYPES = sa.text("SELECT enumlabel FROM pg_enum WHERE enumtypid = to_regtype('source_type')")
_VERSION = sa.text(f"SELECT version_num FROM {VERSION_TABLE}")
_SERVES = sa.text(f"SELECT oldest FROM {SERVES_TABLE}")
_COLUMNS = sa.text("""
SELECT n, array_agg(CAST(a.attname AS text)) FROM unnest(CAST(:names AS text[])) n
JOIN pg_attribute a ON a.attrelid = to_regclass(n) AND a.attnum > 0 AND NOT a.attisdropped
GROUP BY n
""")
_LEGACY = {
    name: table
    for logical, table in LEGACY_TABLES.items()
    for name in (table.names[1:] if table.shared else table.names)
    if logical != VECTOR_ENTRIES
}
"""By every name that tells a legacy database: not those that stand in our schema as well, and not
the entries of a vector index, which may go on beside it."""


def look(conn: sa.Connection) -> Condition:
    """Read what stands in the database; changes nothing.

    Names are looked up along the search path, as every query does. Raises `UnfitDatabase` for a
    server that cannot hold the schema.
    """
    require_postgres(*conn.execute(_SERVER).one())
    standing = conn.execute(_COLUMNS, {"names": list(_LEGACY)})
    legacy = sorted(name for name, columns in standing if not _LEGACY[name].is_ours(columns))
    ours = conn.execute(_EXISTING, {"names": list(METADATA.tables)}).scalars()
    tables, types = frozenset(ours), source_types(conn)
    return Condition(version(conn), serves(conn), tables, tuple(legacy), types)


def version(conn: sa.Connection) -> str | None:
    """The version that the schema stands at; None where we never made it."""
    if conn.execute(_EXISTING, {"names": [VERSION_TABLE]}).scalar() is None:
        return None
    found: str | None = conn.execute(_VERSION).scalar()
    return found


def serves(conn: sa.Connection) -> str | None:
    """The oldest program that the schema serves; None where nobody says so."""
    if conn.execute(_EXISTING, {"names": [SERVES_TABLE]}).scalar() is None:
        return None
    found: str | None = conn.execute(_SERVES).scalar()
    return found


def is_ahead(version: str | None, serves: str | None, known_versions: Collection[str]) -> bool:
    """Whether a newer program made the schema what it is, and it goes on serving this one.

    `known_versions` are those that this program brings: numbers of four digits, compared as texts.
    """
    newer = version is not None and version not in known_versions
    return newer and serves is not None and serves <= max(known_versions)


def source_types(conn: sa.Connection) -> frozenset[str]:
    """The values of the enum; none where it is not there."""
    return frozenset(conn.execute(_SOURCE_TYPES).scalars())


def require_ours(found: Condition, known_versions: Collection[str]) -> None:
    """Raise `UnfitDatabase` for what belongs to somebody else, or to a newer program alone.

    That is a legacy Lightfast database, one with some of our tables and no version, and one whose
    version this program does not know and that does not say that it serves it.
    """
    if found.version is not None:
        is_served = is_ahead(found.version, found.serves, known_versions)
        if found.version not in known_versions and not is_served:
            raise UnfitDatabase(
                f"the schema stands at {found.version}, which no longer serves this program (up to "
                f"{max(known_versions)}); install the newer program that made it"
            )
        return
    if found.legacy:
        raise UnfitDatabase(f"a legacy Lightfast database ({', '.join(found.legacy)}); {WAY_OUT}")
    if found.tables and found.tables != set(METADATA.tables):
        named = ", ".join(sorted(found.tables))
        raise UnfitDatabase(f"somebody else's tables stand in the way ({named}); {NEW_ONE}")


def require_postgres(version_num: int, encoding: str) -> None:
    """Raise `UnfitDatabase` for a server that is too old, or a database that is not in UTF-8.

    `version_num` is PostgreSQL's own `server_version_num`: 150004 for 15.4.
    """
    if version_num < OLDEST_POSTGRES * 10_000:
        raise UnfitDatabase(
            f"PostgreSQL {version_num // 10_000} is too old: {OLDEST_POSTGRES} or newer is needed"
        )
    if encoding != "UTF8":
        raise UnfitDatabase(
            f"the database is encoded in {encoding}: make one with CREATE DATABASE … "
            "ENCODING 'UTF8' TEMPLATE template0"
        )
