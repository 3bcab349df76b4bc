"""Whether a broker carries messages: one of our own goes there and back, on a queue of its own.

A broker that lets us in may still take nothing: a replica, a full one, one that cannot save. Each
is told in one line with what to do about it. Nothing is left behind: the queue ends with the trial,
and one whose process died expires within a minute.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from amqp.exceptions import AccessRefused, NotAllowed
from kombu import Connection, Exchange, Queue
from kombu.exceptions import OperationalError
from redis.sentinel import MasterNotFoundError

from ingest.broker.broker import Broker
from ingest.broker.line import bell_line, broker_errors

WITHIN_S = 5.0
EXPIRES_S = 60.0
_PAUSE_S = 0.02
_MOST_SAID = 300


class Standing(StrEnum):
    """How a trial ended: `wrong` is an answer that needs mending, `away` is none at all."""

    WELL = "well"
    WRONG = "wrong"
    AWAY = "away"


class Trial(NamedTuple):
    """What a trial found, in one line, and what to do about it; the line says no password."""

    standing: Standing
    said: str
    remedy: str = ""


class _RedisSays(NamedTuple):
    said: str
    remedy: str


START = "start it, or let its variable name the one that runs"
_LET_IN = "put the right user and password into CELERY_BROKER_URL, or give that user its rights"
_PRIMARY = (
    "let CELERY_BROKER_URL name the primary, or the sentinels that know it "
    "(sentinel://…?master_name=…)"
)
_ROOM = "raise its maxmemory, or free some; what is stored in PostgreSQL waits unharmed"

REDIS_SAYS: Mapping[str, _RedisSays] = {
    "READONLY": _RedisSays("is a replica and takes no message", _PRIMARY),
    "UNBLOCKED": _RedisSays("has just become a replica", _PRIMARY),
    "MASTERDOWN": _RedisSays("is a replica that has lost its primary", _PRIMARY),
    "OOM": _RedisSays("is full (maxmemory) and takes no message", _ROOM),
    "MISCONF": _RedisSays(
        "cannot save to its disk and takes no message",
        "give its disk room, or set stop-writes-on-bgsave-error no",
    ),
    "NOREPLICAS": _RedisSays(
        "has too few replicas to take a message", "start them, or lower min-replicas-to-write"
    ),
    "LOADING": _RedisSays("is still loading its data", "wait, and ask again"),
    "NOAUTH": _RedisSays("wants a user and a password that it knows", _LET_IN),
    "WRONGPASS": _RedisSays("wants a user and a password that it knows", _LET_IN),
    "NOPERM": _RedisSays("does not let this user use our queues", _LET_IN),
}
"""The first word of an answer of Redis, and what it means. Its driver takes some of them off."""
_REDIS_CLASSES: Mapping[str, str] = {
    "ReadOnlyError": "READONLY",
    "OutOfMemoryError": "OOM",
    "MasterDownError": "MASTERDOWN",
    "BusyLoadingError": "LOADING",
    "AuthenticationError": "WRONGPASS",
    "NoPermissionError": "NOPERM",
}
_NO_PRIMARY = _RedisSays(
    "names sentinels that know no such primary, or do not answer",
    "start them, or let master_name say what they call it (SENTINEL MASTERS on one of them)",
)
_BLOCKED = _RedisSays(
    "holds publishers up: its memory or disk alarm is on",
    "rabbitmqctl list_alarms (on it), then give it memory or disk; what is stored waits unharmed",
)


def try_out(broker: Broker, *, within_s: float = WITHIN_S) -> Trial:
    """Publish and hear one message; answers within `within_s`, whatever the broker does.

    Raises `BadSettings` for a broker that there is not.
    """
    found: list[Trial] = []
    attempt = _Attempt(broker, time.monotonic() + within_s)
    # Not even looking up a name may take longer: the thread ends with the process.
    thread = threading.Thread(target=lambda: found.append(attempt.run()), daemon=True)
    thread.start()
    thread.join(within_s)
    if found:
        return found[0]
    if attempt.blocked:
        return attempt.told(_BLOCKED)
    return Trial(Standing.AWAY, f"{broker.shown} does not answer within {within_s:g} s", START)


class _Attempt:
    """One message's way there and back."""

    def __init__(self, broker: Broker, ends_at: float) -> None:
        self.blocked = False
        self._broker = broker
        self._line = bell_line(broker, {"on_blocked": self._note_blocked})
        self._ends_at = ends_at

    def run(self) -> Trial:
        began_at = time.monotonic()
        try:
            with self._line as line:
                line.ensure_connection(max_retries=self._broker.address.count - 1)
                heard = self._there_and_back(line)
        except broker_errors(self._line) as error:
            return self._judge(error)
        if not heard:
            said = f"{self._broker.shown} took a message and does not hand it out"
            return Trial(Standing.WRONG, said, "look into its log")
        took_ms = (time.monotonic() - began_at) * 1000
        return Trial(
            Standing.WELL, f"{self._broker.shown} answers: a message was back in {took_ms:.0f} ms"
        )

    def told(self, what: _RedisSays) -> Trial:
        """What is known to be wrong, of this broker."""
        return Trial(Standing.WRONG, f"{self._broker.shown} {what.said}", what.remedy)

    def _there_and_back(self, line: Connection) -> bool:
        name = self._broker.queue(f"ingest-doctor-{uuid.uuid4().hex}")
        with line.channel() as channel:
            queue = Queue(
                name,
                Exchange(""),
                routing_key=name,
                channel=channel,
                durable=False,
                exclusive=True,
                expires=EXPIRES_S,
            )
            queue.declare()
            left_s = max(0.1, self._ends_at - time.monotonic())
            line.Producer(channel).publish(
                {}, routing_key=name, retry=False, timeout=left_s, confirm_timeout=left_s
            )
            heard = queue.get(no_ack=True)
            while heard is None and time.monotonic() < self._ends_at:
                time.sleep(_PAUSE_S)
                heard = queue.get(no_ack=True)
            queue.delete()
        return heard is not None

    def _note_blocked(self, _reason: object) -> None:
        self.blocked = True

    def _judge(self, error: BaseException) -> Trial:
        if self.blocked:
            return self.told(_BLOCKED)
        cause = error.__cause__ if isinstance(error, OperationalError) else error
        cause = cause or error
        word = _REDIS_CLASSES.get(type(cause).__name__) or str(cause).partition(" ")[0].strip("-")
        if word in REDIS_SAYS:
            return self.told(REDIS_SAYS[word])
        if isinstance(cause, MasterNotFoundError):
            return self.told(_NO_PRIMARY)
        if isinstance(cause, AccessRefused | NotAllowed):
            said = f"{self._broker.shown} does not let this user in: {type(cause).__name__}"
            return Trial(Standing.WRONG, said, _LET_IN)
        said = f"{self._broker.shown} does not let us in: {type(cause).__name__}: {cause}"
        return Trial(Standing.AWAY, " ".join(said.split())[:_MOST_SAID], START)
