"""The queues and the beat: what a wake-up message is sent to, and how often beat looks.

On a shared broker an environment's prefix stands before each name (`INGEST_QUEUE_PREFIX`).
"""

from __future__ import annotations

INGEST_QUEUE = "ingest"
"""Deliveries that are due: no network is needed."""
FETCH_QUEUE = "fetch"
"""Look-ups that are due: providers' APIs are asked."""
SYNC_QUEUE = "sync"
"""Pages of resyncs."""
QUEUES = (INGEST_QUEUE, FETCH_QUEUE, SYNC_QUEUE)
REPROCESS_BELL = "reprocess"
"""Rung where a run that makes anew what is stored is due: a bell of its own, and no queue."""
PUSH_BELL = "push"
"""Rung where documents were written, and a sink of the change feed waits for such news."""
QUEUE_OF_BELL = {REPROCESS_BELL: SYNC_QUEUE, PUSH_BELL: SYNC_QUEUE}
"""Whose workers hear a bell that is not called as its queue."""

SWEEP_EVERY_S = 5.0
"""Between two looks for what is due and unheard."""
TIDY_EVERY_S = 60.0
"""Between two times that counts, references and secrets that lag behind are put right."""
RETAIN_EVERY_S = 10.0
"""Between two times that what was kept long enough is deleted, a little at a time."""
MISSED_EVERY_S = 30.0
"""Between two looks for connections whose provider's log of failed deliveries is to be seen."""
PLAN_EVERY_S = 30.0
"""Between two looks for connections whose next sync run is due."""
PUSH_EVERY_S = 2.0
"""Between two looks for sinks of the change feed that are to be pushed to."""
