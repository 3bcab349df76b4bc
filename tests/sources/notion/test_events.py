"""What each kind of event asks for, and how it is recorded."""

from __future__ import annotations

import pytest

from ingest.core.changes import Delete, Refresh, Upsert
from ingest.core.errors import BadPayload
from ingest.sources.later import fresh
from ingest.sources.notion.normalise import again
from tests.sources.notion.deliveries import (
    BLOCK,
    COMMENT,
    DATABASE,
    OTHER,
    PAGE,
    SOURCE,
    asked,
    body,
    identity,
    said,
    uid,
)

APPEARS = (".created", ".undeleted")
COMES, GOES = fresh(is_there=True), fresh(is_there=False)
HINTED = {
    "page.created": COMES,
    "page.undeleted": COMES,
    "page.deleted": GOES,
    "database.created": COMES,
    "database.deleted": GOES,
    "data_source.created": COMES,
    "comment.created": COMES,
}
"""What may be shown for a moment as if it had not come, or not gone."""
IN_DATABASE = {"type": "database", "id": DATABASE}
IN_PAGE = {"type": "page", "id": OTHER}


@pytest.mark.parametrize(
    ("name", "kind", "id_", "hint"),
    [
        ("page.created", "page", PAGE, {"parent": IN_DATABASE}),
        ("page.content_updated", "page", PAGE, {"parent": IN_DATABASE}),
        ("page.properties_updated", "page", PAGE, {"parent": IN_DATABASE}),
        ("page.moved", "page", PAGE, {"parent": IN_PAGE}),
        ("page.deleted", "page", PAGE, {"parent": IN_PAGE}),
        ("page.undeleted", "page", PAGE, {"parent": IN_PAGE}),
        ("page.created.space", "page", OTHER, {}),
        (
            "page.transcription_block.transcript_deleted",
            "page",
            PAGE,
            {"parent": IN_PAGE},
        ),
        ("database.created", "database", DATABASE, {"parent": IN_PAGE}),
        ("database.deleted", "database", DATABASE, {"parent": IN_PAGE}),
        ("database.schema_updated", "database", DATABASE, {"parent": IN_PAGE}),
        (
            "data_source.content_updated",
            "database",
            DATABASE,
            {"parent": {"type": "data_source", "id": SOURCE}},
        ),
        ("data_source.created.space", "data_source", SOURCE, {}),
        (
            "comment.created",
            "comment",
            COMMENT,
            {"parent": {"type": "block", "id": BLOCK}, "page": PAGE},
        ),
        (
            "comment.updated",
            "comment",
            COMMENT,
            {"parent": {"type": "block", "id": BLOCK}, "page": PAGE},
        ),
    ],
)
def test_an_event_asks_for_the_object_that_it_names(
    name: str, kind: str, id_: str, hint: dict[str, object]
) -> None:
    refresh = asked(name)
    assert refresh.identity == identity(kind, id_)
    assert refresh.hint == {**hint, **HINTED.get(name.removesuffix(".space"), {})}
    assert (refresh.patience_s > 0) == name.removesuffix(".space").endswith(APPEARS)


def test_without_a_token_nothing_is_made_up_also_not_a_deletion() -> None:
    assert said(body("page.deleted")).untokened == ()


def test_a_deleted_comment_is_gone_for_good() -> None:
    (change,) = said(body("comment.deleted")).changes
    assert isinstance(change, Delete)
    assert change.identity == identity("comment", COMMENT)
    assert change.final


@pytest.mark.parametrize("name", ["page.locked", "view.created", "file_upload.completed"])
def test_a_kind_that_is_ignored_on_purpose_says_why(name: str) -> None:
    means = said(body(name))
    assert means.changes == ()
    assert means.skip is not None
    assert means.skip.startswith(f"{name}: ")


def test_a_kind_that_nobody_knows_is_skipped_under_its_name() -> None:
    means = said(body("announcement"))
    assert means.skip == "unknown type announcement"
    assert means.event["action"] == "unknown.announcement"


@pytest.mark.parametrize(
    ("name", "event"),
    [
        ("page.created", {"action": "created", "pageId": PAGE, "databaseId": DATABASE}),
        ("page.moved", {"action": "updated", "pageId": PAGE}),
        ("page.deleted", {"action": "deleted", "pageId": PAGE}),
        ("page.undeleted", {"action": "updated", "pageId": PAGE}),
        ("page.locked", {"action": "updated", "pageId": PAGE}),
        ("database.created", {"action": "created", "pageId": DATABASE, "databaseId": DATABASE}),
        (
            "data_source.content_updated",
            {"action": "updated", "pageId": SOURCE, "databaseId": DATABASE},
        ),
        ("comment.created", {"action": "created", "pageId": PAGE}),
        ("comment.deleted", {"action": "deleted", "pageId": PAGE}),
    ],
)
def test_an_event_is_recorded_in_the_seeds_terms(name: str, event: dict[str, str]) -> None:
    payload = body(name)
    rest = {
        "type": "notion",
        "webhookId": uid("subscription"),
        "lastEditedTime": payload["timestamp"],
    }
    assert said(payload).event == event | rest


def test_an_event_that_the_seed_has_no_word_for_keeps_notions() -> None:
    payload = body("view.created")
    assert said(payload).event == {
        "type": "notion",
        "action": "view.created",
        "webhookId": uid("subscription"),
        "objectId": uid("view"),
        "timestamp": payload["timestamp"],
    }


@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        ("entity", None, "entity"),
        ("type", None, "type"),
        ("type", 7, "type"),
    ],
)
def test_a_payload_that_names_nothing_is_refused_with_the_path(
    path: str, value: object, problem: str
) -> None:
    payload = body("page.created") | {path: value}
    with pytest.raises(BadPayload) as refused:
        said(payload)
    assert refused.value.path == problem


def test_an_event_without_a_time_is_looked_up_all_the_same() -> None:
    payload = body("page.created")
    del payload["timestamp"]
    assert said(payload).changes == said(body("page.created")).changes
    assert said(payload).event["action"] == "page.created"


@pytest.mark.parametrize("type_", ["page", "database", "block"])
def test_a_parent_may_be_named_as_objects_name_theirs(type_: str) -> None:
    payload = body("page.created")
    payload["data"]["parent"] = {"type": f"{type_}_id", "id": OTHER}
    (refresh,) = said(payload).changes
    assert isinstance(refresh, Refresh)
    assert refresh.hint["parent"] == {"type": type_, "id": OTHER}
    assert said(payload).event.get("databaseId") == (OTHER if type_ == "database" else None)


@pytest.mark.parametrize(("type_", "page"), [("page", OTHER), ("block", None)])
def test_a_comment_that_names_no_page_may_stand_on_one(type_: str, page: str | None) -> None:
    payload = body("comment.created")
    payload["data"] = {"parent": {"type": type_, "id": OTHER}}
    assert said(payload).event.get("pageId") == page
    (refresh,) = said(payload).changes
    assert isinstance(refresh, Refresh)
    assert refresh.identity == identity("comment", COMMENT)


def test_a_linked_database_is_called_a_block_and_looked_up_as_one() -> None:
    payload = body("database.schema_updated")
    payload["entity"]["type"] = "block"
    assert said(payload).changes == said(body("database.schema_updated")).changes


def test_an_id_without_dashes_is_the_same_page() -> None:
    payload = body("page.created")
    payload["entity"]["id"] = PAGE.replace("-", "").upper()
    (refresh,) = said(payload).changes
    assert refresh.identity == identity("page", PAGE)


def test_a_field_that_nobody_knows_is_reported() -> None:
    payload = body("page.created") | {"weather": "fog"}
    payload["data"]["tide"] = 1
    assert said(payload).drift == ("data.tide", "webhook.weather")
    assert said(body("page.created")).drift == ()


def test_a_doubt_about_a_comment_is_settled_with_what_its_document_knows() -> None:
    told = Upsert(
        identity("comment", COMMENT),
        1,
        COMMENT,
        "Comment",
        "",
        {},
        parent=identity("page", PAGE),
    )
    assert again(told) == Refresh(
        identity("comment", COMMENT), {"parent": {"type": "page", "id": PAGE}, "page": PAGE}
    )
