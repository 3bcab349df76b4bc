"""What a sink is: it takes messages, or says why not. Performs no I/O."""

from __future__ import annotations

from typing import Protocol

from ingest.broker.broker import Broker, broker_of
from ingest.core.errors import PermanentError
from ingest.sinks.message import SinkMessage

REDIS_STREAM, CELERY_TASK, WEBHOOK = "redis-stream", "celery-task", "webhook"
"""The kinds, as rows have them."""
TAKES_S = 15.0
"""What one message may take in all: longer than that no sink is waited for."""


class SinkEnded(PermanentError):
    """Whoever is behind the sink wants nothing more; it is paused until a person resumes it."""


class MessageSink(Protocol):
    """A place that changes are pushed to. For one thread; closed when the pusher is done."""

    def send(self, message: SinkMessage) -> None:
        """Hand over a message; returns once it is taken, within `TAKES_S`.

        Raises `TransientError` where it is to be tried again (`retry_after_s` where it was told
        when), `SinkEnded` where it is not, `BadSettings` where it is set up wrong.
        """

    def close(self) -> None:
        """Let go of connections. Raises nothing."""


def broker_named(url: str) -> Broker:
    """A Redis or a broker by its URL. Raises `BadSettings` for one that cannot be used."""
    return broker_of(url, None, "", name="the URL of the sink")
