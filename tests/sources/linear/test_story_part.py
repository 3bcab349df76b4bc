"""Linear's part in the demo: its API knows what its deliveries tell, and ties the story up."""

from __future__ import annotations

from typing import Any

from ingest.core.changes import Change, Refresh, Upsert
from ingest.sources.access import Access
from ingest.sources.contract import Lookup, Message, Normalised
from ingest.sources.linear import SOURCE
from ingest.sources.linear.demo import SAMPLE
from ingest.testing.fakes import serving
from ingest.testing.sample import SampleDelivery
from tests.sources.linear.looking import NOW

_HOME = str(SAMPLE.connection["linearOrganizationId"])


def _meaning(delivery: SampleDelivery) -> Normalised:
    return SOURCE.normalise(
        Message(delivery.headers, delivery.payload, "delivery", NOW, _HOME, SAMPLE.connection)
    )


def _looked_up(asked: Refresh, url: str, token: str) -> tuple[Change | Refresh, ...]:
    assert SOURCE.connect is not None
    assert SOURCE.documents is not None
    client = SOURCE.connect(Access(url, token, SAMPLE.connection, lambda: NOW))
    try:
        raw = client.fetch_one(Lookup(asked.identity, asked.hint)).raw
    finally:
        client.close()
    assert raw is not None
    return SOURCE.documents(
        Lookup(asked.identity, raw=raw, sent_at=NOW, hint=asked.hint, connection=SAMPLE.connection)
    )


def _documents() -> dict[str, Any]:
    """What each look-up of the story ends in, by the document's kind."""
    assert SAMPLE.provider is not None
    provider = SAMPLE.provider()
    with serving(provider) as fake:
        found = [
            change
            for delivery in SAMPLE.deliveries
            for asked in _meaning(delivery).asked
            for change in _looked_up(asked, fake.url, provider.token)
        ]
    return {change.identity.kind: change for change in found}


def test_every_look_up_of_the_story_finds_its_object() -> None:
    found = _documents()
    assert set(found) == {"issue", "project"}
    assert all(isinstance(change, Upsert) for change in found.values())


def test_the_issue_is_seen_moved_done_and_linked() -> None:
    issue = _documents()["issue"]
    assert (issue.source_id, issue.aliases) == ("DEP-12", ("OPS-3",))
    assert issue.metadata["state"] == "done"
    assert issue.links == (
        "https://brindle.sentry.io/issues/5150007001/",
        "https://github.com/brindle-ferries/departures/pull/42",
    )


def test_comments_and_the_report_are_told_whole() -> None:
    told = [change for delivery in SAMPLE.deliveries for change in _meaning(delivery).told]
    assert sorted(change.identity.kind for change in told) == [
        "comment",
        "comment",
        "comment",
        "project_update",
    ]
