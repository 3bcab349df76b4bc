"""Migrations are written expand, then contract: what takes something away says whom it leaves.

The program of the version before goes on beside an expanded schema: columns that it does not know
are nullable or have a default, and nothing that it knows is gone. A migration that contracts raises
`lightfast_schema_serves` to the oldest version that no longer needs what it takes. None rewrites
rows: it would hold their table alone for as long, so what is absent in an older row has a reading.
Nor does one build an index of a table of before: the upgrade did, beside whoever writes.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ingest.store.online_indexes import ONLINE

MIGRATIONS = Path(__file__).parents[2] / "schema" / "migrations" / "versions"
FIRST = "0004"
"""Before it nobody asked how far a schema may be ahead."""
SMALL = {"lightfast_lookups": "only what is still to be looked up: built within a moment"}
"""Tables of before that are never huge, and why: their indexes may be built under a lock."""
_CONTRACTS = re.compile(
    r"\bDROP (TABLE|VIEW|COLUMN|TYPE|CONSTRAINT|DEFAULT)\b|\bRENAME\b|\bSET NOT NULL\b"
    r"|\bALTER COLUMN \w+ (SET DATA )?TYPE\b|\bADD CONSTRAINT\b|\bADD CHECK\b"
    r"|\bADD COLUMN \w+ (?!.*\bDEFAULT\b)[^,;]*\bNOT NULL\b",
    re.IGNORECASE,
)
_REWRITES = re.compile(r"\bUPDATE lightfast_(?!schema_serves)", re.IGNORECASE)
_INDEXES = re.compile(
    r"\bCREATE (?:UNIQUE )?INDEX (?P<gentle>IF NOT EXISTS )?(?P<index>\w+)\s+ON (?P<table>\w+)",
    re.IGNORECASE,
)
_CREATES = re.compile(r"\bCREATE TABLE (\w+)", re.IGNORECASE)
_SERVES = re.compile(r"lightfast_schema_serves\s+(?:VALUES \(|SET oldest = )'(\d{4})'")


def faults(version: str, sql: str) -> list[str]:
    """What is wrong with a migration."""
    told = _SERVES.search(sql)
    serves = told[1] if told else None
    statements = re.sub(r"--.*", "", sql)
    contracted = [found[0] for found in _CONTRACTS.finditer(statements)]
    if contracted and serves is None:
        return [f"{version} takes away ({', '.join(contracted)}) and does not say whom it serves"]
    if _REWRITES.search(statements):
        return [f"{version} rewrites the rows of a table that it holds alone"]
    created = {*_CREATES.findall(statements), *SMALL}
    for found in _INDEXES.finditer(statements):
        if found["table"] not in created and not (found["gentle"] and found["index"] in ONLINE):
            return [f"{version} keeps writers out of {found['table']} while it builds an index"]
    if serves is not None and serves > version:
        return [f"{version} serves only programs that come after it"]
    return []


@pytest.mark.parametrize("file", sorted(MIGRATIONS.glob("*.sql")), ids=lambda file: file.stem)
def test_a_migration_leaves_nobody_who_is_not_told_of_it(file: Path) -> None:
    version = file.stem[:4]
    assert version < FIRST or faults(version, file.read_text("utf-8")) == []


RAISED = "UPDATE lightfast_schema_serves SET oldest = '0005';"


@pytest.mark.parametrize(
    "sql",
    [
        "ALTER TABLE a DROP COLUMN b;",
        "ALTER TABLE a ADD COLUMN b TEXT NOT NULL;",
        "ALTER TABLE a RENAME TO b;",
        "ALTER TABLE a ALTER COLUMN b TYPE text;",
        "DROP TABLE a;",
        "DROP VIEW a;",
    ],
)
def test_what_takes_away_is_found(sql: str) -> None:
    assert faults("0005", sql) != []
    assert faults("0005", sql + RAISED) == []


def test_a_rewrite_is_found() -> None:
    assert faults("0005", "UPDATE lightfast_document_ledger SET fed = true;") != []


def test_an_index_that_keeps_writers_out_is_found() -> None:
    built = f"CREATE INDEX IF NOT EXISTS {ONLINE[0]} ON a (b);"
    assert faults("0005", "CREATE INDEX c ON a (b);") != []
    assert faults("0005", built.replace(ONLINE[0], "c")) != []
    assert faults("0005", built.replace("IF NOT EXISTS ", "")) != []
    assert faults("0005", built) == []
    assert faults("0005", "CREATE TABLE a (b INTEGER); CREATE INDEX c ON a (b);") == []


@pytest.mark.parametrize(
    "sql",
    [
        "ALTER TABLE a ADD COLUMN b TEXT;",
        "ALTER TABLE a ADD COLUMN b INTEGER NOT NULL DEFAULT 0;",
        "CREATE TABLE b (c INTEGER NOT NULL); -- DROP TABLE a",
    ],
)
def test_what_adds_needs_no_word(sql: str) -> None:
    assert faults("0005", sql) == []
