"""What becomes of a recovery that failed: it goes on later, where it stands.

Law: whoever may not see webhooks is told so, and nothing of the connection stops for that: only a
token that its provider does not know any more pauses it, as a look-up does.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Literal

from ingest.core.canonical import clean
from ingest.core.errors import (
    BudgetSpent,
    IngestError,
    RateLimited,
    Refused,
    TransientError,
)
from ingest.core.retry import delay_s, told_s
from ingest.flows.subscriptions.bring_in import AGAIN_S
from ingest.store.missed import EVERY_S

SHORTEST_S = 10.0
"""Before a provider that failed is asked for its log again."""
MOST_SAID = 2_000
"""Characters of an error that are stored."""

Kind = Literal["unknown", "limited", "put_off", "failed"]


@dataclass(frozen=True, slots=True)
class RecoveryFailure:
    """What hinders a recovery.

    unknown: the provider does not know the token, so the connection is to be paused if it is so.
    limited: the connection is left alone for `wait_s`. put_off: it goes on then. failed: it walks
    the log anew at its usual time, with `said` shown to people. counted: the next wait is longer.
    again_s: nothing of the delivery that was asked for just then is to blame, and it is due after
        so long; None: it may be.
    """

    kind: Kind
    said: str
    wait_s: float = EVERY_S
    counted: bool = False
    again_s: float | None = 0.0


def failure_of(error: BaseException, *, connection_id: str, attempts: int) -> RecoveryFailure:
    """What an error of a recovery means; a fault of the source's is told by its class. Pure."""
    said = clean(str(error))[:MOST_SAID]
    if isinstance(error, Refused):
        return RecoveryFailure("unknown" if error.stale else "failed", said)
    if isinstance(error, TransientError):
        told = error.retry_after_s
        drawn = zlib.crc32(connection_id.encode())
        wait_s = max(SHORTEST_S, delay_s(attempts, drawn)) if told is None else told_s(told)
        if isinstance(error, RateLimited):
            return RecoveryFailure("limited", said, max(wait_s, 1.0))
        spent = isinstance(error, BudgetSpent)
        again_s = 0.0 if told is not None else AGAIN_S
        return RecoveryFailure("put_off", "" if spent else said, wait_s, told is None, again_s)
    if not isinstance(error, IngestError):
        said = f"source fault: {type(error).__name__}"
    return RecoveryFailure("failed", said, again_s=None)
