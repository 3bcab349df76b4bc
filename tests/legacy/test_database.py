"""The legacy database of tests is what it says: of both generations, with everything in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg
import pytest

from tests.databases import empty_databases
from tests.legacy.database import build
from tests.legacy.ddl import NAMES, ORDER, Generation
from tests.legacy.oddities import ODDITIES

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("generation", NAMES)
def test_it_is_built_with_as_many_rows_as_it_says(
    empty: Callable[[], str], generation: Generation
) -> None:
    built = build(empty(), generation=generation, documents=100)
    with psycopg.connect(built.url) as conn:
        for logical in ORDER:
            row = conn.execute(f"SELECT count(*) FROM {built.names[logical]}".encode()).fetchone()
            assert row == (built.rows[logical],), logical
    assert built.rows["documents"] > 150
    assert built.rows["vector_entries"] > 300


def test_each_oddity_says_what_it_is_about_and_refers_to_its_own_rows() -> None:
    for name, oddity in ODDITIES.items():
        assert oddity(), name
        assert {row["id"] for _, row in oddity()} == {row["id"] for _, row in oddity()}


@pytest.fixture
def empty(postgres_url: str) -> Iterator[Callable[[], str]]:
    with empty_databases(postgres_url) as make:
        yield make
