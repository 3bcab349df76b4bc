"""A worker's hold on what it claimed: kept while the work goes on, however slow the machine is."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass, field

import sqlalchemy as sa

from ingest.store import claiming
from ingest.store.claiming import LEASE_S
from ingest.store.engine import transaction


@dataclass(slots=True)
class Hold:
    """The lease under which deliveries are settled."""

    token: str
    lease_s: float = LEASE_S
    since: float = field(default_factory=time.monotonic)

    def keep(self, engine: sa.Engine, ids: Collection[int]) -> None:
        """Renew the lease of these where a third of it has passed; raises `TransientError`."""
        if time.monotonic() - self.since < self.lease_s / 3:
            return
        with transaction(engine, durable=False) as conn:
            claiming.renew(conn, self.token, ids, self.lease_s)
        self.since = time.monotonic()
