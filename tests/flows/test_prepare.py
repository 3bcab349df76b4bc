"""What one delivery means, and for whom."""

from __future__ import annotations

from datetime import UTC, datetime

from ingest.flows.connections.directory import Directory
from ingest.flows.deliveries.normalise import prepare
from ingest.flows.deliveries.prepared import Opened
from ingest.flows.deliveries.route import open_delivery
from ingest.store.claiming import ClaimedDelivery

NOW = datetime(2026, 3, 2, tzinfo=UTC)
NOBODY = Directory(by_id={}, by_tenant={}, stores={})


def test_a_delivery_whose_connection_was_purged_meanwhile_is_no_fault_of_the_adapter() -> None:
    """Bug: it ended in a KeyError, logged with its payload as an adapter fault."""
    opened = open_delivery(
        ClaimedDelivery(
            id=1,
            source_type="github",
            connection_id="purged",
            delivery_key="key",
            headers={"x-github-event": "issues"},
            body=b'{"repository": {"id": 101}}',
            attempts=1,
            lone_crashes=0,
            received_at=NOW,
        )
    )
    assert isinstance(opened, Opened)
    assert prepare(opened, NOBODY).verdict == ("skipped", "the connection is purged")
