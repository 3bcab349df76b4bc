"""`ingest db`."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from ingest.sources.registry import all_sources
from ingest.store.upgrade import head
from tests.cli.conftest import Ingest
from tests.databases import empty_databases

pytestmark = pytest.mark.integration


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
