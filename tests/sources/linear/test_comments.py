"""Comments: on issues, on projects, as replies, of bots, removed, and as they were in 2021."""

from __future__ import annotations

import pytest

from ingest.core.errors import BadPayload
from tests.sources.linear.deliveries import asked, body, delete, identity, said, upsert


def test_a_comment_becomes_a_child_of_its_issue_in_the_seeds_terms() -> None:
    payload = body("Comment.create")
    data = payload["data"]
    change = upsert(payload)
    assert change.identity == identity("comment", data["id"])
    assert change.parent == identity("issue", data["issueId"])
    assert (change.source_id, change.title) == (data["id"], "Comment on SIG-41")
    assert change.body == data["body"]
    assert change.metadata == {
        "type": "linear",
        "kind": "comment",
        "id": data["id"],
        "url": payload["url"],
        "createdAt": data["createdAt"],
        "updatedAt": data["updatedAt"],
        "teamId": data["issue"]["teamId"],
        "issueId": data["issueId"],
        "issueIdentifier": "SIG-41",
        "userId": data["userId"],
        "userName": "Otto Lindqvist",
    }
    assert change.labels == frozenset({data["issue"]["teamId"]})
    assert change.chunk_overlap == 25


def test_an_edited_comment_is_the_same_document_with_another_text() -> None:
    before, after = upsert(body("Comment.create")), upsert(body("Comment.update"))
    assert after.identity == before.identity
    assert after.title == before.title
    assert after.body != before.body
    assert after.version > before.version


def test_a_removed_comment_never_returns() -> None:
    change = delete(body("Comment.remove"))
    assert change.identity == upsert(body("Comment.create")).identity
    assert change.final


def test_a_reply_is_a_child_of_the_comment_that_it_answers() -> None:
    payload = body("Comment.create.reply")
    assert upsert(payload).parent == identity("comment", payload["data"]["parentId"])
    assert upsert(payload).title == "Comment on SIG-41"


@pytest.mark.parametrize(
    ("name", "parent", "title"),
    [
        ("Comment.create.on_project", "Project.create", "Comment on Night timetable"),
        ("Comment.create.on_project_update", "ProjectUpdate.create", "Comment on Night timetable"),
        ("Comment.create.on_document", "Document.create", "Comment on Rolling stock at night"),
        ("Comment.create.on_initiative_update", "InitiativeUpdate.create", "Comment"),
    ],
)
def test_a_comment_without_issue_is_a_child_of_what_it_is_on(
    name: str, parent: str, title: str
) -> None:
    change = upsert(body(name))
    assert change.parent == upsert(body(parent)).identity
    assert change.title == title
    assert "issueId" not in change.metadata
    assert change.labels is None


def test_a_comment_on_something_that_is_no_document_stands_alone() -> None:
    payload = body("Comment.create.on_project_update")
    del payload["data"]["projectUpdate"], payload["data"]["projectUpdateId"]
    payload["data"]["postId"] = "c7"
    assert (upsert(payload).parent, upsert(payload).title) == (None, "Comment")


@pytest.mark.parametrize(
    "name",
    [
        "Comment.create",
        "Comment.update",
        "Comment.create.reply",
        "Comment.create.bot",
        "Comment.create.on_project",
        "Comment.create.on_document",
    ],
)
def test_a_payload_that_tells_all_of_a_comment_asks_nobody(name: str) -> None:
    assert said(body(name)).asked == ()


@pytest.mark.parametrize(
    ("name", "missing"),
    [
        ("Comment.create", "url"),
        ("Comment.create", "data.user"),
        ("Comment.create", "data.issue"),
        ("Comment.create.on_project", "data.project"),
        ("Comment.create.on_document", "data.documentContent"),
        ("Comment.create.on_initiative_update", ""),
        ("Comment.create.on_project_update", ""),
        ("Comment.create.old", ""),
    ],
)
def test_a_comment_of_which_something_is_not_told_is_looked_up(name: str, missing: str) -> None:
    payload = body(name)
    *path, last = missing.split(".")
    if last:
        del (payload["data"] if path else payload)[last]
    refresh = asked(payload)
    assert refresh.identity == identity("comment", payload["data"]["id"])
    assert refresh.otherwise == (upsert(payload),)


def test_a_bots_comment_names_the_bot() -> None:
    metadata = upsert(body("Comment.create.bot")).metadata
    assert metadata["userName"] == "Control room"
    assert "userId" not in metadata


def test_a_bot_that_is_only_a_text_is_tolerated() -> None:
    payload = body("Comment.create.bot")
    payload["data"]["botActor"] = '{"type": "integration"}'
    assert "userName" not in upsert(payload).metadata


def test_a_comment_of_2021_finds_its_issues_key_in_the_url() -> None:
    change = upsert(body("Comment.create.old"))
    assert change.title == "Comment on SIG-5"
    assert change.metadata["issueIdentifier"] == "SIG-5"
    assert change.parent == upsert(body("Issue.create.old")).identity


def test_without_any_key_the_title_of_the_issue_stands_in() -> None:
    payload = body("Comment.create.old")
    del payload["url"]
    change = upsert(payload)
    assert change.title == f"Comment on {payload['data']['issue']['title']}"
    assert str(change.metadata["url"]).startswith("https://linear.app/issue/")


def test_a_url_is_made_of_the_issues_where_the_payload_has_none() -> None:
    payload = body("Comment.create")
    expected = upsert(payload)
    del payload["url"]
    assert upsert(payload) == expected


def test_the_id_of_the_embedded_issue_is_enough() -> None:
    payload = body("Comment.create")
    expected = upsert(payload)
    del payload["data"]["issueId"], payload["data"]["userId"]
    assert upsert(payload) == expected


def test_a_comment_without_body_is_refused_and_its_removal_is_not() -> None:
    payload = body("Comment.create")
    del payload["data"]["body"]
    with pytest.raises(BadPayload) as refused:
        said(payload)
    assert refused.value.path == "data.body"
    payload["action"] = "remove"
    assert delete(payload).final
