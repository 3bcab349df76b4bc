"""A worker that waits less: `celery -A tests.acceptance.impatient_worker worker …`.

So that a run through bad weather takes a test's time. What is waited for is the same: who is asked
again, and who gives up, hangs on no figure of these. Limits are there, and wider.
"""

from __future__ import annotations

from dataclasses import replace

from ingest.core import retry
from ingest.flows.lookups import outcome, settle
from ingest.flows.syncs import ending, failing
from ingest.sources import registry, transport
from ingest.sources.contract import Source
from ingest.worker import app

__all__ = ["app"]

SOON_S = 0.2
WIDER = 100

retry.BASE_DELAY_S, retry.MAX_DELAY_S = SOON_S, 2.0
failing.AGAIN_S = outcome.AGAIN_S = SOON_S
vars(settle)["AGAIN_S"] = SOON_S
ending.WAITS_S = 1.0
transport.STEP_S = 2.0


def _wider(found: Source) -> Source:
    if found.limits is None:
        return found
    each = tuple(replace(one, amount=one.amount * WIDER) for one in found.limits.each)
    return replace(found, limits=replace(found.limits, each=each))


_known = {name: _wider(one) for name, one in registry.all_sources().items()}
registry._loaded = _known.__getitem__  # type: ignore[assignment]
registry.all_sources.cache_clear()
