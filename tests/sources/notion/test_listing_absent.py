"""What is done about a document that no list names, and what Notion's listing says of itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from ingest.core.changes import Change, Refresh, Withdraw
from ingest.core.identity import Identity
from ingest.core.values import JSON
from ingest.sources.access import Access
from ingest.sources.contract import Lookup, Message
from ingest.sources.listing import Unlisted
from ingest.sources.notion import SOURCE
from ingest.sources.notion.client import NotionClient, connect
from ingest.sources.notion.demo import SAMPLE
from ingest.sources.notion.demo.fake import Notion
from ingest.sources.notion.documents import documents
from ingest.sources.notion.listing import absent
from ingest.sources.notion.normalise import normalise
from ingest.testing.fakes import Fake, serving
from tests.sources.notion.deliveries import AT, COMMENT, DATABASE, NOW, OTHER, PAGE, identity
from tests.sources.notion.workspace import CONNECTION, connection, said, steps, walked


def unlisted(
    kind: str,
    id_: str,
    metadata: Mapping[str, JSON],
    *,
    chosen: Mapping[str, JSON] = CONNECTION,
    parent: Identity | None = None,
) -> Unlisted:
    return Unlisted(identity(kind, id_), id_, metadata, NOW, chosen, NOW, parent)


IN_DATABASE: JSON = {"type": "database", "id": DATABASE}
IN_OTHER: JSON = {"type": "page", "id": OTHER}


@pytest.mark.parametrize(
    ("kind", "id_", "metadata", "parent", "hint"),
    [
        ("page", PAGE, {"pageId": PAGE}, None, {}),
        ("page", PAGE, {"databaseId": DATABASE}, None, {"parent": IN_DATABASE}),
        ("page", PAGE, {"pageId": PAGE}, identity("page", OTHER), {"parent": IN_OTHER}),
        ("database", DATABASE, {"databaseId": DATABASE}, None, {}),
        ("database", DATABASE, {}, identity("page", OTHER), {"parent": IN_OTHER}),
        ("comment", COMMENT, {"pageId": OTHER}, None, {"page": OTHER}),
        ("comment", COMMENT, {}, None, {}),
    ],
)
def test_what_is_not_listed_is_looked_up_with_what_proves_that_it_is_gone(
    kind: str,
    id_: str,
    metadata: Mapping[str, JSON],
    parent: Identity | None,
    hint: Mapping[str, JSON],
) -> None:
    told = absent(unlisted(kind, id_, metadata, parent=parent))
    assert told == Refresh(identity(kind, id_), hint)


@pytest.mark.parametrize(("kind", "id_"), [("page", PAGE), ("database", DATABASE)])
def test_what_is_outside_of_the_choice_by_now_is_withdrawn(kind: str, id_: str) -> None:
    metadata: Mapping[str, JSON] = {"databaseId": DATABASE}
    told = absent(unlisted(kind, id_, metadata, chosen=connection(OTHER)))
    assert told == Withdraw(identity(kind, id_), None)
    within = absent(unlisted(kind, id_, metadata, chosen=connection(DATABASE)))
    assert isinstance(within, Refresh)


@pytest.fixture
def served() -> Iterator[Fake]:
    with serving(Notion()) as fake:
        yield fake


def asking(fake: Fake, metadata: Mapping[str, JSON] = CONNECTION) -> NotionClient:
    return connect(Access(fake.url, fake.provider.token, metadata, lambda: NOW))


def test_the_look_up_of_what_is_absent_proves_it(served: Fake) -> None:
    notion = served.provider = Notion()
    notion.put_page(OTHER, "Above", at=AT)
    client = asking(served)
    ask = absent(unlisted("page", PAGE, {}, parent=identity("page", OTHER)))
    assert isinstance(ask, Refresh)
    assert client.fetch_one(Lookup(ask.identity, ask.hint)).raw is None
    notion.hidden.add(OTHER)
    sight = client.fetch_one(Lookup(ask.identity, ask.hint))
    assert documents(Lookup(ask.identity, raw=sight.raw)) == ()
    client.close()


def test_the_story_is_the_same_by_webhooks_and_by_a_listing() -> None:
    assert SAMPLE.provider is not None
    with serving(SAMPLE.provider()) as fake:
        client = asking(fake, SAMPLE.connection)
        told: dict[Identity, Change] = {}
        for delivery in SAMPLE.deliveries:
            scope = str(SAMPLE.connection["notionWorkspaceId"])
            message = Message({}, delivery.payload, "k", NOW, scope, SAMPLE.connection)
            asked = [*normalise(message).asked]
            while asked:
                ask = asked.pop()
                seen = client.fetch_one(Lookup(ask.identity, ask.hint))
                for change in documents(Lookup(ask.identity, ask.hint, raw=seen.raw)):
                    if isinstance(change, Refresh):
                        asked.append(change)
                    else:
                        told[change.identity] = change
        listed: dict[Identity, Change | Refresh] = {}
        for resource in ("pages", "comments"):
            found = walked(steps(client, resource, metadata=SAMPLE.connection))
            for one in found.listed.values():
                (listed[one.identity],) = said(one, SAMPLE.connection)
        client.close()
    assert told == listed
    assert len(told) == 4


def test_a_listing_proves_what_it_names_and_comments_wait_for_a_full_one() -> None:
    listing = SOURCE.listing
    assert listing is not None
    kinds = [kind for resource in listing.resources for kind in resource.kinds]
    assert sorted(kinds) == ["comment", "database", "page"]
    pages, comments = (listing.resource(name) for name in ("pages", "comments"))
    assert pages is not None
    assert comments is not None
    assert (pages.narrows, comments.narrows, comments.sweep_s) == (True, False, None)
    # …/reference/last-edited: minutes; the search's lag is longer than that.
    assert pages.overlap_s > 120


def test_the_event_of_a_run_is_of_one_type_alone() -> None:
    assert SOURCE.listing is not None
    told = SOURCE.listing.event(
        change="deleted", kind="page", id=PAGE, source_id=PAGE, version="1", run=7
    ).told()
    assert told["type"] == "notion"
    fitting = []
    for type_ in SOURCE.event_types:
        try:
            type_.model_validate(told)
        except ValueError:
            continue
        fitting.append(type_)
    assert fitting == [SOURCE.listing.event]


def test_a_person_makes_the_subscription() -> None:
    assert SOURCE.subscribe is None
    said_ = SOURCE.by_hand.format(url="https://hooks.example.com/webhooks/notion/x")
    assert "https://hooks.example.com/webhooks/notion/x" in said_
    assert "\n" not in said_
