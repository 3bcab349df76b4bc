"""Recorded answers of Notion's, of all the versions of its API: each becomes what it is."""

from __future__ import annotations

from typing import Any

import pytest

from ingest.sources.notion.demo.shapes import in_block, in_database, in_page, rich
from tests.corpus import answers
from tests.corpus.recording import answered

ONE, TWO, THREE = (f"{digit * 8}-1111-4111-8111-111111111111" for digit in "123")
AT = "2026-03-01T08:00:00.000Z"


def object_of(kind: str, id_: str, **more: Any) -> dict[str, Any]:
    told = {"object": kind, "id": id_, "created_time": AT, "last_edited_time": AT}
    return {**told, "parent": {"type": "workspace", "workspace": True}, **more}


def page(id_: str, title: str = "Lamp", **more: Any) -> dict[str, Any]:
    properties = {"Name": {"id": "title", "type": "title", "title": [rich(title)]}}
    return object_of("page", id_, properties=properties, **more)


def listed(*items: dict[str, Any], type_: str = "page_or_data_source", **more: Any) -> Any:
    told = {"object": "list", "results": [*items], "next_cursor": None, "has_more": False}
    return {**told, "type": type_, **more}


def end(body: object, path: str = "", status: int | None = 200, **about: str) -> answers.AnswerEnd:
    return answers.read_one(answered("notion", path, body, status, **about))


def test_an_object_is_the_same_whatever_it_answers() -> None:
    """Printed in the documents, made, changed, or thrown away, by either name of the trash."""
    assert end(page(ONE), status=None).documents == 1
    assert end(page(ONE), "/v1/pages", method="POST").documents == 1
    assert end(page(ONE, archived=False), f"/v1/pages/{ONE}", method="PATCH").documents == 1
    gone = end(page(ONE, in_trash=True), f"/v1/pages/{ONE}", method="PATCH")
    assert (gone.end, gone.documents, gone.faults) == ("read", 0, ())
    assert end(page(ONE, archived=True)).documents == 0


def test_a_table_among_the_rows_of_a_wiki_is_no_page() -> None:
    table = object_of("data_source", TWO, title=[rich("Bulbs")], properties={})
    table["parent"] = {"type": "database_id", "database_id": THREE}
    row = page(ONE, parent=in_database(THREE, TWO))
    found = end(listed(row, table), f"/v1/data_sources/{TWO}/query", method="POST")
    assert (found.end, found.faults) == ("read", ())


def test_what_a_search_of_an_older_version_tells_of_databases_is_looked_up() -> None:
    database = object_of("database", TWO, title=[rich("Bulbs")], properties={"Name": {}})
    found = end(listed(page(ONE), database, type_="page_or_database"), status=None)
    assert (found.kind, found.documents, found.faults) == ("search", 2, ())


def test_a_page_that_is_told_by_its_id_alone_is_none() -> None:
    found = end(listed(page(ONE), {"object": "page", "id": TWO}), "/v1/search", method="POST")
    assert (found.end, found.documents, found.faults) == ("read", 1, ())


def test_a_list_that_says_that_it_is_cut_off_is_read_as_far_as_it_goes() -> None:
    cut = {"type": "incomplete", "incomplete_reason": "query_result_limit_reached"}
    body = listed(page(ONE, parent=in_database(THREE, TWO)), request_status=cut)
    found = end(body, f"/v1/data_sources/{TWO}/query", method="POST")
    assert (found.end, found.faults) == ("read", ())


@pytest.mark.parametrize("type_", ["paragraph", "child_page", "unsupported", "tab", "made_up"])
def test_a_block_of_any_type_stands_in_a_page(type_: str) -> None:
    block = object_of("block", ONE, type=type_, has_children=True, parent=in_block(TWO))
    block[type_] = {"title": "Lamp"} if type_ == "child_page" else {"rich_text": [rich("Lit.")]}
    assert end(block, f"/v1/blocks/{ONE}").faults == ()
    body = listed(block, block, type_="block", has_more=True, next_cursor="next")
    found = end(body, f"/v1/blocks/{THREE}/children?page_size=2")
    assert (found.documents, found.faults) == (1, ())


def test_comments_are_read_by_themselves_and_in_the_list_of_their_page() -> None:
    comment = object_of("comment", ONE, rich_text=[rich("Lit.")], discussion_id=TWO)
    comment["parent"] = in_page(THREE)
    assert end(comment, f"/v1/comments/{ONE}").documents == 1
    found = end(listed(comment, type_="comment"), f"/v1/comments?block_id={THREE}")
    assert (found.documents, found.faults) == (1, ())


def test_a_property_that_a_page_cuts_off_is_completed() -> None:
    item = {"object": "property_item", "id": "title", "type": "title", "title": rich("A lamp")}
    body = listed(item, type_="property_item", property_item={"id": "title", "type": "title"})
    found = end(body, f"/v1/pages/{ONE}/properties/title")
    assert (found.end, found.documents, found.faults) == ("read", 1, ())


@pytest.mark.parametrize(
    ("status", "more", "ending"),
    [
        (400, {"code": "validation_error"}, "nothing said"),
        (401, {"code": "unauthorized"}, "Refused"),
        (403, {"code": "restricted_resource"}, "Refused"),
        (404, {"code": "object_not_found"}, "gone"),
        (409, {"code": "conflict_error"}, "TransientError"),
        (429, {"code": "rate_limited"}, "RateLimited"),
        (
            429,
            {"additional_data": {"rate_limit_reason": "public_api_request_blocked"}},
            "Refused",
        ),
        (529, {"code": "service_overload"}, "TransientError"),
    ],
)
def test_a_refusal_means_what_it_says(status: int, more: dict[str, Any], ending: str) -> None:
    body = {"object": "error", "status": status, "message": "no", **more}
    found = end(body, f"/v1/pages/{ONE}", status)
    assert (found.end, found.faults) == (ending, ())


@pytest.mark.parametrize("kind", ["view", "file_upload", "async_task", "page_markdown"])
def test_what_no_client_asks_for_is_said_to_be_that(kind: str) -> None:
    assert end(object_of(kind, ONE)).end == answers.NOT_ASKED
    assert end(page("id-of-a-page")).end == answers.NOT_ASKED
