"""The names of the queues: what a wake-up message is sent to, and what a worker listens to.

On a shared broker an environment's prefix stands before each (`INGEST_QUEUE_PREFIX`).
"""

from __future__ import annotations

INGEST_QUEUE = "ingest"
"""Deliveries that are due: no network is needed."""
FETCH_QUEUE = "fetch"
"""Look-ups that are due: providers' APIs are asked."""
SYNC_QUEUE = "sync"
"""Pages of resyncs."""
QUEUES = (INGEST_QUEUE, FETCH_QUEUE, SYNC_QUEUE)
