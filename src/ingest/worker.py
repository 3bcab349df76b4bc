"""The Celery edge: `celery -A ingest.worker worker|beat`. A task is one call, with ids at most.

A message only says "there is work"; what work is due stands in PostgreSQL. So tasks are short,
never retried by Celery, and a lost message costs a few seconds until the next sweep. The one
exception is `ingest.enqueue`, whose message is the delivery itself.
"""

from __future__ import annotations

import sys
import threading
import time
import zlib
from datetime import UTC, datetime
from functools import cache
from typing import Any

import structlog
from celery import Celery, Task
from celery.signals import import_modules, setup_logging, worker_process_init, worker_shutting_down
from kombu import Connection, pools
from sqlalchemy.exc import SQLAlchemyError

from ingest.broker.line import bell_line, broker_errors
from ingest.broker.options import BELL_S, MOST_COUNTDOWN_S
from ingest.core.errors import BadSettings, PermanentError, TransientError, Unavailable
from ingest.core.retry import delay_s
from ingest.core.times import iso
from ingest.flows import fetch, process, refusals, sweep
from ingest.flows.inbox import NOTHING, Inbox, as_arguments, from_message, message_of
from ingest.flows.receive import insert_into
from ingest.flows.wake import FETCH_QUEUE, INGEST_QUEUE, QUEUES, ring
from ingest.startup import tell_of_settings
from ingest.store import schedule
from ingest.store.engine import transaction
from ingest.warm import warm
from ingest.wiring import Program, program, set_up_logs

set_up_logs(ours=False)  # whoever only sends tasks keeps his own
log = structlog.get_logger(__name__)

LINGER_S = 300.0
"""While a slow provider is waited for, others are asked for so long."""
DRAIN_S = 5.0
"""A drain hands over to the next message after this long, so that a warm shutdown is quick."""
MESSAGE_EXPIRES_S = 30.0
WAKES = {INGEST_QUEUE: "ingest.process", FETCH_QUEUE: "ingest.fetch"}
"""The task that a bell calls, by its queue."""
AWAY = (TransientError,)
"""Expected of a task now and then: Celery logs a line, and the next sweep comes in seconds."""


class _Broker:
    """Celery's configuration object: the broker is looked for when it is first needed.

    Of what is read and what is written the URLs are told apart, as Celery would take `broker_url`
    out of the environment by itself, with whatever of it is ours.
    """

    @property
    def broker_read_url(self) -> str:
        return _program().broker.url

    broker_write_url = broker_url = broker_read_url

    @property
    def broker_transport_options(self) -> dict[str, object]:
        return _program().broker.options()

    @property
    def broker_heartbeat(self) -> int:
        return _program().broker.heartbeat_s

    @property
    def broker_connection_timeout(self) -> float:
        return _program().broker.connect_s

    @property
    def task_default_queue(self) -> str:
        return _prefixed(INGEST_QUEUE)

    @property
    def control_exchange(self) -> str:
        return _prefixed("celery")

    @property
    def event_exchange(self) -> str:
        return _prefixed("celeryev")


app = Celery("ingest", config_source=_Broker())
app.conf.update(
    task_ignore_result=True,
    task_store_errors_even_if_ignored=False,
    task_acks_late=False,
    task_serializer="json",
    accept_content=["json"],
    enable_utc=True,
    timezone="UTC",
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
    worker_cancel_long_running_tasks_on_connection_loss=False,
    broker_connection_retry_on_startup=True,
    # A broker that is away, or answers with an error, is waited for as long as it takes.
    broker_connection_max_retries=None,
    broker_channel_error_retry=True,
    worker_consumer="ingest.broker.consumer:PatientConsumer",
    beat_schedule={
        "sweep": {
            "task": "ingest.sweep",
            "schedule": sweep.SWEEP_EVERY_S,
            "options": {"expires": sweep.SWEEP_EVERY_S},
        },
        "tidy": {
            "task": "ingest.tidy",
            "schedule": sweep.TIDY_EVERY_S,
            "options": {"expires": sweep.TIDY_EVERY_S},
        },
    },
)


@cache
def _program() -> Program:
    return program(application="ingest-worker")


def _prefixed(name: str) -> str:
    """A name on the broker; no broker is looked for."""
    return f"{_program().settings.queue_prefix}{name}"


@setup_logging.connect
def _set_up_logs(**_: object) -> None:
    """Celery leaves the logs of a worker and of a beat to whoever hears this."""
    set_up_logs()


@import_modules.connect
def _require_settings(**_: object) -> None:
    """The first that is heard of a worker or a beat: a wrong setting is one line and exit 2.

    A misspelt one is told before: it may be why another is missing.
    """
    set_up_logs()
    tell_of_settings()
    try:
        bell_line(_program().broker)  # found, or refused
        _name_queues()
    except (BadSettings, Unavailable) as error:
        sys.stderr.write(f"ingest worker: {error}\n")
        raise SystemExit(2 if isinstance(error, BadSettings) else 3) from None


def _name_queues() -> None:
    """`-Q ingest` means this environment's queue of that name, and never another's."""
    queues: Any = app.amqp.queues  # the stubs know no aliases
    for name in QUEUES:
        if _prefixed(name) != name:
            queues.aliases[name] = queues[_prefixed(name)]


_stopping = threading.Event()


@worker_shutting_down.connect
def _stop_soon(**_: object) -> None:
    """A warm shutdown waits for the tasks that run: they begin nothing new."""
    _stopping.set()


@worker_process_init.connect
def _start_process(**_: object) -> None:
    """A forked worker makes its own connections."""
    _program.cache_clear()
    warm()


def publish(queue: str) -> None:
    """Send a wake-up; raises `Unavailable` within some BELL_S where the broker is away.

    A connection that broke while it lay idle is made anew once.
    """
    try:
        bell = bell_line(_program().broker)
    except BadSettings as error:
        raise Unavailable(str(error)) from error
    try:
        if not rung_over(bell, queue) and not rung_over(bell, queue):
            raise Unavailable("the broker does not answer: its connections break")
    except broker_errors(bell) as error:
        raise Unavailable(f"the broker does not answer: {type(error).__name__}") from error


def rung_over(bell: Connection, queue: str) -> bool:
    """Whether the wake-up left; it did not where an older connection turned out to be broken."""
    with pools.producers[bell].acquire(block=True) as producer:
        line = producer.connection
        was_connected = line.connected
        try:
            app.send_task(
                WAKES[queue],
                queue=_prefixed(queue),
                expires=MESSAGE_EXPIRES_S,
                retry=False,
                producer=producer,
                timeout=BELL_S,
                confirm_timeout=BELL_S,
            )
        except broker_errors(bell):
            line.collect()
            if not was_connected:
                raise
            return False
        return True


@app.task(name="ingest.process", throws=AWAY)
def process_due() -> None:
    """Drain what is due for a few seconds; hands over by ringing where more is left."""
    engine = _program().engine
    with transaction(engine, durable=False) as conn:
        schedule.hear(conn, INGEST_QUEUE)
    until = time.monotonic() + DRAIN_S
    done = process.drain(
        engine,
        go_on=lambda: time.monotonic() < until,
        on_full=lambda: ring(engine, publish),
        on_asked=lambda: ring(engine, publish, FETCH_QUEUE),
        lease_s=_program().settings.lease_s,
    )
    if done.more:
        ring(engine, publish)
    elif done.batches:
        sweep.settle_counts(engine)


@app.task(name="ingest.fetch", throws=(*AWAY, BadSettings))
def fetch_due() -> None:
    """Look up what is due for a few seconds; hands over by ringing where more is left."""
    engine = _program().engine
    with transaction(engine, durable=False) as conn:
        schedule.hear(conn, FETCH_QUEUE)
    until = time.monotonic() + DRAIN_S
    done = fetch.drain(
        engine,
        _program().clients,
        go_on=lambda: time.monotonic() < until,
        linger=lambda: not _stopping.is_set() and time.monotonic() < until + LINGER_S,
    )
    if done.more:
        ring(engine, publish, FETCH_QUEUE)
    if done.ended:
        sweep.settle_counts(engine)


@app.task(
    name="ingest.enqueue",
    bind=True,
    acks_late=True,
    reject_on_worker_lost=True,
    max_retries=None,
)
def enqueue(task: Task[..., None], /, *args: object, **kwargs: object) -> None:
    """Verify and store a delivery that another program received; what is refused is kept as such.

    The arguments are those of `Message`. The one task that Celery retries: until a row is written,
    the message is all there is.
    """
    now = datetime.now(UTC)
    message = NOTHING
    try:
        try:
            message = message_of(args, kwargs)
            delivery = _inbox().take(from_message(message, now=now))
        except BadSettings:  # ours to mend: the message waits
            raise
        except PermanentError as error:
            refusals.record(_program().engine, message, error)
            log.warning("delivery_dropped", task=task.request.id, reason=str(error))
            return
    except (TransientError, BadSettings, SQLAlchemyError) as error:
        log.warning("delivery_waits", task=task.request.id, reason=str(error))
        at_random = zlib.crc32(str(task.request.id).encode())
        raise task.retry(
            args=as_arguments(message, received_at=iso(now)),
            kwargs={},
            countdown=min(delay_s(task.request.retries + 1, at_random), MOST_COUNTDOWN_S),
        ) from error
    log.info("delivery_taken", task=task.request.id, delivery=delivery.id, status=delivery.status)


@app.task(name="ingest.sweep", throws=AWAY)
def sweep_due() -> None:
    """Ring for rows that are due and unheard."""
    sweep.sweep(_program().engine, publish)


@app.task(name="ingest.tidy", throws=AWAY)
def tidy() -> None:
    """Put right what lags behind: counts, references."""
    sweep.tidy(_program().engine)


def _inbox() -> Inbox:
    parts = _program()
    return Inbox(
        parts.keyring,
        insert_into(parts.engine),
        lambda: ring(parts.engine, publish),
        parts.settings.max_body_bytes,
    )
