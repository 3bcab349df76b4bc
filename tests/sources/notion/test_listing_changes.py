"""What moves while Notion is listed, and what a listing since a time finds and cannot find."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial

import pytest

from ingest.core.changes import Delete, Upsert
from ingest.core.times import iso, parse_time
from ingest.core.values import JSON
from ingest.sources.access import Access
from ingest.sources.notion import SOURCE, walk
from ingest.sources.notion.client import NotionClient, connect
from ingest.sources.notion.demo.fake import Notion
from ingest.sources.notion.demo.shapes import block, in_database, in_page, rich
from ingest.sources.notion.list_pages import MOST_KNOWN
from ingest.sources.notion.progress import Progress
from ingest.testing.fakes import Fake, serving
from tests.sources.notion.deliveries import identity, uid
from tests.sources.notion.workspace import (
    ALONE,
    ARCHIVED,
    CONNECTION,
    CREWS,
    DEEP,
    GUIDE,
    HOME,
    LINES,
    ON_PAGE,
    ROWS,
    SHIFTS,
    STOPS,
    THROWN,
    TRAINS,
    Walked,
    connection,
    inhabited,
    said,
    steps,
    walked,
)

BEGAN = datetime.fromisoformat("2026-03-03T12:00:40Z")
SOON = "2026-03-03T12:01:10Z"
NEW = uid("pages/new")


def before(minutes: float) -> str:
    return iso(BEGAN - timedelta(minutes=minutes))


@pytest.fixture(scope="module")
def served() -> Iterator[Fake]:
    with serving(Notion()) as fake:
        yield fake


@pytest.fixture
def notion(served: Fake) -> Notion:
    served.provider = made = inhabited()
    served.requests.clear()
    return made


@pytest.fixture
def client(served: Fake, notion: Notion) -> Iterator[NotionClient]:
    made = connect(Access(served.url, notion.token, CONNECTION, lambda: BEGAN))
    yield made
    made.close()


def run(
    client: NotionClient,
    *,
    since: datetime | None = None,
    kept: JSON = None,
    made_by: str = "v1",
    at: datetime = BEGAN,
) -> Walked:
    return walked(steps(client, "pages", since=since, kept=kept, sent_at=at, made_by=made_by))


@pytest.mark.parametrize("page_size", [1, 2, 100])
@pytest.mark.parametrize("resource", ["pages", "comments"])
def test_what_is_not_touched_is_never_passed_over(
    served: Fake, notion: Notion, client: NotionClient, page_size: int, resource: str
) -> None:
    """At each request something is edited, made, thrown away or destroyed."""
    whole = walked(steps(client, resource)).ids
    for number in range(1, notion.calls, 11):
        served.provider = moving = inhabited(page_size)
        touched = {ROWS[0], ROWS[6], ALONE, NEW}

        moving.during = {number: partial(_happen, moving)}
        assert walked(steps(client, resource)).ids >= whole - touched


def _happen(notion: Notion) -> None:
    notion.edit_page(ROWS[0], at=SOON, title="Edited")
    notion.destroy(ROWS[6])
    notion.trash(ALONE, at=SOON)
    notion.put_page(NEW, "New", at=SOON, parent=in_database(TRAINS, LINES))


def test_a_listing_since_a_time_tells_what_moved(notion: Notion, client: NotionClient) -> None:
    since = BEGAN - timedelta(minutes=30)
    assert run(client, since=since).ids == set()
    said_now = [block("paragraph", rich("now"))]
    notion.edit_page(GUIDE, at=before(20), blocks=said_now)
    notion.edit_page(ROWS[2], at=before(29.9), title="Renamed")
    notion.put_page(NEW, "New", at=before(1), parent=in_page(HOME))
    notion.edit_database(CREWS, "Night crews", at=before(3))
    notion.trash(ALONE, at=before(2))
    found = run(client, since=since)
    assert found.ids == {GUIDE, ROWS[2], NEW, CREWS, ALONE}
    (gone,) = said(found.listed[identity("page", ALONE)], CONNECTION)
    assert isinstance(gone, Delete)


def test_a_minute_is_listed_whole(notion: Notion, client: NotionClient) -> None:
    """Times are rounded down: what moved in the minute of the beginning may have moved after it."""
    since = parse_time("2026-03-03T11:45:50Z")
    notion.edit_page(GUIDE, at="2026-03-03T11:45:59Z", title="Guide 2")
    assert run(client, since=since).ids == {GUIDE}


def test_rows_that_the_search_does_not_tell_are_asked_for_by_table(
    notion: Notion, client: NotionClient
) -> None:
    notion.edit_page(ROWS[3], at=before(5), title="Renamed")
    assert ROWS[3] in notion.unindexed
    assert run(client, since=BEGAN - timedelta(minutes=30)).ids == {ROWS[3]}


def test_a_page_is_found_in_the_page_that_it_was_made_in(
    notion: Notion, client: NotionClient
) -> None:
    inside = {**block("child_page", title="New"), "id": NEW}
    notion.edit_page(GUIDE, at=before(5), blocks=[inside])
    notion.put_page(NEW, "New", at=before(5), parent=in_page(GUIDE))
    notion.unindexed.add(NEW)
    assert run(client, since=BEGAN - timedelta(minutes=30)).ids == {GUIDE, NEW}


def test_tables_are_asked_for_up_to_a_bound(
    served: Fake, notion: Notion, client: NotionClient
) -> None:
    for number in range(walk.MOST_TABLES + 20):
        name = uid(f"many/{number}")
        tables = {uid(f"tables/{number}"): "x"}
        notion.put_database(name, "x", at="2026-03-01T00:00:00Z", sources=tables)
    run(client, since=BEGAN - timedelta(minutes=30))
    assert len(served.asked_for("/query")) == walk.MOST_TABLES


def test_a_listing_since_a_time_that_finds_nothing_costs_a_few_requests(
    served: Fake, notion: Notion, client: NotionClient
) -> None:
    assert run(client, since=BEGAN).ids == set()
    # tables, pages, trash; and the rows of each of the tables that the search tells
    assert len(served.requests) <= 3 + 3 + 1


def test_what_was_read_just_before_is_present_and_not_read_again(
    served: Fake, notion: Notion, client: NotionClient
) -> None:
    notion.edit_page(GUIDE, at=before(10), title="Guide 2")
    first = run(client, since=BEGAN - timedelta(minutes=30))
    assert {one.id for one in first.listed} == {GUIDE}
    served.requests.clear()
    again = run(client, since=BEGAN - timedelta(minutes=15), kept=first.kept)
    assert (again.listed, again.present) == ({}, {identity("page", GUIDE)})
    assert not served.asked_for("/blocks/")
    assert run(client, since=BEGAN - timedelta(minutes=15), kept=again.kept).present
    notion.edit_page(GUIDE, at=before(10), properties={"x": {"id": "x", "type": "url", "url": "u"}})
    assert run(client, since=BEGAN - timedelta(minutes=15), kept=first.kept).listed


def test_nothing_is_left_out_where_others_make_the_documents_or_all_is_listed(
    notion: Notion, client: NotionClient
) -> None:
    notion.edit_page(GUIDE, at=before(10), title="Guide 2")
    first = run(client, since=BEGAN - timedelta(minutes=30))
    since = BEGAN - timedelta(minutes=15)
    assert run(client, since=since, kept=first.kept, made_by="v2").listed
    assert identity("page", GUIDE) in run(client, kept=first.kept).listed


def test_what_is_edited_this_very_minute_is_read_again(
    notion: Notion, client: NotionClient
) -> None:
    notion.edit_page(GUIDE, at=before(1), title="Guide 2")
    first = run(client, since=BEGAN - timedelta(minutes=30))
    notion.edit_page(GUIDE, at=before(1), blocks=[block("paragraph", rich("once more"))])
    again = run(client, since=BEGAN - timedelta(minutes=15), kept=first.kept)
    (change,) = said(again.listed[identity("page", GUIDE)], CONNECTION)
    assert isinstance(change, Upsert)
    assert change.body == "once more"


def test_what_is_kept_is_bounded_and_lasts_no_longer_than_it_is_needed(
    notion: Notion, client: NotionClient
) -> None:
    known = {uid(f"many/{number}"): "x" for number in range(MOST_KNOWN)}
    told = Progress(BEGAN, [["pages", None]], known=known).told()
    notion.edit_page(GUIDE, at=before(10), title="Guide 2")
    kept = walked(steps(client, "pages", cursor=told, sent_at=BEGAN)).kept
    assert kept == {"made_by": "", "known": known}
    notion.edit_page(HOME, at=before(40), title="Home 2")
    kept = run(client, since=BEGAN - timedelta(minutes=60)).kept
    assert isinstance(kept, dict)
    assert isinstance(kept["known"], dict)
    assert set(kept["known"]) == {GUIDE}


def test_chosen_databases_are_read_and_their_rows_since_a_time(
    served: Fake, notion: Notion
) -> None:
    metadata = connection(CREWS)
    asking = connect(Access(served.url, notion.token, metadata, lambda: BEGAN))
    notion.edit_page(ROWS[2], at=before(5), title="Not ours")
    notion.edit_page(DEEP, at=before(5), title="Ours, and not in the search")
    notion.edit_page(HOME, at=before(5), title="Ours")
    since = BEGAN - timedelta(minutes=30)
    found = walked(steps(asking, "pages", metadata=metadata, since=since, sent_at=BEGAN))
    assert found.ids == {CREWS, HOME}
    assert [one.path for one in served.asked_for("/query")] == [f"/v1/data_sources/{SHIFTS}/query"]
    asking.close()


def test_a_page_comes_back_from_the_trash_by_a_full_listing(
    notion: Notion, client: NotionClient
) -> None:
    notion.restore(THROWN, at=before(100))
    (change,) = said(run(client).listed[identity("page", THROWN)], CONNECTION)
    assert isinstance(change, Upsert)


def test_comments_do_not_move_their_page(notion: Notion, client: NotionClient) -> None:
    """So they are a list of their own, which narrows by nothing."""
    notion.edit_comment(ON_PAGE, rich("anew"), at=before(2))
    assert run(client, since=BEGAN - timedelta(minutes=30)).ids == set()
    assert SOURCE.listing is not None
    comments = SOURCE.listing.resource("comments")
    assert comments is not None
    assert not comments.narrows
    found = walked(steps(client, "comments")).listed[identity("comment", ON_PAGE)]
    (change,) = said(found, CONNECTION)
    assert isinstance(change, Upsert)
    assert change.body == "anew"


@pytest.mark.parametrize("table", [LINES, STOPS])
def test_a_table_is_asked_for_archived_rows_apart(
    served: Fake, notion: Notion, client: NotionClient, table: str
) -> None:
    found = run(client)
    assert identity("page", ARCHIVED) in found.listed
    asked = [one.body.get("is_archived") for one in served.asked_for(f"{table}/query")]
    assert asked == [None, True]
