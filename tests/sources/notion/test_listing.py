"""A listing of Notion's tells what look-ups tell, of everything, a bounded page at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from ingest.core.changes import Delete, Upsert
from ingest.core.errors import BadPayload, PermanentError, RateLimited, Refused, TransientError
from ingest.core.values import JSON
from ingest.sources.access import Access
from ingest.sources.contract import Lookup
from ingest.sources.listing import MOST_CALLS, PageRequest
from ingest.sources.notion import walk
from ingest.sources.notion.client import NotionClient, connect
from ingest.sources.notion.demo.fake import Notion
from ingest.sources.notion.demo.shapes import block, error, in_page, limited, rich
from ingest.sources.notion.documents import documents
from ingest.testing.fakes import Answer, Asked, Fake, Trouble, serving
from tests.sources.notion.deliveries import AT, LATER, NOW, PAGE, SCOPE, identity, uid
from tests.sources.notion.workspace import (
    ALONE,
    ARCHIVED,
    CONNECTION,
    CREWS,
    DEEP,
    GUIDE,
    HIDDEN,
    HOME,
    OLD,
    ON_BLOCK,
    ON_PAGE,
    ON_ROW,
    ON_SECRET,
    RESOLVED,
    ROWS,
    SECRET,
    SHIFT,
    THROWN,
    TRAINS,
    Failing,
    Walked,
    connection,
    inhabited,
    said,
    stands_for,
    steps,
    walked,
)

EVERYTHING = {
    *(TRAINS, CREWS, HIDDEN, OLD),
    *(HOME, GUIDE, DEEP, ALONE, THROWN),
    *ROWS,
    *(ARCHIVED, SHIFT, SECRET),
}
COMMENTS = {ON_PAGE, ON_ROW, ON_BLOCK, ON_SECRET}


@pytest.fixture(scope="module")
def served() -> Iterator[Fake]:
    with serving(Notion()) as fake:
        yield fake


@pytest.fixture
def notion(served: Fake) -> Notion:
    """The inhabited workspace on the running server."""
    served.provider = made = inhabited()
    served.requests.clear()
    served.troubles.clear()
    return made


def connected(served: Fake, metadata: Mapping[str, JSON] = CONNECTION) -> NotionClient:
    return connect(Access(served.url, served.provider.token, metadata, lambda: NOW))


@pytest.fixture
def client(served: Fake, notion: Notion) -> Iterator[NotionClient]:
    made = connected(served)
    yield made
    made.close()


def test_a_full_listing_tells_everything(client: NotionClient) -> None:
    found = walked(steps(client, "pages"))
    assert found.ids == EVERYTHING
    assert found.gaps == []
    assert {identity.id for identity, times in found.times.items() if times > 1} <= {HOME}
    assert walked(steps(client, "comments")).ids == COMMENTS


@pytest.mark.parametrize("metadata", [CONNECTION, connection(TRAINS, HIDDEN)])
@pytest.mark.parametrize("page_size", [1, 3, 100])
def test_a_list_says_what_a_look_up_says(
    served: Fake, notion: Notion, page_size: int, metadata: Mapping[str, JSON]
) -> None:
    notion.page_size = page_size
    asking = connected(served, metadata)
    for resource in ("pages", "comments"):
        for one in walked(steps(asking, resource, metadata=metadata)).listed.values():
            lookup = Lookup(one.identity, {"page": HOME} if resource == "comments" else {})
            seen = asking.fetch_one(lookup)
            assert isinstance(seen.raw, dict)
            told = Lookup(one.identity, raw=seen.raw, connection=metadata)
            assert said(one, metadata) == documents(told)
    asking.close()


def test_what_is_in_the_trash_is_told_to_be_deleted(client: NotionClient) -> None:
    found = walked(steps(client, "pages")).listed
    for kind, id_ in (("page", THROWN), ("database", OLD)):
        (change,) = said(found[identity(kind, id_)], CONNECTION)
        assert isinstance(change, Delete)


def test_what_is_in_the_trash_with_its_page_is_not_told_to_be_deleted(
    notion: Notion, client: NotionClient
) -> None:
    """It was not thrown away itself, and comes back with its page."""
    notion.trash(GUIDE, at=LATER)
    found = walked(steps(client, "pages")).ids
    assert GUIDE in found
    assert DEEP not in found
    notion.unindexed.clear()
    notion.trash(TRAINS, at=LATER)
    found = walked(steps(client, "pages")).ids
    assert TRAINS in found
    assert found.isdisjoint({DEEP, *ROWS})
    notion.restore(GUIDE, at=LATER)
    notion.restore(TRAINS, at=LATER)
    assert walked(steps(client, "pages")).ids == EVERYTHING


def test_an_archived_page_is_a_document(client: NotionClient) -> None:
    found = walked(steps(client, "pages")).listed
    (change,) = said(found[identity("page", ARCHIVED)], CONNECTION)
    assert isinstance(change, Upsert)


def test_a_choice_of_databases_leaves_the_rows_of_others_out(served: Fake, notion: Notion) -> None:
    metadata = connection(TRAINS)
    asking = connected(served, metadata)
    found = walked(steps(asking, "pages", metadata=metadata))
    others = {CREWS, HIDDEN, OLD, SHIFT, SECRET}
    assert found.ids == EVERYTHING - others
    assert walked(steps(asking, "comments", metadata=metadata)).ids == COMMENTS - {ON_SECRET}
    assert not served.asked_for(f"/databases/{CREWS}")
    asking.close()


def test_a_resolved_comment_is_not_listed_and_still_there(client: NotionClient) -> None:
    assert RESOLVED not in walked(steps(client, "comments")).ids
    assert client.fetch_one(Lookup(identity("comment", RESOLVED))).raw is not None


def test_a_page_costs_a_request_or_two_and_a_page_of_ours_some_twenty(
    served: Fake, notion: Notion, client: NotionClient
) -> None:
    for number in range(300):
        id_ = uid(f"many/{number}")
        blocks = [block("paragraph", rich(f"said {number}"))]
        notion.put_page(id_, f"Page {number}", at=AT, parent=in_page(HOME), blocks=blocks)
    before, most = 0, 0
    found = walked(())
    for page in steps(client, "pages"):
        found.add(page)
        most, before = max(most, len(served.requests) - before), len(served.requests)
    assert len(found.listed) == 300 + len(EVERYTHING)
    assert len(served.requests) / len(found.listed) < 1.3
    assert most <= MOST_CALLS + 10


def test_a_comment_costs_a_request_for_each_page_and_block(
    served: Fake, notion: Notion, client: NotionClient
) -> None:
    walked(steps(client, "comments"))
    asked = [one.one("block_id") for one in served.asked_for("/comments")]
    places = {*notion.pages, *notion.databases, *notion.blocks}
    assert len(asked) == len(set(asked))
    assert set(asked) <= places
    assert {HOME, GUIDE, DEEP, *ROWS, *notion.block_ids(HOME), *notion.block_ids(GUIDE)} - {
        CREWS
    } <= set(asked)


def test_a_page_of_too_many_requests_is_looked_up_and_its_pages_are_found(
    served: Fake, notion: Notion, client: NotionClient
) -> None:
    inner = stands_for("page", PAGE, "Within")
    toggles = [
        block("toggle", rich(str(n)), children=[inner if n == 70 else block("quote", rich("x"))])
        for n in range(71)
    ]
    notion.put_page(uid("long"), "Long", at=AT, blocks=toggles)
    notion.put_page(PAGE, "Within", at=AT, parent=in_page(uid("long")))
    notion.unindexed.add(PAGE)
    before, most = 0, 0
    found = walked(())
    for page in steps(client, "pages"):
        found.add(page)
        most, before = max(most, len(served.requests) - before), len(served.requests)
    assert [one.id for one in found.wanted] == [uid("long")]
    assert found.ids == EVERYTHING | {uid("long"), PAGE}
    assert most <= MOST_CALLS + walk.LONGEST


@pytest.mark.parametrize("resource", ["pages", "comments"])
def test_a_run_goes_on_wherever_it_failed(
    served: Fake, notion: Notion, client: NotionClient, resource: str
) -> None:
    """The page is asked for again as a whole, by another process, with the cursor before it."""
    notion.page_size = 3
    whole = walked(steps(client, resource))
    for number in range(1, notion.calls, 11):
        served.provider = Failing(notion, number)
        found, cursor, failures = walked(()), None, 0
        for _ in range(1_000):
            elsewhere = connected(served)
            try:
                page = next(steps(elsewhere, resource, cursor=cursor))
            except TransientError:
                failures += 1
                continue
            finally:
                elsewhere.close()
            found.add(page)
            cursor = page.cursor
            if cursor is None:
                break
        # Where it was a property that failed, its row is looked up by itself.
        assert failures == 1 or ROWS[0] in {one.id for one in found.wanted}
        assert found.ids == whole.ids


def patiently(client: NotionClient, resource: str) -> Walked:
    """A list to its end, by a run that asks again for what fails for the moment."""
    found, cursor = walked(()), None
    for _ in range(1_000):
        try:
            page = next(steps(client, resource, cursor=cursor))
        except TransientError:
            continue
        found.add(page)
        cursor = page.cursor
        if cursor is None:
            return found
    raise AssertionError("no end")


@pytest.mark.parametrize("resource", ["pages", "comments"])
def test_a_cursor_that_is_not_known_any_more_begins_a_list_again(
    notion: Notion, client: NotionClient, resource: str
) -> None:
    whole = patiently(client, resource)
    total = notion.calls
    notion.page_size = 2

    def age() -> None:
        notion.cursors_age += 1

    for number in range(1, total, 7):
        notion.calls = 0
        notion.during = {number: age}
        found = patiently(client, resource)
        assert found.ids == whole.ids
        assert found.gaps == []


def test_cursors_that_are_never_known_are_a_gap(notion: Notion, client: NotionClient) -> None:
    notion.page_size = 4

    def age() -> None:
        notion.cursors_age += 1

    notion.during = dict.fromkeys(range(1, 2_000), age)
    assert any("cursors" in gap for gap in patiently(client, "comments").gaps)


@pytest.mark.parametrize("resource", ["pages", "comments"])
@pytest.mark.parametrize(
    ("answer", "meaning"),
    [
        (error(401, "unauthorized", "x"), Refused),
        (error(403, "restricted_resource", "x"), Refused),
        (error(400, "validation_error", "x"), PermanentError),
        (limited(3), RateLimited),
        (error(503, "service_unavailable", "x"), TransientError),
        (Answer(200, {"object": "list", "results": None}), BadPayload),
        (Answer(200, {"object": "list", "results": [], "has_more": True}), BadPayload),
        (Answer(200, b"<html>"), BadPayload),
    ],
)
def test_an_answer_that_is_no_list_is_an_error(
    served: Fake,
    notion: Notion,
    client: NotionClient,
    resource: str,
    answer: Answer,
    meaning: type[Exception],
) -> None:
    served.troubles.append(Trouble(answer, path="/search"))
    with pytest.raises(meaning):
        walked(steps(client, resource))


def test_an_empty_listing_proves_its_token(served: Fake, client: NotionClient) -> None:
    served.provider = Notion()
    found = walked(steps(client, "pages"))
    assert found.ids == set()
    assert [gap for gap in found.gaps if "share" in gap]
    served.troubles.append(Trouble(error(401, "unauthorized", "x"), path="/users/me"))
    with pytest.raises(Refused):
        walked(steps(client, "pages"))


def test_a_token_of_another_workspace_is_refused(notion: Notion, client: NotionClient) -> None:
    """All that it shows would be told as the connection's."""
    notion.workspace_id = SCOPE
    assert walked(steps(client, "pages")).ids == EVERYTHING
    notion.workspace_id = uid("another workspace")
    for resource in ("pages", "comments"):
        with pytest.raises(Refused, match="another workspace"):
            walked(steps(client, resource))


@pytest.mark.parametrize("part", ["page", "data_source"])
def test_what_a_list_gives_no_more_of_than_an_id_is_read_by_it(
    served: Fake, notion: Notion, client: NotionClient, part: str
) -> None:
    """`PartialPageObjectResponse` and `PartialDataSourceObjectResponse`."""
    results = [{"object": part, "id": id_} for id_ in (HOME, ROWS[3], THROWN)]
    told = {"object": "list", "results": results, "has_more": False, "next_cursor": None}
    served.troubles.append(Trouble(Answer(200, told), path="/search"))
    assert walked(steps(client, "pages")).ids >= {HOME, ROWS[3]}
    served.troubles.append(Trouble(Answer(200, told), path="/search"))
    assert walked(steps(client, "comments")).ids == COMMENTS


def test_an_integration_that_may_not_read_comments_says_so(
    served: Fake, notion: Notion, client: NotionClient
) -> None:
    notion.is_mute = True
    found = walked(steps(client, "comments"))
    assert found.ids == set()
    assert any("comments" in gap for gap in found.gaps)
    assert len(served.asked_for("/comments")) == 1


def test_a_table_that_is_not_shown_is_a_gap_and_one_that_is_gone_is_none(
    served: Fake, notion: Notion, client: NotionClient
) -> None:
    served.troubles.append(Trouble(error(404, "object_not_found", "x"), path="/query"))
    assert walked(steps(client, "pages")).gaps == []
    served.troubles.append(Trouble(error(403, "restricted_resource", "x"), path="/query"))
    (gap,) = walked(steps(client, "pages")).gaps
    assert "rows" in gap


def test_a_page_that_went_while_it_was_listed_is_looked_up(
    served: Fake, notion: Notion, client: NotionClient
) -> None:
    gone = error(404, "object_not_found", "x")
    served.troubles.append(Trouble(gone, path=f"/blocks/{GUIDE}/children"))
    found = walked(steps(client, "pages"))
    assert [one.id for one in found.wanted] == [GUIDE]
    assert found.wanted[identity("page", GUIDE)].hint == {"parent": {"type": "page", "id": HOME}}


@pytest.mark.parametrize("version", ["2025-09-03", "2026-03-11"])
def test_both_versions_of_the_api_are_read_alike(
    served: Fake, notion: Notion, version: str
) -> None:
    asking = connected(served)
    asking.api.headers = {**asking.api.headers, "notion-version": version}
    found = walked(steps(asking, "pages"))
    assert found.ids == EVERYTHING
    raws = [one.raw for one in found.listed.values() if one.identity.id == HOME]
    assert ("'archived'" in str(raws)) is (version == "2025-09-03")
    asking.close()


def test_there_is_no_list_of_other_things(served: Fake, client: NotionClient) -> None:
    request = PageRequest("views", None, NOW, connection=CONNECTION)
    with pytest.raises(PermanentError):
        client.list_page(request)
    assert served.requests == []


def test_a_cursor_of_another_version_of_ours_begins_the_listing_again(
    client: NotionClient,
) -> None:
    assert walked(steps(client, "pages", cursor={"form": 99})).ids == EVERYTHING
    assert walked(steps(client, "pages", cursor={"form": 1, "began": 7})).ids == EVERYTHING


def test_every_request_of_a_listing_is_one_that_reads(
    served: Fake, notion: Notion, client: NotionClient
) -> None:
    walked(steps(client, "pages"))
    walked(steps(client, "comments"))
    posted: list[Asked] = [one for one in served.requests if one.method != "GET"]
    assert {one.path.rpartition("/")[2] for one in posted} == {"search", "query"}
