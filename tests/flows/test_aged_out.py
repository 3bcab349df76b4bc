"""A deployment that its provider keeps no longer: deleted by somebody, or by its age alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from ingest.core.changes import Refresh
from ingest.core.ranks import is_final
from ingest.flows.lookups.clients import Clients
from ingest.flows.lookups.drain import drain_lookups
from ingest.flows.lookups.request import request_lookups
from ingest.sources.listing import Unlisted
from ingest.sources.registry import source
from ingest.sources.vercel.demo.fake import Vercel
from ingest.sources.vercel.normalise import identity
from ingest.store.engine import transaction
from ingest.testing.fakes import serving
from tests.factories import METADATA, VAULT, connect
from tests.flows.desk import Desk
from tests.flows.halcyon import Sent
from tests.sources.vercel.deliveries import CONNECTION, LAMPS, body
from tests.sources.vercel.listing import AT_MS, META, PROJECT, SCOPE, halcyon

pytestmark = pytest.mark.integration

HOST = "web-h7x2lamp5-halcyon.vercel.app"
NOW = "UPDATE lightfast_lookups SET next_attempt_at = now() WHERE lease_until IS NULL"
IMPATIENT = "UPDATE lightfast_lookups SET patient_until = now()"


@dataclass
class Halcyon:
    """A desk with a connection to Halcyon's project, in which one deployment is ready."""

    desk: Desk
    vercel: Vercel
    clients: Clients
    connection: str

    def hear(self, name: str) -> None:
        """A webhook, and the look-ups that it asks for."""
        sent = Sent("vercel", body(name), {})
        self.desk.deliver(self.connection, sent)
        self.desk.work()
        self.look_up()

    def miss(self) -> None:
        """What a sync run does about a document that no list names."""
        (row,) = self.documents()
        listing = source("vercel").listing
        assert listing is not None
        whom, now = identity(SCOPE, LAMPS), datetime.now(UTC)
        told = Unlisted(whom, LAMPS, row["source_metadata"], row["created_at"], CONNECTION, now)
        ask = listing.absent(told)
        if ask is None:
            return
        assert isinstance(ask, Refresh)
        with transaction(self.desk.engine) as conn:
            request_lookups(conn, [(self.connection, ask)])
        self.look_up()

    def look_up(self) -> None:
        for _ in range(2):  # what is lagging yet, and then what is not any more
            self.desk.run(NOW)
            drain_lookups(self.desk.engine, self.clients, go_on=lambda: True)
            self.desk.run(IMPATIENT)

    def documents(self) -> list[dict[str, Any]]:
        return self.desk.rows("SELECT * FROM lightfast_docs_documents")

    def ledger(self) -> dict[str, Any]:
        (row,) = self.desk.rows("SELECT state, rank FROM lightfast_document_ledger")
        return row


@pytest.fixture
def there(engine: sa.Engine) -> Iterator[Halcyon]:
    vercel = halcyon()
    vercel.deploy(LAMPS, PROJECT, HOST, at_ms=AT_MS, target="production", meta=dict(META))
    vercel.become(LAMPS, "READY", at_ms=AT_MS + 90_000)
    with serving(vercel) as fake:
        clients = Clients(VAULT, {"vercel": fake.url})
        metadata = {**METADATA["vercel"], **CONNECTION}
        connection = connect(engine, "vercel", metadata, token=vercel.token)
        made = Halcyon(Desk(engine), vercel, clients, connection)
        made.hear("deployment.ready")
        assert len(made.documents()) == 1
        yield made
        clients.close()


def test_what_has_aged_out_stays_and_says_so(there: Halcyon) -> None:
    (before,) = there.documents()
    there.vercel.age_out(LAMPS, at_ms=AT_MS + 5)
    there.miss()
    (after,) = there.documents()
    assert after["source_metadata"] == {**before["source_metadata"], "agedOut": True}
    assert after["content_hash"] == before["content_hash"]
    there.miss()
    assert there.documents() == [after]


def test_its_clean_up_30_days_later_deletes_nothing(there: Halcyon) -> None:
    there.vercel.age_out(LAMPS, at_ms=AT_MS + 5)
    there.miss()
    there.vercel.remove(LAMPS)
    there.hear("deployment.cleanup")
    (after,) = there.documents()
    assert after["source_metadata"]["agedOut"] is True
    assert there.ledger()["state"] == "live"


def test_a_restored_one_says_so_no_longer(there: Halcyon) -> None:
    (before,) = there.documents()
    there.vercel.age_out(LAMPS, at_ms=AT_MS + 5)
    there.miss()
    there.vercel.restore(LAMPS, at_ms=AT_MS + 6)
    there.hear("deployment.promoted")
    (after,) = there.documents()
    assert after["source_metadata"] == before["source_metadata"]


def test_what_somebody_deleted_is_deleted(there: Halcyon) -> None:
    there.vercel.delete(LAMPS, at_ms=AT_MS + 5)
    there.miss()
    assert there.documents() == []
    assert there.ledger()["state"] == "deleted"


def test_a_clean_up_of_what_somebody_deleted_is_for_good(there: Halcyon) -> None:
    there.vercel.remove(LAMPS)
    there.hear("deployment.cleanup")
    assert there.documents() == []
    assert is_final(there.ledger()["rank"])


def test_a_clean_up_of_what_vercel_still_shows_deletes_nothing(there: Halcyon) -> None:
    there.hear("deployment.cleanup")
    assert len(there.documents()) == 1
