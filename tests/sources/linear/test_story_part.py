"""Linear's part in the demo: its API knows what its letters tell, and ties the story together."""

from __future__ import annotations

from typing import Any

from ingest.core.changes import Change, Refresh, Upsert
from ingest.demo.cast.linear import ACTOR
from ingest.demo.fake import serving
from ingest.demo.story import Letter
from ingest.sources.contract import Access, Ask, Found, Message, Normalised
from ingest.sources.linear import SOURCE
from tests.sources.linear.looking import NOW

_HOME = str(ACTOR.metadata["linearOrganizationId"])


def _meaning(letter: Letter) -> Normalised:
    return SOURCE.normalise(
        Message(letter.headers, letter.payload, "delivery", NOW, _HOME, ACTOR.metadata)
    )


def _looked_up(asked: Refresh, url: str, token: str) -> tuple[Change | Refresh, ...]:
    assert SOURCE.connect is not None
    assert SOURCE.documents is not None
    client = SOURCE.connect(Access(url, token, ACTOR.metadata, lambda: NOW))
    try:
        raw = client.fetch_one(Ask(asked.identity, asked.hint)).raw
    finally:
        client.close()
    assert raw is not None
    return SOURCE.documents(Found(asked.identity, raw, NOW, asked.hint, ACTOR.metadata))


def _documents() -> dict[str, Any]:
    """What each look-up of the story ends in, by the document's kind."""
    assert ACTOR.provider is not None
    provider = ACTOR.provider()
    with serving(provider) as fake:
        found = [
            change
            for letter in ACTOR.letters
            for asked in _meaning(letter).asked
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
    told = [change for letter in ACTOR.letters for change in _meaning(letter).told]
    assert sorted(change.identity.kind for change in told) == [
        "comment",
        "comment",
        "comment",
        "project_update",
    ]
