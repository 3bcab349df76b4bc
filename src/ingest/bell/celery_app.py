"""Celery's app: its configuration out of the environment, its queues, and beat's schedule.

`ingest.worker` hangs the tasks on it. Importing this connects to nothing.
"""

from __future__ import annotations

import mmap
import sys
from functools import cache
from typing import Any

import structlog
from celery import Celery
from celery.signals import import_modules, setup_logging, worker_process_init, worker_shutting_down

from ingest.broker.line import bell_line
from ingest.core.errors import BadSettings, Unavailable
from ingest.core.queues import (
    FETCH_QUEUE,
    INGEST_QUEUE,
    MISSED_EVERY_S,
    PLAN_EVERY_S,
    PUSH_BELL,
    PUSH_EVERY_S,
    QUEUES,
    REPROCESS_BELL,
    RETAIN_EVERY_S,
    SWEEP_EVERY_S,
    SYNC_QUEUE,
    TIDY_EVERY_S,
)
from ingest.startup import tell_of_settings
from ingest.wiring import Program, program, set_up_logs

set_up_logs(ours=False)  # whoever only sends tasks keeps his own
log = structlog.get_logger(__name__)

PROCESS_TASK, FETCH_TASK, PAGES_TASK = "ingest.process", "ingest.fetch", "ingest.sync_pages"
SWEEP_TASK, TIDY_TASK, RETAIN_TASK = "ingest.sweep", "ingest.tidy", "ingest.retain"
PLAN_TASK, MISSED_TASK = "ingest.plan_syncs", "ingest.recover_missed"
PUSH_TASK, PUSH_NEWS_TASK = "ingest.push_changes", "ingest.push_news"
REPROCESS_TASK = "ingest.reprocess"
ENQUEUE_TASK, SYNC_TASK = "ingest.enqueue", "ingest.sync"
"""What any Celery client may send."""
WAKES = {
    INGEST_QUEUE: PROCESS_TASK,
    FETCH_QUEUE: FETCH_TASK,
    SYNC_QUEUE: PAGES_TASK,
    REPROCESS_BELL: REPROCESS_TASK,
    PUSH_BELL: PUSH_NEWS_TASK,
}
"""The task that a wake-up calls, by its bell: a queue, or what else is heard there."""

BEAT_SCHEDULE = {
    "sweep": {
        "task": SWEEP_TASK,
        "schedule": SWEEP_EVERY_S,
        "options": {"expiration": SWEEP_EVERY_S},
    },
    "tidy": {
        "task": TIDY_TASK,
        "schedule": TIDY_EVERY_S,
        "options": {"expiration": TIDY_EVERY_S},
    },
    "retain": {
        "task": RETAIN_TASK,
        "schedule": RETAIN_EVERY_S,
        "options": {"expiration": RETAIN_EVERY_S},
    },
    "plan": {
        "task": PLAN_TASK,
        "schedule": PLAN_EVERY_S,
        "options": {"expiration": PLAN_EVERY_S},
    },
    "missed": {
        "task": MISSED_TASK,
        "schedule": MISSED_EVERY_S,
        "options": {"expiration": MISSED_EVERY_S},
    },
    "push": {
        "task": PUSH_TASK,
        "schedule": PUSH_EVERY_S,
        "options": {"expiration": PUSH_EVERY_S},
    },
}
"""Several beats may run: each tick takes a slot in the database first (`store.schedule`), by whose
clock alone it is on time; one that comes late finds it taken. `expiration` is the broker's, as of
`ring.MESSAGE_EXPIRES_S`.
"""


@cache
def process_program() -> Program:
    """The program of this process and its environment. A forked worker makes its own.

    Raises `BadSettings` for a wrong setting; connects to nothing.
    """
    return program(application="ingest-worker")


def prefixed(name: str) -> str:
    """A queue's or an exchange's name on the broker, behind this environment's prefix.

    No broker is looked for. Raises `BadSettings` for a wrong setting.
    """
    return f"{process_program().settings.queue_prefix}{name}"


class _CeleryConfiguration:
    """Celery's configuration object: the broker is looked for when it is first needed.

    The URLs for reading and for writing are given too: `broker_url` alone Celery would take out of
    the environment (CELERY_BROKER_URL) as it stands there, before it asks us.
    """

    @property
    def broker_read_url(self) -> str:
        return process_program().broker.url

    broker_write_url = broker_url = broker_read_url

    @property
    def broker_transport_options(self) -> dict[str, object]:
        return process_program().broker.options()

    @property
    def broker_heartbeat(self) -> int:
        return process_program().broker.heartbeat_s

    @property
    def broker_connection_timeout(self) -> float:
        return process_program().broker.connect_s

    @property
    def task_default_queue(self) -> str:
        return prefixed(INGEST_QUEUE)

    @property
    def task_routes(self) -> dict[str, dict[str, str]]:
        """What waits for others for long is not in the way of deliveries."""
        return {task: {"queue": prefixed(SYNC_QUEUE)} for task in (MISSED_TASK, PUSH_TASK)}

    @property
    def control_exchange(self) -> str:
        return prefixed("celery")

    @property
    def event_exchange(self) -> str:
        return prefixed("celeryev")


app = Celery("ingest", config_source=_CeleryConfiguration())
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
    beat_schedule=BEAT_SCHEDULE,
    beat_scheduler="ingest.bell.alive:PulsingScheduler",
)
app.steps["worker"].add("ingest.bell.alive:Pulsing")


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
        bell_line(process_program().broker)  # found, or refused
        _name_queues()
    except (BadSettings, Unavailable) as error:
        sys.stderr.write(f"ingest worker: {error}\n")
        raise SystemExit(2 if isinstance(error, BadSettings) else 3) from None


def _name_queues() -> None:
    """`-Q ingest` means this environment's queue of that name, and never another's."""
    queues: Any = app.amqp.queues  # the stubs know no aliases
    for name in QUEUES:
        if prefixed(name) != name:
            queues.aliases[name] = queues[prefixed(name)]


class Stopping:
    """Whether a warm shutdown has begun: it waits for the tasks that run, which begin nothing new.

    The worker's main process alone is told. What it has forked sees the same page of memory.
    """

    def __init__(self) -> None:
        self._page = mmap.mmap(-1, 1)

    def set(self) -> None:
        """A warm shutdown has begun."""
        self._page[0] = 1

    def is_set(self) -> bool:
        """Whether it has, in this process or in the one that forked it."""
        return self._page[0] != 0


stopping = Stopping()


@worker_shutting_down.connect
def _stop_soon(**_: object) -> None:
    stopping.set()


@worker_process_init.connect
def _start_process(**_: object) -> None:
    """A forked worker makes its own connections."""
    process_program.cache_clear()
