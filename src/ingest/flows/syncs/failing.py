"""What becomes of a page that failed: it is due later, or its list has ended.

Law: what may succeed later is tried later, and what cannot ends its list and no other: the next run
begins that anew. No page is tried for ever: its run would hold up all that come after it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import sqlalchemy as sa
import structlog

from ingest.core.canonical import clean
from ingest.core.errors import (
    BadSettings,
    BudgetSpent,
    IngestError,
    LeaseLost,
    RateLimited,
    Refused,
    TransientError,
)
from ingest.core.retry import delay_s, told_s
from ingest.flows.syncs.held import HeldPart
from ingest.store import conditions, sync_parts, sync_runs
from ingest.store.engine import BadRow, transaction

log = structlog.get_logger(__name__)

AGAIN_S = 2.0
"""The shortest wait before a page is asked for again."""
SOON = 8
"""So often, one time after another, a page that failed is asked for again soon: where a third of
all answers are none, that is what it takes. Only then the waits grow.
"""
TRIES = 30
"""A page that failed so often, one time after another, ends its list: by then half a day. To wait
as told is no failure, nor is a wrong setting.
"""
ROW_TRIES = 5
"""The same of a page that the database refuses for what is in it."""
MOST_SAID = 2_000
"""Characters of an error that are stored."""

Kind = Literal["lost", "refused", "limited", "put_off", "failed"]


@dataclass(frozen=True, slots=True)
class PageFailure:
    """What a failure means.

    lost: the page belongs to somebody else by now, or its run has ended: nothing is to be done.
    refused: the connection is paused. limited: it is left alone for `wait_s`.
    put_off: the page is due after `wait_s`. failed: the list ends with `said`.
    counted: each such failure makes the next wait longer. setback: the pages that follow are made
    with fewer requests.
    """

    kind: Kind
    said: str
    wait_s: float = AGAIN_S
    counted: bool = False
    setback: bool = False


def failure_of(error: BaseException, *, attempts: int, run_id: int) -> PageFailure:
    """What an error of a page means; a fault of our own ends the list until it is mended. Pure."""
    said = clean(str(error))[:MOST_SAID]
    if isinstance(error, LeaseLost):
        return PageFailure("lost", said)
    if isinstance(error, Refused):
        return PageFailure("refused", said)
    if isinstance(error, TransientError):
        return _transient(error, said, attempts, run_id)
    given_up = isinstance(error, BadRow) and attempts >= ROW_TRIES
    if isinstance(error, BadSettings | BadRow) and not given_up:
        return PageFailure("put_off", said, _backs_off_s(attempts, run_id), counted=True)
    is_ours = isinstance(error, IngestError)
    return PageFailure("failed", said if is_ours else f"client fault: {type(error).__name__}")


def _transient(error: TransientError, said: str, attempts: int, run_id: int) -> PageFailure:
    """As long as somebody said, a page waits for it; else longer each time, and not for ever."""
    told = error.retry_after_s
    if isinstance(error, RateLimited):
        wait_s = max(delay_s(attempts, run_id) if told is None else told_s(told), 1.0)
        return PageFailure("limited", said, wait_s, counted=told is None, setback=True)
    if told is None and attempts >= TRIES:
        return PageFailure("failed", f"{said} ({attempts} times)")
    wait_s = _backs_off_s(attempts, run_id) if told is None else max(told_s(told), 0.0)
    is_setback = not isinstance(error, BudgetSpent)
    return PageFailure("put_off", said, wait_s, counted=told is None, setback=is_setback)


def _backs_off_s(attempts: int, run_id: int) -> float:
    return max(AGAIN_S, delay_s(max(attempts - SOON, 1), run_id))


def settle_failure(
    engine: sa.Engine, held: HeldPart, error: BaseException, calls: int
) -> PageFailure:
    """Put the page off, or end its list; what was done. With its end, a run ends too.

    Raises `TransientError` where the database is away: then the lease runs out.
    """
    row = held.row
    found = failure_of(error, attempts=row.attempts, run_id=row.run_id)
    told = {"run": row.run_id, "resource": row.resource, "kind": found.kind, "said": found.said}
    if found.kind == "failed":
        log.error("listing_failed", source=held.connection.source_type, **told, exc_info=error)
    else:
        log.warning("page_put_off", **told, wait_s=found.wait_s)
    if found.kind == "lost":
        return found
    with transaction(engine) as conn:
        is_ours = sync_parts.lock(conn, row)
        if found.kind == "refused":
            conditions.refuse(conn, row.connection_id, found.said, token_id=held.token_id)
        elif found.kind == "limited":
            conditions.rate_limit(conn, row.connection_id, found.wait_s)
        if found.kind == "failed":
            sync_parts.fail(conn, row, found.said, calls=calls)
            if is_ours and row.resource == sync_runs.END:
                sync_runs.finish(conn, row.run_id, sync_runs.FAILED, f"its end: {found.said}")
        else:
            sync_parts.put_off(
                conn,
                row,
                found.wait_s,
                found.said,
                counted=found.counted,
                setback=found.setback,
                calls=calls,
            )
    return found
