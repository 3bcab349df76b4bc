"""What the tables share: the metadata that holds them, the enum, and columns that recur."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import UserDefinedType

METADATA = sa.MetaData()
NOW, CURRENT_TIMESTAMP = sa.text("now()"), sa.text("CURRENT_TIMESTAMP")
NO, YES, ZERO = sa.text("false"), sa.text("true"), sa.text("0")


class SourceType(UserDefinedType[str]):
    """The enum `source_type`. Its values live in the database and in the registry of sources."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """The type's name in DDL."""
        return "source_type"


def key(length: int = 191) -> sa.String:
    """The type of ids and of what refers to them."""
    return sa.String(length)


def local_time(name: str, *, default: sa.TextClause | None = CURRENT_TIMESTAMP) -> sa.Column[Any]:
    """A time without a zone, as the seed writes them: UTC. Without a default it may be null."""
    return sa.Column(name, sa.TIMESTAMP(), nullable=default is None, server_default=default)


def zoned_time(name: str, *, default: sa.TextClause | None = NOW) -> sa.Column[Any]:
    """A time with a zone, as our own tables have it. Without a default it may be null."""
    kind = sa.TIMESTAMP(timezone=True)
    return sa.Column(name, kind, nullable=default is None, server_default=default)


def number(name: str, default: int | None = None) -> sa.Column[Any]:
    """An integer that is never null."""
    text = None if default is None else sa.text(str(default))
    return sa.Column(name, sa.Integer(), nullable=False, server_default=text)


def flag(name: str, default: sa.TextClause) -> sa.Column[Any]:
    """A boolean that is never null."""
    return sa.Column(name, sa.Boolean(), nullable=False, server_default=default)


def refers(target: str, *, on_delete: str = "CASCADE") -> sa.ForeignKey:
    """A foreign key to `table.column` of ours (the prefix is added); named by PostgreSQL."""
    return sa.ForeignKey(f"lightfast_{target}", ondelete=on_delete)
