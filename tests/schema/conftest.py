"""Fixtures of the schema's tests."""

from collections.abc import Callable, Iterator

import pytest

from tests.databases import empty_databases


@pytest.fixture
def empty_database(postgres_url: str) -> Iterator[Callable[[], str]]:
    """Makes a database without any table; gives its URL."""
    with empty_databases(postgres_url) as make:
        yield make
