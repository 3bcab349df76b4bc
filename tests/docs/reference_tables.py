"""The page of the tables: columns as SQLAlchemy has them, words and indexes as `schema.sql` does.

A test holds the two together, and both to the migrations (`tests/schema`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from ingest.store.tables import METADATA
from ingest.store.tables.views import VIEWS
from tests.docs import schema_text
from tests.docs.pages import ROOT
from tests.docs.schema_text import Told
from tests.docs.tables import cell, table
from tests.docs.writers import WRITERS

STORE = ROOT / "src" / "ingest" / "store"
PREFIX = "lightfast_"
MADE = "This page is made of the code (`make reference`).\n"
_WRITES = re.compile(rf"\b(?:INSERT INTO|UPDATE|DELETE FROM)\s+(?:ONLY\s+)?({PREFIX}\w+)")
_PAGE = re.compile(r"\bdocs/([a-z-]+)\.md\b")
_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]  # theirs is not annotated


def tables() -> str:
    """Every table and view, with its columns, its indexes and who writes it."""
    told = schema_text.told()
    parts = groupby(told.items(), key=lambda one: one[1].part)
    named = [(part, [*of_part]) for part, of_part in parts]
    return f"""# Tables

Every table and view as it is today: `schema/schema.sql` builds the same, with the triggers of the
change feed. Times `WITHOUT TIME ZONE` are UTC. The type `source_type` is an enum of the registered
sources; ids are texts.

What may be relied upon: the tables of *the seed*, which stay as they are, and the *views for
readers*, whose columns are never taken away. All other tables are ours, and change with a version.
Whoever embeds reads [the change feed](../changes.md) or a view; queries are in
[reading](../reading.md). *Written by* names processes (`receiver` is `web`), and the modules of
`ingest.store` whose statements do it; what is erased (`--purge`, `ingest store delete`) is deleted
by commands everywhere. Beside these there is `lightfast_schema_version`, which `ingest db upgrade`
keeps, and an index for full-text search where `ingest db search` made it.

{table(("part", "tables"), ((part, _links(of_part)) for part, of_part in named))}
{"".join(_part(part, of_part) for part, of_part in named)}{MADE}"""


def _links(named: list[tuple[str, Told]]) -> str:
    return ", ".join(f"[{name.removeprefix(PREFIX)}](#{name})" for name, _ in named)


def _part(part: str, named: list[tuple[str, Told]]) -> str:
    of_part = "\n".join(_table(name, told) for name, told in named)
    return f"## {part.capitalize()}\n\n{of_part}\n"


def _table(name: str, told: Told) -> str:
    says = _PAGE.sub(r"[\1](../\1.md)", told.says)
    said = f"### `{name}`\n\n{says}\n\n"
    if name in VIEWS.tables:
        shown = ((f"`{one.name}`", _type(one)) for one in VIEWS.tables[name].columns)
        return f"{said}{table(('column', 'type'), shown)}"
    own = METADATA.tables[name]
    indexes = f"\n```sql\n{told.indexes}```\n" if told.indexes else ""
    heads = ("column", "type", "null", "default", "")
    rows = (_column(one, told) for one in own.columns)
    return f"{said}{_written(name)}{table(heads, rows)}{_checks(own)}{indexes}"


def _column(column: sa.Column[object], told: Told) -> tuple[str, ...]:
    notes = ["primary key"] if column.primary_key else ["unique"] if _is_unique(column) else []
    for key in column.foreign_keys:
        gone = (key.ondelete or "no action").lower()
        notes.append(f"→ `{key.target_fullname.removeprefix(PREFIX)}` (on delete {gone})")
    if words := told.columns.get(column.name):
        notes.append(words)
    null = "yes" if column.nullable else "no"
    return f"`{column.name}`", _type(column), null, _default(column), cell("; ".join(notes))


def _is_unique(column: sa.Column[object]) -> bool:
    """By a constraint of its own; what an index makes unique stands with the indexes."""
    own = METADATA.tables[column.table.name]
    unique = (one for one in own.constraints if isinstance(one, sa.UniqueConstraint))
    return any([*one.columns.keys()] == [column.name] for one in unique)


def _type(column: sa.Column[object]) -> str:
    return f"`{column.type.compile(dialect=_DIALECT)}`"


def _default(column: sa.Column[object]) -> str:
    if column.identity is not None:
        return "identity"
    if not isinstance(column.server_default, sa.DefaultClause):
        return ""
    text = column.server_default.arg
    return f"`{text}`" if isinstance(text, sa.TextClause) else f"`'{text}'`"


def _checks(own: sa.Table) -> str:
    checks = sorted(
        f"`{one.sqltext}`" for one in own.constraints if isinstance(one, sa.CheckConstraint)
    )
    return f"\nChecked: {', '.join(checks)}.\n" if checks else ""


def _written(name: str) -> str:
    modules = ", ".join(f"`{one}`" for one in _modules(name))
    by = WRITERS[name.removeprefix(PREFIX)]
    return f"*Written by* {by}{f' ({modules})' if modules else ''}.\n\n"


def _modules(name: str) -> Iterator[str]:
    """The modules of the store with a statement that writes it."""
    for path in sorted(STORE.glob("*.py")):
        if name in _WRITES.findall(path.read_text("utf-8")):
            yield path.stem
