"""Wakes a worker by a message: one for all that is due, and none while another is on its way."""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa
import structlog
from kombu import Connection, pools

from ingest.bell.celery_app import WAKES, app, prefixed, process_program
from ingest.broker.broker import Broker
from ingest.broker.line import bell_line, broker_errors
from ingest.broker.options import BELL_S
from ingest.core.errors import BadSettings, TransientError, Unavailable
from ingest.core.queues import INGEST_QUEUE, QUEUE_OF_BELL
from ingest.store import schedule
from ingest.store.engine import transaction

log = structlog.get_logger(__name__)

MESSAGE_EXPIRES_S = 30.0
"""A wake-up that is older says nothing any more: beat has rung since. A broker that can (RabbitMQ)
drops it, by its own clock: Celery's `expires` is made by the sender's clock and judged by the
worker's, so that a host whose clock was off by more heard nothing. One that comes late is heard.
"""
Publish = Callable[[str], None]
"""Sends a wake-up message to the named queue; raises `TransientError` where the broker is away."""


def publish(queue: str) -> None:
    """Send a wake-up; raises `Unavailable` within some BELL_S where the broker is away.

    `queue` is `ingest`, `fetch` or `sync`, without the prefix, or a bell of `core.queues`. A
    connection that broke while it lay idle is made anew once. A broker that is set up wrong is
    `Unavailable` too.
    """
    try:
        broker = process_program().broker
    except BadSettings as error:
        raise Unavailable(str(error)) from error
    publish_to(broker, queue)


def publish_to(broker: Broker, queue: str) -> None:
    """As `publish`, to a broker that may be another than that of this process's environment."""
    try:
        bell = bell_line(broker)
    except BadSettings as error:
        raise Unavailable(str(error)) from error
    try:
        if not rung_over(bell, queue) and not rung_over(bell, queue):
            raise Unavailable("the broker does not answer: its connections break")
    except broker_errors(bell) as error:
        raise Unavailable(f"the broker does not answer: {type(error).__name__}") from error


def rung_over(bell: Connection, queue: str) -> bool:
    """Whether the wake-up left; it did not where an older connection turned out to be broken.

    That one is closed then, so a second call makes a new one. Raises what the driver raises
    (`broker_errors`) where a new connection fails.
    """
    with pools.producers[bell].acquire(block=True) as producer:
        line = producer.connection
        was_connected = line.connected
        try:
            app.send_task(
                WAKES[queue],
                queue=prefixed(QUEUE_OF_BELL.get(queue, queue)),
                expiration=MESSAGE_EXPIRES_S,
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


def ring(engine: sa.Engine, queue: str = INGEST_QUEUE, *, publish: Publish = publish) -> bool:
    """Wake a worker unless a wake-up is on its way; whether a message was sent.

    To be called after the commit of what is due. Blocks for a transaction of its own and for the
    broker. Never raises for a broker or database that is away: what was not heard is swept. Without
    `publish` the message goes to the broker of this process's environment.
    """
    try:
        with transaction(engine, durable=False) as conn:
            if not schedule.ring(conn, queue):
                return False
        publish(queue)
    except TransientError as error:
        log.warning("bell_not_rung", queue=queue, error=str(error))
        return False
    return True
