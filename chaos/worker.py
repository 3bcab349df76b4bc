"""`celery -A chaos.worker worker …`: the program's own workers, but for three things.

They wait less for a provider's next try, they believe in wider limits of providers, so that a run
of an hour fits into minutes, and one payload kills them. All else is what runs in production.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from chaos.told import POISON
from ingest.core import retry
from ingest.core.changes import Change, Delete, Refresh
from ingest.flows.lookups import outcome, settle
from ingest.flows.syncs import ending, failing
from ingest.sources import later, registry, transport
from ingest.sources.contract import Message, Normalise, Normalised, Source
from ingest.sources.limits import Call, LimitReading, RateLimits
from ingest.worker import app

__all__ = ["app"]

SOON_S = 0.2
PATIENT_S = 2.0
WIDER = 1_000


def _poisoned(normalise: Normalise) -> Normalise:
    """The adapter, but for one payload."""

    def swallow(message: Message) -> Normalised:
        if POISON in message.payload:
            os.kill(os.getpid(), signal.SIGKILL)
        meant = normalise(message)
        return replace(meant, changes=tuple(_hurried(one) for one in meant.changes))

    return swallow


def _hurried(change: Change | Refresh) -> Change | Refresh:
    """Our providers show at once what they tell of: nobody need be patient with them for long."""
    if isinstance(change, Refresh):
        return replace(change, patience_s=min(change.patience_s, PATIENT_S))
    if isinstance(change, Delete) and change.confirm is not None:
        confirm = replace(change.confirm, patience_s=min(change.confirm.patience_s, PATIENT_S))
        return replace(change, confirm=confirm)
    return change


def _altered(found: Source) -> Source:
    made = replace(found, normalise=_poisoned(found.normalise))
    return made if found.limits is None else replace(made, limits=_widened(found.limits))


def _widened(limits: RateLimits) -> RateLimits:
    """An hour's requests for each few seconds; who has none left still has none."""

    def read(call: Call, headers: Mapping[str, str], now: datetime) -> tuple[LimitReading, ...]:
        return tuple(
            replace(
                one,
                remaining=one.remaining * WIDER,
                amount=None if one.amount is None else one.amount * WIDER,
            )
            for one in limits.read(call, headers, now)
        )

    each = tuple(replace(one, amount=one.amount * WIDER) for one in limits.each)
    return RateLimits(each, read)


retry.BASE_DELAY_S, retry.MAX_DELAY_S = SOON_S, 5.0
failing.AGAIN_S = outcome.AGAIN_S = SOON_S
vars(settle)["AGAIN_S"] = SOON_S
ending.WAITS_S = 1.0
transport.STEP_S = 5.0
later.WAITS_S = (0.5, 1.0, 2.0)

# No package outside takes the name of a source of ours, so this process alters what was found.
_known = {name: _altered(one) for name, one in registry.all_sources().items()}
registry._loaded = _known.__getitem__  # type: ignore[assignment]  # the same call, other sources
registry.all_sources.cache_clear()
