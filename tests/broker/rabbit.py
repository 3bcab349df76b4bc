"""A RabbitMQ of a test's own, where the machine has its programs; its alarm is on at once."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from amqp import Connection
from amqp.exceptions import AMQPError

from ingest.embedded.processes import free_port, wait_until

PROGRAM = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
START_S = 90.0


@contextmanager
def alarmed_rabbit(directory: Path) -> Iterator[str]:
    """The URL of one that has no memory left for whoever publishes."""
    port = free_port()
    (directory / "rabbit.conf").write_text(
        f"listeners.tcp.1 = 127.0.0.1:{port}\nvm_memory_high_watermark.absolute = 1\n"
    )
    (directory / "plugins").write_text("[].\n")
    told = {
        "HOME": str(directory),
        "RABBITMQ_NODENAME": f"test-{port}@localhost",
        "RABBITMQ_DIST_PORT": str(free_port()),
        "RABBITMQ_CONFIG_FILE": str(directory / "rabbit.conf"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(directory / "plugins"),
        "RABBITMQ_MNESIA_BASE": str(directory / "mnesia"),
        "RABBITMQ_LOG_BASE": str(directory / "log"),
        "RABBITMQ_PID_FILE": str(directory / "pid"),
    }
    with subprocess.Popen(
        [PROGRAM],
        env={**os.environ, **told},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # a shell, and the machine that it becomes
    ) as process:
        try:
            assert wait_until(lambda: _answers(port), seconds=START_S), "RabbitMQ does not start"
            yield f"amqp://guest:guest@127.0.0.1:{port}//"
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def _answers(port: int) -> bool:
    try:
        with Connection(f"127.0.0.1:{port}", connect_timeout=2, read_timeout=2):
            return True
    except (AMQPError, OSError):
        return False
