"""The bell's way to the broker: nobody waits for one that is away, whichever it is."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping

import pytest
from kombu import Connection, Queue

from ingest.bell.celery_app import BEAT_SCHEDULE
from ingest.broker.broker import broker_of
from ingest.core.errors import BadSettings

RINGER = """
import time
from ingest.core.errors import Unavailable
from ingest.bell.ring import publish
for _ in range(3):
    began = time.monotonic()
    try:
        publish("ingest")
        print("rung")
    except Unavailable:
        print("away" if time.monotonic() - began < 3 else "late")
"""


def ring_thrice(broker: str) -> list[str]:
    """What became of each ring, in a process of its own: a process has one broker."""
    done = subprocess.run(
        [sys.executable, "-c", RINGER],
        env={**os.environ, "CELERY_BROKER_URL": broker},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1/0", "amqp://127.0.0.1:1//", "pigeon://loft"])
def test_a_broker_that_is_away_is_given_up_at_once(url: str) -> None:
    assert ring_thrice(url) == ["away"] * 3


@pytest.mark.parametrize("url", ["pigeon://loft", "sqs://"])
def test_a_broker_that_there_is_not_is_a_wrong_setting(url: str) -> None:
    with pytest.raises(BadSettings, match="CELERY_BROKER_URL"):
        broker_of(url)


@pytest.mark.integration
def test_each_ring_is_a_message(broker_url: str) -> None:
    assert ring_thrice(broker_url) == ["rung"] * 3
    with Connection(broker_url) as broker, broker.channel() as channel:
        waiting = Queue("ingest", channel=channel)
        assert [waiting.get(no_ack=True) is not None for _ in range(4)] == [True] * 3 + [False]


@pytest.mark.integration
def test_whether_a_ring_is_heard_hangs_on_no_two_clocks(broker_url: str) -> None:
    """Bug: the ringer's clock said when it expires, and the worker's whether it has: of a worker
    whose clock was 30 s ahead of a receiver's no ring was heard, and of a beat's no tick.
    """
    assert ring_thrice(broker_url)[0] == "rung"
    with Connection(broker_url) as broker, broker.channel() as channel:
        message = Queue("ingest", channel=channel).get(no_ack=True)
    assert message is not None
    headers: Mapping[str, object] = message.headers
    assert [headers["expires"], headers["eta"]] == [None, None]
    assert message.properties["expiration"] == "30000", "the broker's own clock ends it"
    assert "expires" not in str(BEAT_SCHEDULE)
