"""Celery's consumer, made to outlive its broker's bad days and other people's messages.

Celery reconnects for what its driver calls a broken connection and ends for everything else. A
broker says more than that: Redis that became a replica (`UNBLOCKED`, `READONLY`), that is full
(`OOM`) or cannot save (`MISCONF`) answers with an error and is itself again in a while. And whoever
may publish may send what is no task: that message is put aside, and nothing else with it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import structlog
from celery.worker.consumer import Consumer
from celery.worker.state import maybe_shutdown
from kombu import Message

from ingest.pulse import OF_PROCESS

log = structlog.get_logger(__name__)

QUIET = {"without_heartbeat": True, "without_gossip": True, "without_mingle": True}
"""What workers tell one another. Each publishes from the very loop that would notice a lost broker,
and tries again there without an end where its host vanished.
"""
MALFORMED = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What Celery and kombu raise over a message that is not what they expect."""
PAUSES_S, CALM_S = (0.5, 1.0, 2.0, 5.0), 30.0
"""Between two attempts to consume; from the first again where one lasted for CALM_S."""
_SLICE_S = 0.25


class PatientConsumer(Consumer):
    """Reconnects for whatever the broker answers, with a pause; rejects what is no task."""

    connection_errors: tuple[type[Exception], ...]
    channel_errors: tuple[type[Exception], ...]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, **QUIET})
        # Something in a list of Redis that is no message is gone once it was read: go on.
        self.channel_errors = (*self.channel_errors, *MALFORMED)
        self._began_at = time.monotonic()
        self._failed = 0  # in a row

    def ensure_connected(self, conn: Any) -> Any:
        """A broker is waited for as long as it takes, and nobody thinks that this process hangs."""
        with OF_PROCESS.waiting():
            return super().ensure_connected(conn)

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        """What refuses at once is not asked again at once; what was no message is gone."""
        super().on_connection_error_after_connected(exc)
        if not isinstance(exc, MALFORMED):
            self._pause()

    def on_connection_error_before_connected(self, exc: Exception) -> None:
        """A broker that lets us in and then takes nothing, as a replica."""
        super().on_connection_error_before_connected(exc)
        self._pause()

    def _pause(self) -> None:
        if time.monotonic() - self._began_at >= CALM_S:
            self._failed = 0
        until = time.monotonic() + PAUSES_S[min(self._failed, len(PAUSES_S) - 1)]
        self._failed += 1
        while time.monotonic() < until:
            maybe_shutdown()
            time.sleep(_SLICE_S)
        self._began_at = time.monotonic()

    def create_task_handler(self, *args: Any, **kwargs: Any) -> Callable[[Message], None]:
        """Celery's own, behind a look at the message."""
        handle = super().create_task_handler(*args, **kwargs)

        def on_task_received(message: Message) -> None:
            fault = fault_of(message.headers)
            if fault is not None:
                put_aside(message, fault)
                return
            try:
                handle(message)
            except MALFORMED as error:
                put_aside(message, f"Celery cannot read it: {type(error).__name__}")

        def put_aside(message: Message, reason: str) -> None:
            """Nothing of it is told: it may be anybody's, with anything in it."""
            log.warning("message_put_aside", reason=reason, size=len(message.body or ""))
            if not message.acknowledged:
                message.reject_log_error(log, self.connection_errors)

        return on_task_received


def fault_of(headers: object) -> str | None:
    """What of a message's headers is no task's; None where they are fit to be read.

    An older protocol has all in the body and no task in the headers: Celery reads that by itself.
    """
    if not isinstance(headers, Mapping):
        return "it has no headers"
    if "task" not in headers:
        return None
    for name, fits in HEADERS.items():
        if not fits(headers.get(name)):
            return f"its header {name} is not a task's"
    return None


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _is_text_or_none(value: object) -> bool:
    return value is None or isinstance(value, str)


def _is_number_or_none(value: object) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _are_limits(value: object) -> bool:
    if isinstance(value, list | tuple):
        return len(value) == 2 and all(map(_is_number_or_none, value))
    return value is None


HEADERS: Mapping[str, Callable[[object], bool]] = {
    "task": _is_text,
    "id": _is_text,
    "root_id": _is_text_or_none,
    "parent_id": _is_text_or_none,
    "group": _is_text_or_none,
    "eta": _is_text_or_none,
    "expires": lambda value: _is_text_or_none(value) or _is_number_or_none(value),
    "retries": _is_number_or_none,
    "timelimit": _are_limits,
}
"""What Celery reads of a message before it has let go of it. A limit that is none would take one
of the worker's places for good, an id that is none its connection.
"""
