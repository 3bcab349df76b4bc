"""What was looked up and then thrown away: found by `make chaos` (SEED=1), a removal at the version
that a look-up had seen came to nothing, and the issue stayed until the next full run.
"""

from __future__ import annotations

import json

import pytest
import sqlalchemy as sa

from ingest.core.times import parse_time
from ingest.flows.lookups.clients import Clients
from ingest.flows.lookups.drain import drain_lookups
from ingest.testing.fakes import serving
from tests.factories import VAULT, connect
from tests.flows.desk import Desk
from tests.flows.halcyon import Sent
from tests.sources.linear.deliveries import FIXTURES, body
from tests.sources.linear.looking import organization

pytestmark = pytest.mark.integration


def test_a_removal_at_the_version_that_was_looked_up_is_looked_up_too(engine: sa.Engine) -> None:
    """Linear's `updatedAt` does not move when an issue goes to the trash."""
    linear, desk = organization(), Desk(engine)
    written, removed = body("Issue.update"), body("Issue.remove")
    removed["data"]["updatedAt"] = written["data"]["updatedAt"]
    linear.learn("Issue", written["data"])
    with serving(linear) as fake:
        clients = Clients(VAULT, {"linear": fake.url})
        metadata = json.loads((FIXTURES.parent / "connection.json").read_text())
        connection = connect(engine, "linear", metadata, token=linear.token)
        _hear(desk, clients, connection, written)
        assert len(desk.documents()) == 1
        linear.trash("issue", removed["data"]["id"], parse_time(removed["data"]["archivedAt"]))
        _hear(desk, clients, connection, removed)
        clients.close()
    assert desk.documents() == {}


def _hear(desk: Desk, clients: Clients, connection: str, payload: dict[str, object]) -> None:
    desk.deliver(connection, Sent("linear", payload, {}))
    desk.work()
    turns = iter(range(4))
    drain_lookups(desk.engine, clients, go_on=lambda: next(turns, None) is not None)
