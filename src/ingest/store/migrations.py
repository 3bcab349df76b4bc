"""The migrations, as Alembic runs them on the connection and in the transaction of an upgrade.

Who only looks how far a database is does not load this.
"""

from __future__ import annotations

from importlib.resources import files

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from ingest.store import catalog
from ingest.store.condition import NEW_ONE, VERSION_TABLE, UnfitDatabase
from ingest.store.tables import METADATA
from ingest.store.tables.views import VIEWS

_ASIDE = sa.text("CREATE SCHEMA lightfast_aside")
_LOOK_ASIDE = sa.text("SET LOCAL search_path = lightfast_aside")


def run(conn: sa.Connection, version: str = "head") -> None:
    """Run those that are missing up to this version."""
    command.upgrade(_config(conn), version)


def adopt(conn: sa.Connection) -> None:
    """Take over a database that was made from `schema.sql` by hand.

    Raises `UnfitDatabase` where it is not the same, having changed nothing.
    """
    ours = frozenset((*METADATA.tables, *VIEWS.tables))
    standing = catalog.tables(conn, ours) | catalog.triggers(conn, ours)
    with conn.begin_nested() as aside:  # what it would be, built beside it and taken back
        conn.execute(_ASIDE)
        conn.execute(_LOOK_ASIDE)
        run(conn)
        needed = catalog.tables(conn, ours) | catalog.triggers(conn, ours)
        aside.rollback()
    differences = sorted(standing ^ needed)
    if differences:
        raise UnfitDatabase(
            "our tables are there, made by hand, but they are not those of schema.sql "
            f"({len(differences)} differences, as: {'; '.join(differences[:3])}); {NEW_ONE}"
        )
    command.stamp(_config(conn), "head")


def _config(conn: sa.Connection) -> Config:
    """What Alembic has to know, on the connection whose transaction it shall work in."""
    config = Config()
    scripts = str(files("ingest_schema") / "migrations")
    config.set_main_option("script_location", scripts.replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes.update(connection=conn, version_table=VERSION_TABLE)
    return config
