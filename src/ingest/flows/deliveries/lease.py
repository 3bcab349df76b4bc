"""Renews a worker's lease on what it claimed, in a thread of its own, whatever the work waits for.

Law: a lease that runs out is to say that its owner is gone. So whoever works renews it, also while
he computes, or waits for a lock; only where the database is away can he not.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import sqlalchemy as sa
import structlog

from ingest.core.errors import TransientError
from ingest.store import claiming
from ingest.store.claiming import LEASE_S
from ingest.store.engine import transaction

log = structlog.get_logger(__name__)

KEPT_S = 15 * 60.0
"""For how long a lease is renewed: what takes longer hangs, and is as good as gone."""
AGAIN_S = 1.0
"""How soon a renewal is tried again that failed."""
SHORTEST_S = 0.1
"""Between two renewals, however short the lease."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The lease under which deliveries are settled: the claim's token, and how long it holds."""

    token: str
    lease_s: float = LEASE_S


@contextmanager
def renewing(engine: sa.Engine, lease: Lease, ids: Collection[int]) -> Iterator[None]:
    """Renew the lease of these deliveries until the block ends; what is settled by then has none.

    A context manager: three times in each lease, in transactions of its own. A database that is
    away is logged and tried again, never raised; who settles finds out whether the lease was lost.
    """
    over = threading.Event()

    def renew() -> None:
        each_s = max(lease.lease_s / 3, SHORTEST_S)
        ends_at, pause_s = time.monotonic() + KEPT_S, each_s
        while not over.wait(pause_s) and time.monotonic() < ends_at:
            pause_s = each_s if _renewed(engine, lease, ids) else min(each_s, AGAIN_S)

    renewer = threading.Thread(target=renew, name="lease", daemon=True)
    renewer.start()
    try:
        yield
    finally:
        over.set()
        renewer.join()


def _renewed(engine: sa.Engine, lease: Lease, ids: Collection[int]) -> bool:
    try:
        with transaction(engine, durable=False) as conn:
            claiming.renew(conn, lease.token, ids, lease.lease_s)
    except TransientError as error:
        log.warning("lease_not_renewed", deliveries=len(ids), error=str(error))
        return False
    return True
