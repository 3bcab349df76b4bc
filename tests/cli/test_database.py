"""`ingest db`."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
import sqlalchemy as sa

from ingest.cli.amounts import bytes_, count
from ingest.sources.registry import all_sources
from ingest.store import sizes
from ingest.store.engine import transaction
from ingest.store.queue_admin import STATUSES
from ingest.store.tables import METADATA
from ingest.store.upgrade import head
from tests.cli.conftest import Ingest
from tests.databases import empty_databases

pytestmark = pytest.mark.integration

# Bodies that no compression makes smaller.
_FILL = """
INSERT INTO lightfast_webhook_deliveries
  (source_type, delivery_key, body_hash, headers, body, status, received_at, settled_at)
SELECT 'github', s || '-' || n, '', '{}',
       decode((SELECT string_agg(md5(n || s || i), '') FROM generate_series(1, 500) i), 'hex'), s,
       '2026-01-01', now() - interval '40 days'
FROM unnest(ARRAY['processed', 'duplicate', 'dead']) s, generate_series(1, 100) n
"""
_SLOT = "INSERT INTO lightfast_schedule_slots VALUES ('sweep', 1, '2026-01-02')"


@pytest.fixture
def empty_url(postgres_url: str) -> Iterator[str]:
    with empty_databases(postgres_url) as make:
        yield make()


def test_check_says_behind_until_the_upgrade(ingest: Ingest, empty_url: str) -> None:
    behind = ingest("db", "check", DATABASE_URL=empty_url)
    assert (behind.code, behind.out) == (1, "")
    assert "run `ingest db upgrade`" in behind.err
    upgraded = ingest("db", "upgrade", "--json", DATABASE_URL=empty_url).json
    assert upgraded["before"] is None
    assert upgraded["after"] == head()
    again = ingest("db", "upgrade", "--json", DATABASE_URL=empty_url).json
    assert again == {
        "before": head(),
        "after": head(),
        "added_source_types": [],
        "adopted": False,
    }
    current = ingest("db", "check", DATABASE_URL=empty_url)
    assert (current.code, current.out) == (0, f"current: schema {head()}\n")
    assert ingest("db", "check", "--json", DATABASE_URL=empty_url).json == {
        "current": True,
        "behind": [],
    }


def test_check_in_json_is_one_document_even_when_behind(ingest: Ingest, empty_url: str) -> None:
    ran = ingest("db", "check", "--json", DATABASE_URL=empty_url)
    assert ran.code == 1
    assert ran.out.startswith('{"current":false,"behind":["')
    assert ran.out.count("\n") == 1


def test_a_legacy_database_is_refused_in_one_line(ingest: Ingest, empty_url: str) -> None:
    with psycopg.connect(empty_url) as connection:
        connection.execute("CREATE TABLE lightfast_store_repositories (id int)")
    for command in ("upgrade", "check"):
        ran = ingest("db", command, DATABASE_URL=empty_url)
        assert (ran.code, ran.out) == (1, "")
        assert "a legacy Lightfast database (lightfast_store_repositories)" in ran.err
        assert ran.err.count("\n") == 1


def test_every_registered_source_gets_its_value(ingest: Ingest, empty_url: str) -> None:
    ingest("db", "upgrade", DATABASE_URL=empty_url)
    with psycopg.connect(empty_url) as connection:
        rows = connection.execute("SELECT unnest(enum_range(NULL::source_type))::text").fetchall()
    assert {value for (value,) in rows} == set(all_sources())


def test_size_says_what_takes_the_room(ingest: Ingest, engine: sa.Engine) -> None:
    with transaction(engine) as conn:
        conn.execute(sa.text(_FILL))
        conn.execute(sa.text(_SLOT))
    told = ingest("db", "size", "--json").json
    tables = {row["table"]: row for row in told["tables"]}
    assert set(tables) == set(METADATA.tables)
    sizes = [row["total_bytes"] for row in told["tables"]]
    assert sizes == sorted(sizes, reverse=True)
    for row in told["tables"]:
        assert row["total_bytes"] == row["table_bytes"] + row["index_bytes"] + row["toast_bytes"]
    deliveries = tables["lightfast_webhook_deliveries"]
    assert told["tables"][0] == deliveries
    assert deliveries["rows"] == 300
    assert deliveries["toast_bytes"] > 300 * 4_000
    assert deliveries["oldest"].startswith("2026-01-01")
    assert tables["lightfast_schedule_slots"]["oldest"].startswith("2026-01-02")
    assert {row["status"]: row["deliveries"] for row in told["deliveries"]} == {
        "pending": 0,
        "processed": 100,
        "skipped": 0,
        "duplicate": 100,
        "dead": 100,
    }
    assert all(row["exact"] for row in told["deliveries"])
    assert told["retention"] == {
        "keep_days": 30,
        "deliveries": 200,
        "body_bytes": 200 * 8_000,
        "more": False,
    }
    kept = ingest("db", "size", "--json", INGEST_KEEP_DELIVERIES_DAYS="41").json
    assert kept["retention"]["deliveries"] == 0


def test_size_fits_a_terminal_of_80_columns(ingest: Ingest, engine: sa.Engine) -> None:
    with transaction(engine) as conn:
        conn.execute(sa.text(_FILL))
    ran = ingest("db", "size")
    lines = ran.out.splitlines()
    assert ran.code == 0
    assert "deliveries: 0 pending, 100 processed, 0 skipped, 100 duplicate, 100 dead" in lines
    assert lines[-1].endswith("after they were settled: 200, 1.5 MiB of bodies")
    table = lines[: lines.index("")]
    assert table[1].split()[:2] == ["webhook_deliveries", "300"]
    assert len(table) == 1 + len(METADATA.tables)
    assert max(len(line.rstrip()) for line in lines) <= 80


@pytest.mark.parametrize(
    ("limits", "exact"),
    [
        ({"most": 50}, [True, False, True, False, False]),
        ({"small_rows": 100}, [True, False, True, False, True]),
        ({}, [True] * 5),
    ],
)
def test_what_is_many_is_estimated(
    engine: sa.Engine, limits: dict[str, int], exact: list[bool]
) -> None:
    with transaction(engine) as conn:
        conn.execute(sa.text(_FILL))
        conn.execute(sa.text("ANALYZE lightfast_webhook_deliveries"))
        counted = sizes.deliveries(conn, STATUSES, **limits)
    assert [one.exact for one in counted] == exact
    assert [one.deliveries for one in counted] == [0, 100, 0, 100, 100]


@pytest.mark.parametrize(
    ("amount", "told"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (25 * 2**20, "25 MiB"), (2**41, "2.0 TiB")],
)
def test_bytes_are_told_in_the_unit_that_fits(amount: int, told: str) -> None:
    assert bytes_(amount) == told


@pytest.mark.parametrize(
    ("amount", "told"), [(0, "0"), (9_999, "9999"), (10_000, "10 k"), (10**7, "10 M")]
)
def test_counts_are_told_short(amount: int, told: str) -> None:
    assert count(amount) == told
