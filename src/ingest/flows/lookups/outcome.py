"""Decides what a look-up came to: seen, gone, denied, put off, hopeless.

Pure, but that it logs faults.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import structlog

from ingest.core.bounds import MAX_SEEN
from ingest.core.canonical import clean
from ingest.core.changes import Change, Delete, Refresh
from ingest.core.errors import (
    BadSettings,
    BudgetSpent,
    Denied,
    PermanentError,
    RateLimited,
    Refused,
    TransientError,
)
from ingest.core.folding import Statement
from ingest.core.identity import Identity
from ingest.core.ranks import Seen
from ingest.core.retry import delay_s, told_s
from ingest.core.values import JSON
from ingest.flows.documents.owned_keys import unclaimed
from ingest.flows.documents.statements import statements_of
from ingest.flows.lookups.held import HeldLookup
from ingest.sources.contract import OUTSIDE_FILTER, Sight
from ingest.sources.registry import source
from ingest.store.lookups import ClaimedLookup

log = structlog.get_logger(__name__)

AGAIN_S = 2.0
"""The shortest wait before a look-up is made again."""
PATIENT_S = 5.0
"""The wait for what a provider does not show yet, or shows still."""
MOST_SAID = 2_000
"""Characters of an error that are stored."""

Kind = Literal["seen", "gone", "denied", "hopeless", "put_off", "refused", "limited"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a look-up came to.

    seen, gone: it ends with its `statements`, and wants `lookups`; `more` of it is to be read.
    denied: it ends with `error`, which is shown; the deliveries that waited for it are skipped.
    hopeless: it ends with `error`, and so do the deliveries that waited for it.
    put_off, refused, limited: it goes on later, after `wait_s`; `error` says why. Failures are
    `counted`, for each makes the next wait longer; to wait as told, or for a lag, is none.
    state: what the next look-up of the object is told; None leaves the former one.
    problem, mended: as its sight says.
    remark: what the reason of the waiting deliveries says beside their end.
    rests: it is put off for want of a budget, and so are all of its connection that nobody waits
        for.
    calls: the requests that it took.
    """

    kind: Kind
    statements: tuple[Statement, ...] = ()
    lookups: tuple[Refresh, ...] = ()
    state: JSON = None
    more: bool = False
    error: str = ""
    wait_s: float = 0.0
    counted: bool = True
    problem: str | None = None
    mended: str | None = None
    remark: str = ""
    rests: bool = False
    calls: int = 0


@dataclass(frozen=True, slots=True)
class LookedUp:
    """A look-up and what it came to."""

    held: HeldLookup
    outcome: Outcome


def seen(said: Sequence[Change | Refresh], sight: Sight, held: HeldLookup) -> Outcome:
    """The object, as its source reads it; weighed here, so that what cannot be ends it alone.

    A true answer can bear another tenant's name too: a team's key, the path of a file.
    """
    if len(said) > MAX_SEEN:
        return hopeless(f"the provider's answer speaks of more than {MAX_SEEN:,} things")
    told = tuple(one for one in said if not isinstance(one, Refresh))
    changes, remark = unclaimed(source(held.connection.source_type), told, held.taken)
    statements = _statements(held, changes)
    if statements and not any(one.wanted for one in statements):
        remark = OUTSIDE_FILTER
    remark = "; ".join(filter(None, (remark, sight.remark)))
    return Outcome(
        "seen",
        statements,
        tuple(one for one in said if isinstance(one, Refresh)),
        sight.state,
        sight.more,
        problem=sight.problem,
        mended=sight.mended,
        remark=remark,
    )


def gone(identity: Identity, sight: Sight, held: HeldLookup) -> Outcome:
    """Nothing is there, and the parent is proven readable: the last known version is deleted.

    For good where a delivery said so too (`told_gone`).
    """
    deletion = Delete(identity, version=None, final=held.row.told_gone)
    return Outcome("gone", _statements(held, (deletion,)), state=sight.state)


def _statements(held: HeldLookup, changes: Collection[Change]) -> tuple[Statement, ...]:
    found, origin = source(held.connection.source_type), Seen(held.row.fence)
    return statements_of(found, held.connection, changes, origin, heard_at=held.row.sent_at)


def hopeless(error: str) -> Outcome:
    """It will fail the same way for ever; `error` becomes the reason of its dead deliveries."""
    return Outcome("hopeless", error=error)


def failed(error: BaseException, row: ClaimedLookup, *, source_type: str | None = None) -> Outcome:
    """What a look-up's error means; a fault of our own is permanent until it is mended.

    `Refused` pauses the connection, `Denied` ends this look-up alone, `RateLimited` holds the
    connection, `BudgetSpent` lets rest what nobody waits for, another `TransientError` waits in the
    row; a `PermanentError` is hopeless. A wrong setting of this worker (a key, a proxy) is nobody's
    end: it goes on once that is right. Waits are as long as the provider told, up to a day, or grow
    with each attempt (`core.retry`). `source_type` is for the log alone.
    """
    said = clean(str(error))[:MOST_SAID]
    if isinstance(error, Refused):
        return Outcome("refused", error=said, counted=False)
    if isinstance(error, RateLimited):
        untold = error.retry_after_s is None
        return Outcome("limited", error=said, wait_s=_held_s(error, row), counted=untold)
    if isinstance(error, TransientError | BadSettings):
        told = error.retry_after_s if isinstance(error, TransientError) else None
        if told is not None:
            rests = isinstance(error, BudgetSpent)
            wait_s = told_s(told)
            return Outcome("put_off", error=said, wait_s=wait_s, counted=False, rests=rests)
        return Outcome("put_off", error=said, wait_s=delay_s(row.attempts, row.id))
    if isinstance(error, Denied):
        return Outcome("denied", error=said, counted=False)
    if isinstance(error, PermanentError):
        return hopeless(said)
    log.error("look_up_failed_unexpectedly", source=source_type, kind=row.kind, exc_info=error)
    return hopeless(f"client fault: {type(error).__name__}; replay it once the client is mended")


def _held_s(error: RateLimited, row: ClaimedLookup) -> float:
    told = error.retry_after_s
    wait_s = delay_s(row.attempts, row.id) if told is None else told_s(told)
    return max(wait_s, AGAIN_S)


def patiently(looked_up: LookedUp) -> LookedUp:
    """The look-up as it came, or put off where the provider may only lag behind its own event.

    What is not there yet is asked for again, as long as its event was patient about it; and so is
    what is still there although it was told to be gone. Patience is no failure: it does not count,
    so that one that comes after it is retried at once.
    """
    row = looked_up.held.row
    lagging = "seen" if row.told_gone else "gone"
    if looked_up.outcome.kind != lagging or not row.patient:
        return looked_up
    said = "is still shown" if row.told_gone else "not readable yet"
    waits = Outcome("put_off", error=said, wait_s=PATIENT_S, counted=False)
    return replace(looked_up, outcome=waits)
