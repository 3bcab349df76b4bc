"""Beat's schedule: each tick calls a task that there is, on the queue of those who can wait."""

from __future__ import annotations

import json
import os
import subprocess
import sys

_ROUTES = """
import json
import ingest.worker
from ingest.bell.celery_app import BEAT_SCHEDULE, WAKES, app
told = {
    name: [entry["task"] in app.tasks, app.amqp.router.route({}, entry["task"])["queue"].name]
    for name, entry in BEAT_SCHEDULE.items()
}
told["bells"] = [task in app.tasks for task in WAKES.values()]
print(json.dumps(told))
"""


def test_what_waits_for_others_is_in_the_way_of_no_delivery() -> None:
    """Logs of failed deliveries are read, and changes pushed, where pages are made; all other ticks
    are short.
    """
    environ = {**os.environ, "INGEST_QUEUE_PREFIX": "staging-"}
    ran = subprocess.run(
        [sys.executable, "-c", _ROUTES], env=environ, capture_output=True, text=True, check=True
    )
    routes = json.loads(ran.stdout)
    assert routes.pop("bells") == [True] * 5  # whoever rings is heard
    for name in ("missed", "push"):
        assert routes.pop(name) == [True, "staging-sync"]
    assert len(routes) >= 4
    assert set(map(tuple, routes.values())) == {(True, "staging-ingest")}
