"""The pulse of Celery's processes: a worker's from its loop, a beat's from its ticks.

Waiting for a broker that is away is no fault of theirs, so it counts as turning.
"""

from __future__ import annotations

from typing import Any

import structlog
from celery.beat import PersistentScheduler, ScheduleEntry
from celery.bootsteps import StartStopStep
from celery.worker import WorkController

from ingest.bell.celery_app import prefixed, process_program
from ingest.core.queues import FETCH_QUEUE, INGEST_QUEUE, SYNC_QUEUE
from ingest.pulse import BEAT, FETCHER, OF_PROCESS, PULSE_S, SYNCER, WORKER

log = structlog.get_logger(__name__)

KINDS = {INGEST_QUEUE: WORKER, FETCH_QUEUE: FETCHER, SYNC_QUEUE: SYNCER}
"""What a worker is called that hears a queue; one that hears several is each of them."""


def begin(kinds: tuple[str, ...]) -> None:
    """Let this process beat. Where no file can be written it works on, and a probe finds nobody."""
    directory = process_program().settings.data_dir
    try:
        OF_PROCESS.start(directory, kinds)
    except OSError as error:
        log.warning("no_pulse", directory=str(directory), reason=str(error))


class Pulsing(StartStopStep):
    """A step of a worker's start, before it connects: its loop turns the pulse."""

    requires = ("celery.worker.components:Timer",)

    def start(self, parent: WorkController) -> None:
        """Its queues are chosen by now."""
        worker: Any = parent  # the stubs know neither its queues nor its timer
        heard = worker.app.amqp.queues.consume_from
        begin(tuple(kind for name, kind in KINDS.items() if prefixed(name) in heard))
        worker.timer.call_repeatedly(PULSE_S, OF_PROCESS.turn)

    def stop(self, parent: WorkController) -> None:
        """What is under way is waited for; whoever asks meanwhile finds nobody."""
        OF_PROCESS.stop()


class PulsingScheduler(PersistentScheduler):
    """Celery's own scheduler, whose ticks turn the pulse."""

    def setup_schedule(self) -> None:
        """The first that is asked of it, before it ticks."""
        super().setup_schedule()
        begin((BEAT,))

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """One look at what is due."""
        OF_PROCESS.turn()
        return super().tick(*args, **kwargs)

    def apply_async(self, entry: ScheduleEntry, *args: Any, **kwargs: Any) -> Any:
        """A message is sent as soon as there is a broker."""
        with OF_PROCESS.waiting():
            return super().apply_async(entry, *args, **kwargs)

    def _ensure_connected(self) -> Any:
        with OF_PROCESS.waiting():
            return super()._ensure_connected()  # type: ignore[misc]  # the stubs lack it

    def close(self) -> None:
        """The beat ends."""
        super().close()
        OF_PROCESS.stop()
