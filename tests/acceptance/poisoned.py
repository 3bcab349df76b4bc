"""A worker of the queue whose adapter takes the process down at one payload, and at no other.

`python -m tests.acceptance.poisoned DATABASE_URL LEASE_S` drains until nothing is pending, exit 0.
No package outside takes the name of a source of ours, so this process alters what was found.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from dataclasses import replace

from ingest.flows.deliveries.drain import drain_deliveries
from ingest.sources import registry
from ingest.sources.contract import Message, Normalise, Normalised
from ingest.store import queue_admin
from ingest.store.engine import connect, transaction

POISON = "poison"


def poisoned(normalise: Normalise) -> Normalise:
    """The adapter, but for one payload."""

    def swallow(message: Message) -> Normalised:
        if message.delivery_key == POISON:
            os.kill(os.getpid(), signal.SIGKILL)
        return normalise(message)

    return swallow


def main(database_url: str, lease_s: float) -> None:
    github = registry.source("github")
    known = {
        **registry.all_sources(),
        "github": replace(github, normalise=poisoned(github.normalise)),
    }
    registry._loaded = known.__getitem__  # type: ignore[assignment]
    engine = connect(database_url)
    while True:
        drain_deliveries(engine, go_on=lambda: True, lease_s=lease_s)
        with transaction(engine) as conn:
            if not queue_admin.unfinished(conn)[0]:
                return
        time.sleep(0.1)


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
