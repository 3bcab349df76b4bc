"""Makes a sink of its row: opens its secret, and finds what it is sent over."""

from __future__ import annotations

from ingest.broker.address import AMQP
from ingest.broker.broker import Broker, broker_of
from ingest.budget.line import pools_of
from ingest.core.errors import BadSettings
from ingest.core.secret import Secret
from ingest.sinks.celery_task import CeleryTask
from ingest.sinks.contract import CELERY_TASK, WEBHOOK, MessageSink, broker_named
from ingest.sinks.hidden import FORMER, SECRET, opened
from ingest.sinks.redis_stream import MOST_ENTRIES, RedisStream
from ingest.sinks.webhook import SignedWebhook
from ingest.store.change_sinks import Sink
from ingest.wiring import Program

CELERYS_QUEUE = "celery"
"""Where Celery's own workers look unless they are told otherwise."""


def make(program: Program, sink: Sink) -> MessageSink:
    """The sink, ready to send; contacts nobody.

    Raises `BadSettings` where its secret cannot be opened, or what it is sent over is not there.
    """
    hidden = opened(program.vault, sink.secret)
    url = hidden.get("url")
    if sink.kind == WEBHOOK:
        secrets = [hidden[name] for name in (SECRET, FORMER) if name in hidden]
        return SignedWebhook(Secret(url or ""), [*map(Secret, secrets)])
    if sink.kind == CELERY_TASK:
        broker = program.broker if url is None else broker_named(url)
        return CeleryTask(broker, sink.target, sink.options.get("queue", CELERYS_QUEUE))
    redis = _own_redis(program) if url is None else broker_named(url)
    most = int(sink.options.get("most", MOST_ENTRIES))
    return RedisStream(pools_of(redis)[0], sink.target, most=most)


def _own_redis(program: Program) -> Broker:
    told = program.settings
    if told.redis_url is not None:
        return broker_of(told.redis_url, None, "", name="REDIS_URL")
    if program.broker.address.family == AMQP:
        raise BadSettings("no Redis is known: set REDIS_URL, or add the sink with --url-env")
    return program.broker
