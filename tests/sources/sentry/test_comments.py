"""Comments: children of their issue, told by the payload alone."""

from __future__ import annotations

from typing import Any

import pytest

from ingest.core.changes import Delete, Refresh
from ingest.core.errors import BadPayload
from ingest.core.ranks import rank
from tests.sources.sentry.deliveries import ISSUE_ID, identity, said, told, told_change, upsert


def _deleted() -> dict[str, Any]:
    fixture = told("comment.updated")
    fixture["body"]["action"] = "deleted"
    return fixture


def test_a_comment_is_a_child_of_its_issue() -> None:
    document = upsert(told("comment.created"))
    assert document.identity == identity("comment", "1234")
    assert document.parent == identity()
    assert document.source_id == "1170820242/comment/1234"
    assert document.body == "Fixed by https://github.com/halcyon/web/pull/17, see ENG-12."
    assert document.metadata == {
        "type": "sentry",
        "kind": "comment",
        "commentId": "1234",
        "issueId": ISSUE_ID,
        "userId": "4711",
        "userName": "Ragnhild",
        "createdAt": "2026-03-02T08:49:50.330000Z",
    }


def test_a_comment_may_name_its_issue_as_a_group() -> None:
    document = upsert(told("comment.created.group"))
    assert document.parent == identity()
    assert document.identity == identity("comment", "1235")


def test_a_comment_may_be_an_object_of_its_own() -> None:
    fixture = told("comment.created")
    fixture["body"]["data"] = {
        "comment": {"id": 1234, "issue_id": 1170820242, "text": "Which trains?"},
        "project_slug": "web",
    }
    assert upsert(fixture).body == "Which trains?"
    assert upsert(fixture).identity == identity("comment", "1234")


def test_a_comment_of_its_own_may_stand_beside_its_issue() -> None:
    fixture = told("comment.created")
    issue = {"id": ISSUE_ID, "project": {"slug": "web"}}
    fixture["body"]["data"] = {"comment": {"id": 1234, "text": "Which?"}, "issue": issue}
    assert upsert(fixture).parent == identity()


def test_a_comment_is_told_and_its_issue_is_looked_up() -> None:
    """An edit back to a former text is a body that came before, which counts only once."""
    meant = said(told("comment.updated"))
    assert meant.told == (upsert(told("comment.updated")),)
    assert meant.asked == (Refresh(identity(), patience_s=300),)


def test_an_edit_is_the_same_comment_and_newer() -> None:
    created, updated = upsert(told("comment.created")), upsert(told("comment.updated"))
    assert created.identity == updated.identity
    assert rank(created) < rank(updated)
    assert said(told("comment.updated")).event["action"] == "comment.updated"


def test_a_comment_that_is_deleted_never_returns() -> None:
    change = told_change(_deleted())
    assert isinstance(change, Delete)
    assert change.final
    assert change.identity == identity("comment", "1234")
    assert change.confirm is not None, "what is told to the second seems older than what was seen"
    assert change.confirm.identity == change.identity
    assert change.confirm.hint["issueId"] == str(_deleted()["body"]["data"]["issue_id"])
    assert change.confirm.gone


def test_a_deletion_needs_no_text_and_a_comment_does() -> None:
    for fixture in (_deleted(), told("comment.created")):
        del fixture["body"]["data"]["comment"]
        if fixture["body"]["action"] == "deleted":
            assert isinstance(told_change(fixture), Delete)
        else:
            with pytest.raises(BadPayload, match=r"data\.comment: missing"):
                said(fixture)


@pytest.mark.parametrize("name", ["comment_id", "issue_id"])
def test_ids_are_needed(name: str) -> None:
    fixture = told("comment.created")
    del fixture["body"]["data"][name]
    with pytest.raises(BadPayload) as refused:
        said(fixture)
    assert refused.value.path == f"data.{name}"
