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
    shutil.rmtree(directory, ignore_errors=True)
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main()
