"""What a provider does not tell yet is asked for again later, and nobody waits for it meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa

from ingest.core.changes import Refresh
from ingest.flows.lookups.clients import Clients
from ingest.flows.lookups.drain import drain_lookups
from ingest.flows.lookups.request import request_further, request_lookups
from ingest.sources.later import WAITS_S, fresh
from ingest.sources.vercel.demo.fake import Vercel
from ingest.sources.vercel.normalise import identity
from ingest.store import lookup_admin
from ingest.store.engine import transaction
from ingest.store.lookups import Urgency
from ingest.testing.fakes import Fake, serving
from tests.factories import METADATA, VAULT, connect
from tests.flows.desk import Desk
from tests.flows.halcyon import Sent
from tests.sources.vercel.deliveries import CONNECTION, LAMPS, body
from tests.sources.vercel.listing import AT_MS, PROJECT, SCOPE, halcyon

pytestmark = pytest.mark.integration

DUE = "UPDATE lightfast_lookups SET next_attempt_at = now() WHERE lease_until IS NULL"
WAITING = """
SELECT round(extract(epoch FROM next_attempt_at - now())) AS due_s, hint, run_id, background
FROM lightfast_lookups
"""


@dataclass
class Project:
    """A connection to a project of which one build has failed, and what its API was asked."""

    desk: Desk
    vercel: Vercel
    fake: Fake
    clients: Clients
    connection: str

    def hear(self, name: str) -> int:
        (id_,) = self.desk.deliver(self.connection, Sent("vercel", body(name), {}))
        self.desk.work()
        return id_

    def look_up(self) -> None:
        """Everything that is asked for by now, however late it is due."""
        self.desk.run(DUE)
        turns = iter(range(3))
        drain_lookups(self.desk.engine, self.clients, go_on=lambda: next(turns, None) is not None)

    def waiting(self) -> list[dict[str, Any]]:
        return self.desk.rows(WAITING)

    def unfinished(self) -> int:
        with transaction(self.desk.engine) as conn:
            return lookup_admin.unfinished(conn)[0]

    def metadata(self) -> dict[str, Any]:
        (row,) = self.desk.rows("SELECT source_metadata AS told FROM lightfast_docs_documents")
        told: dict[str, Any] = row["told"]
        return told


@pytest.fixture
def project(engine: sa.Engine) -> Iterator[Project]:
    vercel = halcyon()
    vercel.deploy(LAMPS, PROJECT, "web-1-halcyon.vercel.app", at_ms=AT_MS)
    vercel.fail(LAMPS, at_ms=AT_MS, code="E", message="it failed", step="buildStep")
    with serving(vercel) as fake:
        clients = Clients(VAULT, {"vercel": fake.url})
        metadata = {**METADATA["vercel"], **CONNECTION}
        connection = connect(engine, "vercel", metadata, token=vercel.token)
        yield Project(Desk(engine), vercel, fake, clients, connection)
        clients.close()


def test_a_log_that_comes_after_its_event_is_read(project: Project) -> None:
    """Bug: the look-up found no log, and nothing asked again."""
    id_ = project.hear("deployment.error")
    project.look_up()
    assert project.desk.delivery(id_)["status"] == "processed", "what is there is not waited for"
    assert "errorCount" not in project.metadata()
    (later,) = project.waiting()
    assert abs(float(later["due_s"]) - WAITS_S[0]) <= 2
    assert project.unfinished() == 0
    project.vercel.log(LAMPS, "stderr", "lamps.ts: no such lamp", at_ms=AT_MS + 1)
    project.look_up()
    assert project.metadata()["errorCount"] == 1
    assert project.waiting() == []


def test_one_that_never_comes_is_asked_for_a_few_times(project: Project) -> None:
    project.hear("deployment.error")
    for _ in range(len(WAITS_S) + 3):
        project.look_up()
    assert project.waiting() == []
    assert len(project.fake.asked_for("/v13/")) == 1 + len(WAITS_S)


def test_an_event_that_comes_meanwhile_waits_for_nothing(project: Project) -> None:
    project.hear("deployment.error")
    project.look_up()
    id_ = project.hear("deployment.checks.failed")
    (asked,) = project.waiting()
    assert float(asked["due_s"]) <= 3
    project.look_up()
    assert project.desk.delivery(id_)["status"] == "processed"


def test_what_waits_as_it_was_told_to_is_not_hurried(project: Project) -> None:
    """Of a look-up that failed, the wait is the provider's or grows: no event shortens it."""
    project.hear("deployment.error")
    project.desk.run(
        "UPDATE lightfast_lookups SET next_attempt_at = now() + interval '90 seconds',"
        " last_error = 'HTTP 503'"
    )
    project.hear("deployment.checks.failed")
    (asked,) = project.waiting()
    assert float(asked["due_s"]) > 60
    assert project.unfinished() == 1


def test_no_sync_run_waits_for_it(project: Project) -> None:
    whom, urgency = identity(SCOPE, LAMPS), Urgency(background=True, run_id=7)
    again = Refresh(whom, fresh(), after_s=30.0)
    with transaction(project.desk.engine) as conn:
        request_further(conn, [((project.connection, again), urgency)])
    (later,) = project.waiting()
    assert (later["run_id"], later["background"]) == (None, True)
    with transaction(project.desk.engine) as conn:
        request_lookups(conn, [(project.connection, Refresh(whom))], background=True, run_id=8)
    (sooner,) = project.waiting()
    assert (sooner["run_id"], float(sooner["due_s"]) <= 3) == (8, True)
