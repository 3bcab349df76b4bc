"""Starting from nothing, a full listing gives the documents that the webhooks give."""

from __future__ import annotations

from typing import Any

from ingest.core.changes import Change, Delete, Refresh, Upsert
from ingest.core.identity import Identity
from ingest.sources.access import Access
from ingest.sources.contract import Lookup, Message
from ingest.sources.github import SOURCE
from ingest.sources.github.client import connect
from ingest.sources.github.demo import SAMPLE, story
from ingest.sources.github.documents import documents
from ingest.sources.github.normalise import normalise
from ingest.testing.fakes import serving
from ingest.testing.walking import changes_of, pages_of
from tests.sources.github.listed import LISTS
from tests.sources.github.looking import NOW

SCOPE = str(SAMPLE.connection["githubRepoId"])


def _told() -> dict[Identity, Upsert]:
    """What the webhooks say in the end, but for files."""
    newest: dict[Identity, Change] = {}
    for sent in SAMPLE.deliveries:
        if sent.end != "processed":
            continue
        message = Message(sent.headers, sent.payload, "key", NOW, SCOPE, SAMPLE.connection)
        said = normalise(message)
        for change in (*said.told, *(one for ask in said.asked for one in ask.otherwise)):
            before = newest.get(change.identity)
            if before is None or (change.version or 0) >= (before.version or 0):
                newest[change.identity] = change
    return {id_: one for id_, one in newest.items() if isinstance(one, Upsert)}


def _content(of: Upsert) -> dict[str, Any]:
    """All but what tells how new it is: a look-up of a review has no better time than its own."""
    names = ("source_id", "title", "body", "metadata", "parent", "references", "home", "temporal")
    return {name: getattr(of, name) for name in (*names, "created_at")}


def test_a_full_listing_of_the_story_gives_what_its_webhooks_give() -> None:
    with serving(story.provider()) as fake:
        client = connect(Access(fake.url, story.provider().token, SAMPLE.connection, lambda: NOW))
        listed: dict[Identity, Upsert] = {}
        wanted: list[Refresh] = []
        for resource in ("files", *LISTS):
            for page in pages_of(client, resource, connection=SAMPLE.connection):
                assert page.gap is None
                wanted += page.wanted
                for one in page.listed:
                    (said,) = changes_of(SOURCE, one, SAMPLE.connection)
                    assert isinstance(said, Upsert)
                    listed[said.identity] = said
        told = _told()
        assert listed.keys() == told.keys()
        assert {id_: _content(one) for id_, one in listed.items()} == {
            id_: _content(one) for id_, one in told.items()
        }
        (branch,) = wanted
        sight = client.fetch_one(Lookup(branch.identity, branch.hint))
        files = documents(Lookup(branch.identity, raw=sight.raw, sent_at=NOW))
        assert {one.identity.id for one in files if not isinstance(one, Delete)} == {
            "README.md",
            "docs/boards/midnight.md",
        }
        client.close()
