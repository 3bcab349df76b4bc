"""The law of retention for every source: what is redelivered after its row is gone changes nothing.

Promises 3 and 4 do not hang on the raw deliveries: the events' unique index, the facts and the
ledger's ranks keep them.
"""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from ingest.flows.deliveries.drain import drain_deliveries
from ingest.flows.retention import delete_old
from ingest.store.engine import transaction
from tests.flows.snapshot import difference, snapshot
from tests.flows.test_convergence_of_all import STORY, TOLD_IN_ORDER, World, fakes, world

__all__ = ["fakes", "world"]

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

_AGE = sa.text("""
UPDATE lightfast_webhook_deliveries SET settled_at = settled_at - interval '31 days'
""")
_ENDS = sa.text("""
SELECT delivery_key, status, source_type FROM lightfast_webhook_deliveries
""")


def _ends(engine: sa.Engine) -> dict[str, str]:
    with transaction(engine) as conn:
        return {f"{row[2]} {row[0]}": row[1] for row in conn.execute(_ENDS)}


def test_what_every_source_redelivers_after_its_rows_are_gone_changes_nothing(
    world: World,
) -> None:
    told = world.run(TOLD_IN_ORDER)
    before, first = snapshot(world.engine), _ends(world.engine)
    with transaction(world.engine) as conn:
        conn.execute(_AGE)
    assert delete_old(world.engine, 30, go_on=lambda: True).deliveries == len(STORY)
    assert _ends(world.engine) == {}
    world.tell(STORY)
    drain_deliveries(world.engine, go_on=lambda: True, threads=1)
    again = world.finish()
    assert not difference(told, again), difference(told, again)
    events, now = snapshot(world.engine)["events"], _ends(world.engine)
    assert events == before["events"]
    became = {(first[key], status) for key, status in now.items()}
    assert ("processed", "duplicate") in became
    assert became <= {
        ("processed", "duplicate"),
        ("duplicate", "duplicate"),
        ("skipped", "skipped"),
    }
