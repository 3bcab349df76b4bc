"""Time passes over leases: they run out, and nobody who lives renews them."""

from __future__ import annotations

import sqlalchemy as sa

from ingest.store.engine import transaction

_RUN_OUT = (
    "UPDATE lightfast_webhook_deliveries SET lease_until = now() - interval '1 s',"
    " missed_at = now() - interval '1 min' WHERE lease_until IS NOT NULL",
    "UPDATE lightfast_lookups SET lease_until = now() - interval '1 s',"
    " missed_at = now() - interval '1 min' WHERE lease_until IS NOT NULL",
)


def run_out(engine: sa.Engine) -> None:
    """All leases ran out a while ago: their owners are gone."""
    with transaction(engine, durable=False) as conn:
        for statement in _RUN_OUT:
            conn.execute(sa.text(statement))
