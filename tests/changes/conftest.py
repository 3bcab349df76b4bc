"""A database with a store, and documents to write in it."""

import pytest
import sqlalchemy as sa

from tests.changes.shelf import Table
from tests.factories import make_store


@pytest.fixture
def table(engine: sa.Engine) -> Table:
    """Documents of one store, on the test's own database."""
    return Table(engine, make_store(engine, "docs"))
