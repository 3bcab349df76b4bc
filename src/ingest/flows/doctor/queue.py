"""Checks the queue and those who work on it: workers and beat heard, nothing stuck or dead."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import sqlalchemy as sa

from ingest.core.queues import FETCH_QUEUE, INGEST_QUEUE, SYNC_QUEUE
from ingest.flows.doctor.findings import Finding, failed, fine, note, span
from ingest.store import health, lookup_admin, refusals, sync_parts
from ingest.store.engine import transaction
from ingest.store.health import Bell

STUCK_S = 60.0
"""A sweep rings every few seconds: what is due for longer, nobody takes up."""
DIED_LATELY_S = 86_400.0
FAILING_S = 900.0
"""A look-up that failed a moment ago is tried again by itself."""

_WORKERS: Mapping[str, str] = {
    INGEST_QUEUE: "celery -A ingest.worker worker -Q ingest",
    FETCH_QUEUE: "celery -A ingest.worker worker -Q fetch --pool threads",
    SYNC_QUEUE: "celery -A ingest.worker worker -Q sync -c 2",
}
_BEAT = "celery -A ingest.worker beat"
_REFUSED = "ingest deliveries refused"
_DEAD = "ingest deliveries list --status dead"


def look_at_queue(engine: sa.Engine) -> Iterator[Finding]:
    """The checks of workers, beat, deliveries and look-ups.

    A worker is judged by what is due and unheard, in the database; none is asked. Raises
    `TransientError` where the database is away.
    """
    with transaction(engine) as conn:
        bells = health.bells(conn)
        beat_s = health.beat_s(conn, "sweep")
        waits_s = {
            INGEST_QUEUE: health.oldest_due_s(conn),
            FETCH_QUEUE: _due_for_s(lookup_admin.next_due_s(conn)),
            SYNC_QUEUE: _due_for_s(sync_parts.next_due_s(conn)),
        }
        dead, lately = health.dead(conn, recent_s=DIED_LATELY_S)
        failing = health.failing(conn)
        refused, reason = refusals.lately(conn, recent_s=DIED_LATELY_S)
    for queue, command in _WORKERS.items():
        yield _worker(queue, bells.get(queue, Bell()), waits_s[queue], command)
    yield _beat(beat_s)
    yield _dead(dead, lately)
    yield _refused(refused, reason)
    if not failing:
        yield fine("look-ups", "none is failing")
    for one in failing:
        said = (
            f"{one.look_ups} of connection {one.connection_id} fail, for {span(one.age_s)}: "
            f"{one.last_error}"
        )
        if one.age_s > FAILING_S:
            yield failed("look-ups", said, f"ingest source show {one.connection_id}")
        else:
            yield note("look-ups", f"{said}; they are tried again")


def _due_for_s(next_s: float | None) -> float | None:
    """How long the oldest is due; None where none is."""
    return -next_s if next_s is not None and next_s <= 0 else None


def _worker(queue: str, bell: Bell, waits_s: float | None, command: str) -> Finding:
    """Silence alone is no fault: a worker is heard only when there is work."""
    check = f"worker {queue}"
    heard = "never heard" if bell.heard_s is None else f"last heard {span(bell.heard_s)} ago"
    remedy = f"{command} (or `ingest up`)"
    if waits_s is not None and waits_s > STUCK_S:
        return failed(check, f"{heard}; the oldest work is due for {span(waits_s)}", remedy)
    if bell.unheard_s is not None and bell.unheard_s > STUCK_S:
        return failed(check, f"{heard}; a bell is unheard for {span(bell.unheard_s)}", remedy)
    waits = "nothing waits" if waits_s is None else f"the oldest work is due for {span(waits_s)}"
    if bell.heard_s is None:
        return note(check, f"{heard}; {waits}", None if waits_s is None else remedy)
    return fine(check, f"{heard}; {waits}")


def _beat(ago_s: float | None) -> Finding:
    if ago_s is None:
        return failed("beat", "has not ticked within a day", _BEAT)
    if ago_s > STUCK_S:
        return failed("beat", f"last ticked {span(ago_s)} ago", _BEAT)
    return fine("beat", f"last ticked {span(ago_s)} ago")


def _dead(every: int, lately: int) -> Finding:
    """Old ones are known; one of today is news."""
    if not every:
        return fine("dead deliveries", "none")
    said = f"{every}, of which {lately} died within a day"
    if not lately:
        return note("dead deliveries", said, _DEAD)
    return failed(
        "dead deliveries",
        said,
        f"{_DEAD}; once the cause is mended: ingest deliveries replay --status dead, or "
        "ingest deliveries discard",
    )


def _refused(messages: int, reason: str | None) -> Finding:
    """A stranger's, or a sender of ours that is set up wrong: a person has to look."""
    check = "refused messages"
    if not messages:
        return fine(check, "none within a day")
    return note(check, f"{messages} within a day; the last: {reason}", _REFUSED)
