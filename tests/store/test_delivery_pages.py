"""Pages of deliveries: each is found once, and what no index has costs no more than others."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from ingest.store import delivery_filter
from ingest.store.delivery_filter import DeliveryFilter
from ingest.store.engine import transaction

pytestmark = pytest.mark.integration

_ROWS = """
INSERT INTO lightfast_webhook_deliveries
  (source_type, delivery_key, body_hash, headers, body, status, reason)
SELECT 'github', n, '', '{}', '', CASE WHEN n % 7 = 0 THEN 'dead' ELSE 'processed' END,
       CASE WHEN n IN (2, 29) THEN 'rare' ELSE 'applied' END
FROM generate_series(1, 30) n
"""


def pages(conn: sa.Connection, wanted: DeliveryFilter, through: int) -> list[list[int]]:
    """The ids of page after page."""
    found: list[list[int]] = []
    before = None
    while True:
        rows, before = delivery_filter.page(conn, wanted, limit=4, before=before, through=through)
        found.append([row["id"] for row in rows])
        if before is None:
            return found


def test_all_are_found_once_and_the_newest_first(engine: sa.Engine) -> None:
    with transaction(engine) as conn:
        assert pages(conn, DeliveryFilter(), 10) == [[]]
        conn.execute(sa.text(_ROWS))
        ids = [row["id"] for row in delivery_filter.listing(conn, DeliveryFilter(), limit=99)]
        assert len(ids) == 30
        for through in (1, 3, 10, 99):
            found = pages(conn, DeliveryFilter(), through)
            assert [id_ for page in found for id_ in page] == ids
            assert all(found[:-1]), "without a filter no page is empty"
            sought = pages(conn, DeliveryFilter(reason="RARE"), through)
            assert [id_ for page in sought for id_ in page] == [ids[1], ids[28]]
            dead = pages(conn, DeliveryFilter(status="dead"), through)
            assert [len(page) for page in dead] == [4]


def test_what_no_index_has_is_looked_for_a_stretch_at_a_time(engine: sa.Engine) -> None:
    with transaction(engine) as conn:
        conn.execute(sa.text(_ROWS))
        found = pages(conn, DeliveryFilter(reason="rare"), 10)
        assert [len(page) for page in found] == [1, 0, 1]
        both = DeliveryFilter(status="processed", source_type="github")
        assert max(len(page) for page in pages(conn, both, 3)) == 3
