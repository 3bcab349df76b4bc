"""The Celery edge: `celery -A ingest.worker worker|beat`. A task is one call, with ids at most.

A message only says "there is work"; what work is due stands in PostgreSQL. So tasks are short,
never retried by Celery, and a lost message costs a few seconds until the next sweep. The two
exceptions are what others send, `ingest.enqueue` and `ingest.sync`: until there is a row, their
message is all there is.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable
from datetime import UTC, datetime

import sqlalchemy as sa
import structlog
from celery import Task
from celery.signals import worker_process_init, worker_process_shutdown, worker_shutdown
from sqlalchemy.exc import SQLAlchemyError

from ingest.bell.celery_app import (
    ENQUEUE_TASK,
    FETCH_TASK,
    MISSED_TASK,
    PAGES_TASK,
    PLAN_TASK,
    PROCESS_TASK,
    PUSH_NEWS_TASK,
    PUSH_TASK,
    REPROCESS_TASK,
    RETAIN_TASK,
    SWEEP_TASK,
    SYNC_TASK,
    TIDY_TASK,
    app,
    process_program,
    stopping,
)
from ingest.bell.hearing import OF_PROCESS
from ingest.bell.ring import ring
from ingest.broker.options import MOST_COUNTDOWN_S
from ingest.core.answers import Delivery
from ingest.core.errors import BadSettings, PermanentError, TransientError
from ingest.core.queues import FETCH_QUEUE, INGEST_QUEUE, PUSH_BELL, REPROCESS_BELL, SYNC_QUEUE
from ingest.core.retry import delay_s
from ingest.core.times import iso
from ingest.flows import retention, sweep
from ingest.flows.deliveries.drain import drain_deliveries
from ingest.flows.lookups.drain import drain_lookups
from ingest.flows.receiving import refusals
from ingest.flows.receiving.messages import NOTHING, as_arguments, from_message, message_of
from ingest.flows.receiving.requests import Incoming
from ingest.flows.reprocess.drain import Drain
from ingest.flows.subscriptions.missed import recover_missed
from ingest.flows.syncs.drain import drain_pages
from ingest.flows.syncs.messages import sync_by_message
from ingest.flows.syncs.planning import plan_syncs
from ingest.sinks import pushing
from ingest.telemetry.tracing import close
from ingest.warm import warm

__all__ = ["app"]

log = structlog.get_logger(__name__)


@worker_process_init.connect
def _warm(**_: object) -> None:
    warm()


@worker_process_shutdown.connect
@worker_shutdown.connect
def _send_traces(**_: object) -> None:
    """A forked process ends without Python's own end."""
    close(process_program().tracer)


LINGER_S = 300.0
"""While a slow provider is waited for, others are asked for so long beyond DRAIN_S."""
DRAIN_S = 5.0
"""A drain hands over to the next message after this long, so that a warm shutdown is quick."""
RETAIN_S = 0.5
"""Deleting what is old takes so much of a process's time at a tick, so that no delivery waits."""
MISSED_S = 20.0
"""Logs of failed deliveries are looked into for so long at a tick; the next one goes on."""
PUSH_S = 5.0
"""Changes are pushed for so long at a tick, and what is under way is waited for."""
AWAY = (TransientError,)
"""Expected of a task now and then: Celery logs a line, and the next sweep comes in seconds."""


@app.task(name=PROCESS_TASK, throws=AWAY)
def process_due() -> None:
    """Drain the deliveries that are due for DRAIN_S, then ring where more is left.

    Marks the wake-up as heard before it claims, so that whatever is committed later rings anew.
    Counts are taken when nothing is left. Raises `TransientError` where the database is away.
    """
    engine = process_program().engine
    OF_PROCESS.hear(engine, INGEST_QUEUE)
    until = time.monotonic() + DRAIN_S
    done = drain_deliveries(
        engine,
        go_on=lambda: time.monotonic() < until,
        on_full=lambda: ring(engine),
        on_asked=lambda: ring(engine, FETCH_QUEUE),
        lease_s=process_program().settings.lease_s,
        api_urls=process_program().settings.api_urls,
        tracer=process_program().tracer,
    )
    if done.more:
        ring(engine)
    if done.batches:
        _tell_sinks(engine)
    if done.batches and not done.more:
        sweep.settle_counts(engine)


@app.task(name=FETCH_TASK, throws=(*AWAY, BadSettings))
def fetch_due() -> None:
    """Look up what is due for DRAIN_S, then ring where more is left; heard as in `process_due`.

    Lasts longer where a provider is slow; it goes on with new look-ups meanwhile, for LINGER_S at
    most, unless a warm shutdown begins. Raises `TransientError` where the database is away,
    `BadSettings` without an encryption key.
    """
    engine = process_program().engine
    OF_PROCESS.hear(engine, FETCH_QUEUE)
    until = time.monotonic() + DRAIN_S
    done = drain_lookups(
        engine,
        process_program().clients,
        go_on=lambda: time.monotonic() < until,
        linger=lambda: not stopping.is_set() and time.monotonic() < until + LINGER_S,
        lease_s=process_program().settings.lease_s,
        tracer=process_program().tracer,
    )
    if done.more:
        ring(engine, FETCH_QUEUE)
    if done.ended:
        _tell_sinks(engine)
        sweep.settle_counts(engine)


@app.task(name=PAGES_TASK, throws=(*AWAY, BadSettings))
def sync_pages() -> None:
    """Make the pages of sync runs that are due for DRAIN_S, then ring where more is left.

    Heard as in `process_due`. One page at a time in a process, and each that is begun rings for
    another process to look for more. The page under way is ended, however long its provider takes;
    who is killed meanwhile leaves it to its lease. Raises `TransientError` where the database is
    away, `BadSettings` without an encryption key.
    """
    parts = process_program()
    engine = parts.engine
    OF_PROCESS.hear(engine, SYNC_QUEUE)
    until = time.monotonic() + DRAIN_S
    done = drain_pages(
        engine,
        parts.clients,
        go_on=lambda: not stopping.is_set() and time.monotonic() < until,
        on_more=lambda: ring(engine, SYNC_QUEUE),
        on_asked=lambda: ring(engine, FETCH_QUEUE),
        most_share=parts.settings.sync_ask_share,
        lease_s=parts.settings.lease_s,
        tracer=parts.tracer,
    )
    if done.more:
        ring(engine, SYNC_QUEUE)
    if done.ended:
        _tell_sinks(engine)
        sweep.settle_counts(engine)


@app.task(name=REPROCESS_TASK, throws=AWAY)
def reprocess_due() -> None:
    """Make anew what runs that are due want, for DRAIN_S, then ring where more is left.

    Heard as in `process_due`, by a syncer. The step under way is ended; who is killed meanwhile
    leaves its run to its lease. Raises `TransientError` where the database is away.
    """
    parts = process_program()
    engine = parts.engine
    OF_PROCESS.hear(engine, REPROCESS_BELL)
    until = time.monotonic() + DRAIN_S
    drain = Drain(
        engine,
        lambda: not stopping.is_set() and time.monotonic() < until,
        on_replayed=lambda: ring(engine),
        api_urls=parts.settings.api_urls,
        lease_s=parts.settings.lease_s,
    )
    done = drain.run()
    if done.more:
        ring(engine, REPROCESS_BELL)
    if done.steps:
        _tell_sinks(engine)


@app.task(
    name=ENQUEUE_TASK,
    bind=True,
    acks_late=True,
    reject_on_worker_lost=True,
    max_retries=None,
)
def enqueue(task: Task[..., None], /, *args: object, **kwargs: object) -> None:
    """Verify and store a delivery that another program received; what is refused is kept as such.

    The arguments are those of `EnqueueArguments`. Acknowledged after the commit; retried for ever.
    """
    now = datetime.now(UTC)
    message = NOTHING
    try:
        try:
            message = message_of(args, kwargs)
            delivery = _enqueued(from_message(message, now=now))
        except BadSettings:  # ours to mend: the message waits
            raise
        except PermanentError as error:
            refusals.record(process_program().engine, message, error)
            log.warning("delivery_dropped", task=task.request.id, reason=str(error))
            return
    except (TransientError, BadSettings, SQLAlchemyError) as error:
        log.warning("delivery_waits", task=task.request.id, reason=str(error))
        raise _again(task, as_arguments(message, received_at=iso(now)), {}) from error
    log.info("delivery_taken", task=task.request.id, delivery=delivery.id, status=delivery.status)


@app.task(
    name=SYNC_TASK,
    bind=True,
    acks_late=True,
    reject_on_worker_lost=True,
    max_retries=None,
)
def sync(task: Task[..., None], /, *args: object, **kwargs: object) -> None:
    """Have a sync run of a connection wait for its turn; what asks for none is logged and dropped.

    The arguments are those of `SyncArguments`. Acknowledged after the commit; retried for ever. A
    run that waits already is the one, so a message that comes twice asks for it once.
    """
    try:
        try:
            run = sync_by_message(process_program().engine, args, kwargs)
        except BadSettings:  # as above
            raise
        except PermanentError as error:
            log.warning("sync_dropped", task=task.request.id, reason=str(error))
            return
    except (TransientError, BadSettings, SQLAlchemyError) as error:
        log.warning("sync_waits", task=task.request.id, reason=str(error))
        raise _again(task, args, kwargs) from error
    log.info("sync_asked_for", task=task.request.id, run=run)
    ring(process_program().engine, SYNC_QUEUE)


def _again(task: Task[..., None], args: tuple[object, ...], kwargs: dict[str, object]) -> Exception:
    """The retry of a task that others send, to be raised: later each time, and never given up."""
    at_random = zlib.crc32(str(task.request.id).encode())
    countdown_s = min(delay_s(task.request.retries + 1, at_random), MOST_COUNTDOWN_S)
    again: Exception = task.retry(args=args, kwargs=kwargs, countdown=countdown_s, throw=False)
    return again


@app.task(name=SWEEP_TASK, throws=AWAY)
def sweep_due() -> None:
    """Ring for rows that are due and unheard: the slot `sweep` of the beat."""
    engine = process_program().engine
    sweep.sweep(engine, lambda queue: ring(engine, queue))


@app.task(name=PLAN_TASK, throws=AWAY)
def plan_due_syncs() -> None:
    """Ask for the sync runs that are due: the slot `plan` of the beat."""
    engine = process_program().engine
    plan_syncs(engine, lambda queue: ring(engine, queue))


@app.task(name=TIDY_TASK, throws=AWAY)
def tidy() -> None:
    """Put right what lags behind, as `flows.sweep.tidy`: the slot `tidy` of the beat."""
    sweep.tidy(process_program().engine)


@app.task(name=RETAIN_TASK, throws=AWAY)
def retain() -> None:
    """Delete what was kept long enough, for RETAIN_S: the slot `retain` of the beat."""
    until = time.monotonic() + RETAIN_S
    parts = process_program()
    retention.retain(
        parts.engine,
        parts.settings.keep_deliveries_days,
        keep_changes_days=parts.settings.keep_changes_days,
        go_on=lambda: time.monotonic() < until,
    )


@app.task(name=MISSED_TASK, throws=(*AWAY, BadSettings))
def recover_missed_deliveries() -> None:
    """Have what providers failed to deliver come in, for MISSED_S: the slot `missed`."""
    parts = process_program()
    until = time.monotonic() + MISSED_S
    recover_missed(
        parts.engine,
        parts.clients,
        lambda queue: ring(parts.engine, queue),
        go_on=lambda: not stopping.is_set() and time.monotonic() < until,
    )


@app.task(name=PUSH_TASK, throws=AWAY)
def push_changes() -> None:
    """Push the change feed to the sinks that are due, for PUSH_S: the slot `push`."""
    _push(pushing.push_due)


@app.task(name=PUSH_NEWS_TASK, throws=AWAY)
def push_news() -> None:
    """Push what was just written, for PUSH_S, without the beat; heard as in `process_due`."""
    OF_PROCESS.hear(process_program().engine, PUSH_BELL)
    _push(pushing.push)


def _push(push: Callable[..., object]) -> None:
    from ingest.sinks import making  # noqa: PLC0415 - it loads httpx; only a syncer pushes

    parts = process_program()
    until = time.monotonic() + PUSH_S
    push(
        parts.engine,
        lambda sink: making.make(parts, sink),
        go_on=lambda: not stopping.is_set() and time.monotonic() < until,
    )


def _tell_sinks(engine: sa.Engine) -> None:
    """What was written is pushed at once, where a sink waits for it."""
    pushing.ring_for_news(engine, lambda bell: ring(engine, bell))


def _enqueued(incoming: Incoming) -> Delivery:
    parts = process_program()
    return parts.intake(lambda: ring(parts.engine)).take(incoming)
