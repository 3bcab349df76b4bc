"""What PostgreSQL's catalogs say of tables and views, a line for each fact: databases compare."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

# Names are looked up along the search path; definitions come without the schema's name.
_TABLES = """
  WITH t AS (
    SELECT c.oid, c.relname AS name, quote_ident(s.nspname) || '.' AS prefix
    FROM unnest(CAST(:tables AS text[])) n
    JOIN pg_class c ON c.oid = to_regclass(n) JOIN pg_namespace s ON s.oid = c.relnamespace
  )
"""
_COLUMNS = sa.text(f"""{_TABLES}
SELECT concat_ws(' ', 'column', t.name || '.' || a.attname,
         row_number() OVER (PARTITION BY t.oid ORDER BY a.attnum),
         format_type(a.atttypid, a.atttypmod),
         CASE WHEN a.attnotnull THEN 'NOT NULL' END,
         'COLLATE ' || nullif(l.collname, 'default'),
         'IDENTITY ' || nullif(CAST(a.attidentity AS text), ''),
         'GENERATED ' || nullif(CAST(a.attgenerated AS text), ''),
         'DEFAULT ' || pg_get_expr(d.adbin, d.adrelid))
FROM t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_collation l ON l.oid = a.attcollation
LEFT JOIN pg_attrdef d ON d.adrelid = t.oid AND d.adnum = a.attnum
""")
_INDEXES = sa.text(f"""{_TABLES}
SELECT 'index ' || replace(pg_get_indexdef(i.indexrelid), t.prefix, '')
FROM t JOIN pg_index i ON i.indrelid = t.oid
""")
# NOT NULL is told with the columns; PostgreSQL 18 keeps it as a constraint too.
_CONSTRAINTS = sa.text(f"""{_TABLES}
SELECT concat_ws(' ', 'constraint', t.name, k.conname,
                 replace(pg_get_constraintdef(k.oid), t.prefix, ''))
FROM t JOIN pg_constraint k ON k.conrelid = t.oid AND k.contype <> 'n'
""")
_VIEWS = sa.text(f"""{_TABLES}
SELECT concat_ws(' ', 'view', t.name, replace(pg_get_viewdef(t.oid), t.prefix, ''))
FROM t JOIN pg_class c ON c.oid = t.oid AND c.relkind = 'v'
""")
# By what they are made of: where a schema was built, and which one it is, is not told.
_TRIGGERS = sa.text(f"""{_TABLES}
SELECT concat_ws(' ', 'trigger', t.name, g.tgname, g.tgtype, g.tgenabled, g.tgoldtable,
                 g.tgnewtable, p.proname)
FROM t JOIN pg_trigger g ON g.tgrelid = t.oid AND NOT g.tgisinternal
JOIN pg_proc p ON p.oid = g.tgfoid
""")
_FUNCTIONS = sa.text("""
SELECT concat_ws(' ', 'function', proname, prosecdef, provolatile,
                 (SELECT string_agg(c, ',' ORDER BY c) FROM unnest(proconfig) c
                  WHERE c NOT LIKE 'search_path=%'), prosrc)
FROM pg_proc WHERE proname LIKE 'lightfast\\_%' AND pg_function_is_visible(oid)
""")
_ENUMS = sa.text("""
SELECT concat_ws(' ', 'enum', t.typname, string_agg(e.enumlabel, ',' ORDER BY e.enumsortorder))
FROM pg_type t JOIN pg_enum e ON e.enumtypid = t.oid
WHERE pg_type_is_visible(t.oid) GROUP BY t.typname
""")


def tables(conn: sa.Connection, names: Collection[str]) -> frozenset[str]:
    """What PostgreSQL knows of these tables, a text for each fact: two databases compare as sets.

    Facts are columns (place, type, null, collation, default), indexes, constraints, and of a view
    its query. Names are looked up along the search path; one that is not there gives none.
    """
    given = {"tables": list(names)}
    queries = (_COLUMNS, _INDEXES, _CONSTRAINTS, _VIEWS)
    return frozenset(line for q in queries for line in conn.execute(q, given).scalars())


def triggers(conn: sa.Connection, names: Collection[str]) -> frozenset[str]:
    """The triggers of these tables, and our functions, which they call."""
    found = conn.execute(_TRIGGERS, {"tables": list(names)}).scalars().all()
    return frozenset([*found, *conn.execute(_FUNCTIONS).scalars()])


def enums(conn: sa.Connection) -> frozenset[str]:
    """The enums in sight, with their values in order."""
    return frozenset(conn.execute(_ENUMS).scalars())
