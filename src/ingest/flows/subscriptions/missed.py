"""The loop that looks for deliveries which providers failed to make, and has them come in.

A connection is claimed, its provider's log walked from the last time on, and what it names that is
not in the queue sent again or read (`recovery`). Law: nothing waits here for a limit to pass, and
what one provider does hinders the recovery of no other's deliveries.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import sqlalchemy as sa
import structlog

from ingest.core.errors import IngestError, LeaseLost
from ingest.core.queues import INGEST_QUEUE, MISSED_EVERY_S
from ingest.flows.lookups.clients import Clients
from ingest.flows.subscriptions.failing import RecoveryFailure, failure_of
from ingest.flows.subscriptions.recovery import Recovery, claim_check
from ingest.sources.registry import all_sources
from ingest.store import conditions, missed, schedule
from ingest.store.engine import transaction

log = structlog.get_logger(__name__)

GoOn = Callable[[], bool]
"""Whether there is time for one more request."""
Ring = Callable[[str], object]
"""Wakes a worker of the named queue (`bell.ring`); never raises for a broker that is away."""


def recover_missed(engine: sa.Engine, clients: Clients, ring: Ring, *, go_on: GoOn) -> Counter[str]:
    """One tick of the beat, MISSED_EVERY_S long: look into the logs that are due.

    None where the tick was another beat's. Else as `look_into_logs`.
    """
    with transaction(engine) as conn:
        if not schedule.take_slot(conn, "missed", every_s=MISSED_EVERY_S):
            return Counter()
    return look_into_logs(engine, clients, ring, go_on=go_on)


def look_into_logs(engine: sa.Engine, clients: Clients, ring: Ring, *, go_on: GoOn) -> Counter[str]:
    """Look into the logs that are due until none is, or `go_on` says no; what came of it.

    Deliveries `redelivered`, `recovered`, `lost`; recoveries that are at their `end`, have to
    `go_on`, or are hindered, by the kind of failure. `ring` is called after the commit of what was
    stored. Raises `TransientError` where the database is away: then leases run out.
    """
    able = [name for name, found in all_sources().items() if found.subscribe is not None]
    done: Counter[str] = Counter()
    while go_on():
        with transaction(engine) as conn:
            held = claim_check(conn, able)
        if held is None:
            break
        recovery = Recovery(engine, clients, held, go_on)
        recovery.done[_settle(recovery, _outcome(recovery))] += 1
        clients.close_retired()
        if recovery.done["recovered"]:
            ring(INGEST_QUEUE)
        done += recovery.done
    return done


def _outcome(recovery: Recovery) -> RecoveryFailure | bool:
    """Whether it is at its end, or what hindered it: in a thread, so that it is a value here."""
    with ThreadPoolExecutor(1, thread_name_prefix="missed") as pool:
        future = pool.submit(recovery.make)
    error = future.exception()
    if error is None:
        return future.result()
    check = recovery.held.check
    failure = failure_of(error, connection_id=check.connection_id, attempts=check.attempts)
    told = {"connection": check.connection_id, "kind": failure.kind, "said": failure.said}
    if isinstance(error, IngestError):
        log.warning("log_of_deliveries_not_seen", **told)
    else:
        source_type = recovery.held.connection.source_type
        log.error("log_of_deliveries_not_seen", source=source_type, **told, exc_info=error)
    return failure


def _settle(recovery: Recovery, outcome: RecoveryFailure | bool) -> str:
    """Write how it ended; in a word. Nothing is written where another worker has it by now."""
    check, done = recovery.held.check, dict(recovery.done)
    try:
        with transaction(recovery.engine) as conn:
            kind = _write(conn, recovery, outcome)
    except LeaseLost:
        return "lost_lease"
    log.info("log_of_deliveries_seen", connection=check.connection_id, ended=kind, **done)
    return kind


def _write(conn: sa.Connection, recovery: Recovery, outcome: RecoveryFailure | bool) -> str:
    check = recovery.held.check
    if outcome is True:
        missed.end(conn, check, recovery.said)
        return "end"
    if outcome is False:
        missed.put_off(conn, check, wait_s=0.0, said=recovery.said, counted=False)
        return "go_on"
    if recovery.under_way is not None and outcome.again_s is not None:
        missed.untry(conn, check, recovery.under_way.delivery_key, again_s=outcome.again_s)
    if outcome.kind == "unknown":
        conditions.refuse(conn, check.connection_id, outcome.said, token_id=recovery.held.token_id)
    elif outcome.kind == "limited":
        conditions.rate_limit(conn, check.connection_id, outcome.wait_s)
    said = outcome.said or recovery.said
    if outcome.kind == "failed":
        missed.begin_anew(conn, check)
    missed.put_off(conn, check, wait_s=outcome.wait_s, said=said, counted=outcome.counted)
    return outcome.kind
