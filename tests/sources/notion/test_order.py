"""With the workspace held still, any order of its events ends in the same documents."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.core.changes import Change, Delete, Refresh, Upsert
from ingest.core.identity import Identity
from ingest.core.ranks import TOLD, Seen, content, rank
from ingest.core.values import JSON
from ingest.sources.contract import Lookup
from ingest.sources.notion.client import NotionClient
from ingest.sources.notion.demo.fake import Notion
from ingest.sources.notion.demo.shapes import block, in_block, in_database, in_page, rich
from ingest.testing.fakes import Fake, serving
from tests.sources.notion.deliveries import (
    AT,
    BLOCK,
    COMMENT,
    DATABASE,
    LATER,
    NAMES,
    OTHER,
    PAGE,
    SOURCE,
    body,
    client,
    meant,
    said,
)

Known = dict[Identity, tuple[str, Change]]


@pytest.fixture(scope="module")
def served() -> Iterator[Fake]:
    notion = Notion()
    notion.put_page(OTHER, "Above", at=AT)
    notion.put_database(DATABASE, "Trains", at=AT, sources={SOURCE: "Trains"})
    notion.put_page(
        PAGE,
        "Timetable",
        at=AT,
        parent=in_database(DATABASE, SOURCE),
        blocks=[{**block("paragraph", rich("08:00")), "id": BLOCK}],
    )
    notion.move(PAGE, in_page(OTHER), at=LATER)
    notion.put_comment(COMMENT, in_block(BLOCK), rich("Is it late?"), at=LATER)
    with serving(notion) as fake:
        yield fake


def known_after(fake: Fake, names: Sequence[str]) -> Known:
    """The newest word of each object, after these deliveries in this order."""
    known: Known = {}

    def weigh(change: Change, place: str) -> None:
        if place > known.get(change.identity, ("",))[0]:
            known[change.identity] = place, change

    connected = client(fake)
    for fence, name in enumerate(names, 1):
        for told in said(body(name)).changes:
            if not isinstance(told, Refresh):
                weigh(told, rank(told, TOLD))
                continue
            change = looked_up(connected, told)
            weigh(change, rank(change, Seen(fence)))
    connected.close()
    return known


def looked_up(connected: NotionClient, refresh: Refresh) -> Change:
    """What a look-up comes to, also where it leads to another."""
    kind, id_ = refresh.identity.kind, refresh.identity.id
    found = meant(connected.fetch_one(Lookup(refresh.identity, refresh.hint)), kind, id_)
    return looked_up(connected, found) if isinstance(found, Refresh) else found


def contents(known: Known) -> dict[Identity, JSON]:
    return {identity: content(change) for identity, (_, change) in known.items()}


@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.permutations(NAMES), st.data())
def test_any_order_ends_in_the_same_documents(
    served: Fake, names: list[str], data: st.DataObject
) -> None:
    repeated = [*names, *data.draw(st.lists(st.sampled_from(NAMES), max_size=4))]
    assert contents(known_after(served, repeated)) == contents(known_after(served, NAMES))


def test_a_deleted_comment_stays_deleted_whenever_it_is_looked_up(served: Fake) -> None:
    for names in (["comment.deleted", "comment.created"], ["comment.created", "comment.deleted"]):
        ((_, change),) = known_after(served, names).values()
        assert isinstance(change, Delete)


def test_nothing_of_a_delivery_is_in_a_document(served: Fake) -> None:
    ((_, created),) = known_after(served, ["page.created"]).values()
    ((_, edited),) = known_after(served, ["page.content_updated"]).values()
    assert isinstance(created, Upsert)
    assert created == edited
