"""A database that a test gives back is a new copy to the next one, its statistics too."""

from __future__ import annotations

import psycopg
import pytest

from tests.conftest import database_on
from tests.spares import Spares

_FILL = """
INSERT INTO lightfast_schedule_slots (schedule, slot)
SELECT 'sync', n FROM generate_series(1, 150) n
"""
_LEFT = """
SELECT (SELECT count(*) FROM lightfast_schedule_slots), reltuples FROM pg_class
WHERE oid = 'lightfast_schedule_slots'::regclass
"""


@pytest.mark.parametrize("then", ["", "DELETE FROM lightfast_schedule_slots"])
@pytest.mark.parametrize("counted", ["", "ANALYZE lightfast_schedule_slots"])
def test_neither_rows_nor_what_was_counted_stays(
    postgres_url: str, spares: Spares, counted: str, then: str
) -> None:
    first = spares.take()
    with psycopg.connect(database_on(postgres_url, first), autocommit=True) as conn:
        for statement in filter(None, (_FILL, counted, then)):
            conn.execute(statement)
    spares.give_back(first)
    second = spares.take()
    with psycopg.connect(database_on(postgres_url, second)) as conn:
        left = conn.execute(_LEFT).fetchone()
    spares.give_back(second)
    assert (second, left) == (first, (0, -1))
