"""The way up from a block or a table to the page or database that it stands in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ingest.core.errors import BadPayload
from ingest.core.values import JSON
from ingest.sources.contract import Lookup
from ingest.sources.notion.demo.fake import Notion
from ingest.sources.notion.demo.shapes import block, in_block, in_page, rich
from ingest.sources.notion.reading import Reading
from ingest.testing.fakes import Answer, Fake, Trouble, serving
from tests.sources.notion.deliveries import (
    AT,
    BLOCK,
    COMMENT,
    DATABASE,
    LATER,
    OTHER,
    PAGE,
    SOURCE,
    client,
    deletion,
    document,
    identity,
    meant,
    seen,
)


@pytest.fixture(scope="module")
def served() -> Iterator[Fake]:
    with serving(Notion()) as fake:
        yield fake


@pytest.fixture
def notion(served: Fake) -> Notion:
    served.provider = made = Notion()
    served.requests.clear()
    served.troubles.clear()
    return made


def above(fake: Fake, parent: JSON) -> JSON:
    connected = client(fake)
    try:
        reading = Reading(connected.api)
        found = reading.parent(parent)
        assert reading.parent(parent) == found
        return found
    finally:
        connected.close()


def test_a_block_that_is_a_page_is_that_page(served: Fake, notion: Notion) -> None:
    notion.put_page(PAGE, "x", at=AT)
    notion.put_database(DATABASE, "x", at=AT, sources={SOURCE: "x"})
    assert above(served, in_block(PAGE)) == {"type": "page", "id": PAGE}
    assert above(served, in_block(DATABASE)) == {"type": "database", "id": DATABASE}


def test_a_way_is_gone_once(served: Fake, notion: Notion) -> None:
    notion.put_page(PAGE, "x", at=AT, blocks=[{**block("toggle", rich("x")), "id": BLOCK}])
    assert above(served, in_block(BLOCK)) == {"type": "page", "id": PAGE}
    assert len(served.requests) == 1


def test_a_way_in_a_circle_leads_nowhere(served: Fake, notion: Notion) -> None:
    notion.put_page(PAGE, "x", at=AT, blocks=[{**block("toggle", rich("x")), "id": BLOCK}])
    notion.blocks[BLOCK]["parent"] = in_block(BLOCK)
    assert above(served, in_block(BLOCK)) is None


@pytest.mark.parametrize(
    "parent", [None, 7, {}, {"type": "workspace", "workspace": True}, {"block_id": "x"}]
)
def test_who_names_no_place_stands_nowhere(served: Fake, notion: Notion, parent: JSON) -> None:
    assert above(served, parent) is None
    assert served.requests == []


def test_a_child_of_what_is_in_the_trash_is_in_it(served: Fake, notion: Notion) -> None:
    notion.put_page(OTHER, "Above", at=AT)
    notion.put_page(PAGE, "Below", at=AT, parent=in_page(OTHER))
    before = document(served, "page", PAGE)
    notion.trash(OTHER, at=LATER)
    assert deletion(served, "page", PAGE).version == before.version
    notion.restore(OTHER, at=LATER)
    notion.edit_page(PAGE, at=LATER, title="Again")
    assert document(served, "page", PAGE).title == "Again"


def test_a_comment_that_is_edited_is_the_same_one(served: Fake, notion: Notion) -> None:
    notion.put_page(PAGE, "x", at=AT)
    notion.put_comment(COMMENT, in_page(PAGE), rich("a"), at=AT)
    before = document(served, "comment", COMMENT)
    notion.edit_comment(COMMENT, rich("b"), at=LATER)
    after = document(served, "comment", COMMENT)
    assert (after.identity, after.body) == (before.identity, "b")
    assert after.version > before.version


def test_a_comment_on_a_database_is_its_child(served: Fake, notion: Notion) -> None:
    notion.put_comment(COMMENT, {"type": "database_id", "database_id": DATABASE}, at=AT)
    connected = client(served, {"databaseIds": [DATABASE]})
    change = meant(connected.fetch_one(Lookup(identity("comment", COMMENT))), "comment", COMMENT)
    connected.close()
    assert getattr(change, "parent", None) == identity("database", DATABASE)
    assert getattr(change, "labels", None) == {DATABASE}


def test_an_answer_that_is_no_list_is_refused_however_deep(served: Fake, notion: Notion) -> None:
    inner = block("toggle", rich("x"), children=[block("quote", rich("x"))])
    notion.put_page(PAGE, "x", at=AT, blocks=[{**inner, "id": BLOCK}])
    served.troubles.append(Trouble(Answer(200, {}), path=f"/blocks/{BLOCK}/children"))
    with pytest.raises(BadPayload):
        seen(served, "page", PAGE)
