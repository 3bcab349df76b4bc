"""Lists that end at ten thousand go on elsewhere, or say that they do not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ingest.core.values import JSON
from ingest.sources.access import Access
from ingest.sources.notion.client import NotionClient, connect
from ingest.sources.notion.demo.fake import Notion
from ingest.sources.notion.demo.shapes import in_database
from ingest.sources.notion.progress import MOST_SEEN, Progress, Seen
from ingest.testing.fakes import Fake, serving
from tests.sources.notion.deliveries import AT, DATABASE, NOW, SOURCE, uid
from tests.sources.notion.workspace import CONNECTION, steps, walked


@pytest.fixture(scope="module")
def served() -> Iterator[Fake]:
    with serving(Notion()) as fake:
        yield fake


@pytest.fixture
def notion(served: Fake) -> Notion:
    served.provider = made = Notion(page_size=100)
    served.requests.clear()
    return made


@pytest.fixture
def client(served: Fake, notion: Notion) -> Iterator[NotionClient]:
    made = connect(Access(served.url, notion.token, CONNECTION, lambda: NOW))
    yield made
    made.close()


def minute(number: int) -> str:
    return f"2026-03-02T{8 + number // 60:02}:{number % 60:02}:00Z"


def fill(notion: Notion, rows: int, *, a_minute: int) -> set[str]:
    """A table of so many rows, so many of them made in each minute."""
    notion.put_database(DATABASE, "Trains", at=AT, sources={SOURCE: "Trains"})
    ids = [uid(f"rows/{number}") for number in range(rows)]
    for number, id_ in enumerate(ids):
        at = minute(number // a_minute)
        notion.put_page(id_, "x", at=at, parent=in_database(DATABASE, SOURCE))
    notion.unindexed |= {*ids}
    return {*ids}


@pytest.mark.parametrize("page_size", [3, 100])
def test_a_table_that_ends_early_goes_on_at_its_last_minute(
    notion: Notion, client: NotionClient, page_size: int
) -> None:
    ids = fill(notion, 57, a_minute=4)
    notion.most_rows, notion.page_size = 10, page_size
    found = walked(steps(client, "pages"))
    assert found.ids == ids | {DATABASE}
    assert found.gaps == []
    assert set(found.times.values()) == {1}


def test_more_rows_in_one_minute_than_a_query_tells_are_a_gap(
    notion: Notion, client: NotionClient
) -> None:
    fill(notion, 30, a_minute=15)
    notion.most_rows = 10
    found = walked(steps(client, "pages"))
    assert any("rows" in gap for gap in found.gaps)


def pages(notion: Notion, number: int) -> set[str]:
    ids = [uid(f"pages/{one}") for one in range(number)]
    for one, id_ in enumerate(ids):
        notion.put_page(id_, "x", at=minute(one))
    return {*ids}


@pytest.mark.parametrize("number", [11, 18, 19])
def test_a_search_that_ends_early_is_read_from_its_other_end(
    notion: Notion, client: NotionClient, number: int
) -> None:
    """Its ends have met where the other one tells what is newer than all that this one told."""
    ids = pages(notion, number)
    notion.most_found = 10
    found = walked(steps(client, "pages"))
    assert found.ids == ids
    assert (found.gaps == []) is (number < 19)


def test_a_search_whose_ends_do_not_meet_is_a_gap(notion: Notion, client: NotionClient) -> None:
    ids = pages(notion, 25)
    notion.most_found = 10
    found = walked(steps(client, "pages"))
    assert len(found.ids) == 20
    assert found.ids < ids
    assert any("before its end" in gap for gap in found.gaps)


def test_the_trash_may_end_early(notion: Notion, client: NotionClient) -> None:
    """What is absent is looked up in any case: the trash only tells it sooner."""
    for id_ in sorted(pages(notion, 15)):
        notion.trash(id_, at=AT)
    notion.most_found = 10
    found = walked(steps(client, "pages"))
    assert (len(found.ids), found.gaps) == (10, [])


def test_what_was_met_is_bounded_and_beyond_that_met_anew() -> None:
    seen = Seen({number.to_bytes(8, "big") for number in range(MOST_SEEN)})
    assert seen.add("one more")
    assert seen.add("one more")
    assert len(seen.told()) < 1_100_000


def test_a_cursor_is_plain_and_says_all(notion: Notion, client: NotionClient) -> None:
    fill(notion, 60, a_minute=5)
    notion.page_size = 7
    told: list[JSON] = [page.cursor for page in steps(client, "pages") if page.cursor is not None]
    assert told
    for cursor in told:
        read = Progress.read(cursor)
        assert read is not None
        assert read.told() == cursor
