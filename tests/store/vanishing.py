"""A server whose host vanishes, in a network of this process alone: prints how long that was waited
for, in seconds, by what was going on. Run it as `unshare --net python -m tests.store.vanishing`.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import psycopg.errors
import sqlalchemy as sa

from ingest.core.errors import Unavailable
from ingest.embedded import start
from ingest.store.engine import connect, transaction

MOST_S = 60.0


def link(state: str) -> None:
    """Let the loopback interface of this network be up or down."""
    subprocess.run(["ip", "link", "set", "lo", state], check=True)


def something_is_sent(engine: sa.Engine) -> None:
    with transaction(engine) as conn:
        link("down")
        conn.exec_driver_sql("SELECT 1")


def an_answer_is_waited_for(engine: sa.Engine) -> None:
    going = threading.Timer(0.5, link, ("down",))
    with transaction(engine) as conn:
        going.start()
        conn.exec_driver_sql("SELECT pg_sleep(50)")


def a_session_lies_idle(engine: sa.Engine) -> None:
    link("down")
    with transaction(engine):
        pass


def others_wait_for_a_host_that_is_gone(url: str) -> float:
    """How long what a worker had locked stays so for one on another host, who comes by the server's
    socket here, as if by a network that is up.
    """
    link("up")
    engine = connect(url)
    with transaction(engine) as made:
        made.exec_driver_sql("CREATE TABLE held (n int)")
        made.exec_driver_sql("INSERT INTO held VALUES (1)")
        socket = str(made.exec_driver_sql("SHOW unix_socket_directories").scalar_one())
    other = psycopg.connect(url.partition("?")[0], host=socket.strip('"'))
    connection = engine.connect()
    connection.exec_driver_sql("SELECT 1 FROM held FOR UPDATE")
    link("down")
    began = time.monotonic()
    try:
        with other:
            other.execute(f"SET lock_timeout = '{MOST_S:.0f}s'")
            other.execute("SELECT 1 FROM held FOR UPDATE")
        return time.monotonic() - began
    except psycopg.errors.LockNotAvailable:
        return MOST_S
    finally:
        link("up")
        connection.invalidate()
        engine.dispose()


def waited_s(act: Callable[[sa.Engine], None], url: str) -> float:
    link("up")
    engine = connect(url)
    with transaction(engine):
        pass
    began = time.monotonic()
    try:
        act(engine)
    except Unavailable:
        return time.monotonic() - began
    finally:
        link("up")
        engine.dispose()
    return MOST_S


def main() -> None:
    link("up")
    directory = Path(tempfile.mkdtemp())
    with start(directory, redis=False, durable=False) as services:
        url = services.urls.database_url
        acts = (something_is_sent, an_answer_is_waited_for, a_session_lies_idle)
        told = {act.__name__: round(waited_s(act, url), 1) for act in acts}
        held_s = others_wait_for_a_host_that_is_gone(url)
        told[others_wait_for_a_host_that_is_gone.__name__] = round(held_s, 1)
    shutil.rmtree(directory, ignore_errors=True)
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main()
