"""Comments, reviews and line comments: children of the conversations they stand in."""

from __future__ import annotations

from ingest.core.identity import Identity
from ingest.core.times import parse_time, to_micros
from tests.sources.github.deliveries import asked, body, delete, told, upsert

ISSUE_12 = Identity("github", "510001", "issue", "12")
PULL_REQUEST_14 = Identity("github", "510001", "pull_request", "14")
REVIEW_6001 = Identity("github", "510001", "review", "6001")


def test_a_comment_on_an_issue_has_the_issue_as_its_parent() -> None:
    comment = upsert("issue_comment.created")
    assert comment.identity == Identity("github", "510001", "comment", "5001")
    assert comment.parent == ISSUE_12
    assert comment.source_id == "acme/payments#12/comment/5001"
    assert comment.title == "Comment on #12"
    assert comment.metadata["conversation"] == "issue"


def test_a_comment_on_a_pull_request_has_the_pull_request_as_its_parent() -> None:
    comment = upsert("issue_comment.created.pull_request")
    assert comment.parent == PULL_REQUEST_14
    assert comment.source_id == "acme/payments#14/comment/5002"
    assert comment.metadata["conversation"] == "pull-request"


def test_a_comment_does_not_speak_for_its_issue() -> None:
    assert len(told("issue_comment.created").changes) == 1


def test_an_edited_comment_is_newer_than_the_created_one() -> None:
    assert upsert("issue_comment.edited").version > upsert("issue_comment.created").version
    assert upsert("issue_comment.edited").body == "It happens for EUR and CHF."


def test_the_metadata_of_a_comment_is_that_of_the_comment_alone() -> None:
    assert upsert("issue_comment.created").metadata == {
        "type": "github",
        "kind": "comment",
        "repoFullName": "acme/payments",
        "id": 5001,
        "number": 12,
        "conversation": "issue",
        "url": "https://github.com/acme/payments/issues/12#issuecomment-5001",
        "author": "chen",
        "createdAt": "2024-03-01T11:00:00.000Z",
        "updatedAt": "2024-03-01T11:00:00.000Z",
    }


def test_a_deleted_comment_is_gone_for_ever_and_its_issue_is_not() -> None:
    gone = delete("issue_comment.deleted")
    assert gone.identity == Identity("github", "510001", "comment", "5001")
    assert gone.final
    assert gone.aliases == ("acme/payments#12/comment/5001",)


def test_a_review_is_a_child_of_its_pull_request() -> None:
    review = upsert("pull_request_review.submitted")
    assert review.identity == REVIEW_6001
    assert review.parent == PULL_REQUEST_14
    assert review.source_id == "acme/payments#14/review/6001"
    assert review.metadata["state"] == "changes_requested"


def test_the_version_of_a_review_is_its_submission_where_github_tells_no_update() -> None:
    submitted = upsert("pull_request_review.submitted")
    assert submitted.version == to_micros(parse_time("2024-03-02T12:00:00Z"))
    updated = upsert("pull_request_review.submitted.updated_at")
    assert updated.version == to_micros(parse_time("2024-03-02T12:00:05Z"))
    assert updated.body == ""


def test_the_api_spells_the_state_of_a_review_in_upper_case() -> None:
    payload = body("pull_request_review.submitted")
    payload["review"]["state"] = "CHANGES_REQUESTED"
    shouted = upsert("pull_request_review.submitted", payload)
    assert shouted.metadata == upsert("pull_request_review.submitted").metadata


def test_a_pending_review_is_seen_by_its_author_alone() -> None:
    payload = body("pull_request_review.submitted")
    payload["review"] |= {"state": "pending", "submitted_at": None}
    pending = told("pull_request_review.submitted", payload)
    assert pending.changes == ()
    assert pending.skip == "a pending review is seen by its author alone"


def test_a_review_without_any_time_has_no_place_in_the_order_and_is_looked_up() -> None:
    ask = asked("pull_request_review.submitted.untimed")
    assert ask.identity == Identity("github", "510001", "review", "6009")
    assert ask.hint == {"number": 14}
    assert ask.otherwise == ()


def test_a_review_that_does_not_say_when_it_was_updated_is_looked_up_where_that_can_be() -> None:
    ask = asked("pull_request_review.submitted")
    assert ask.identity == REVIEW_6001
    assert ask.hint == {"number": 14}
    assert ask.otherwise == (upsert("pull_request_review.submitted"),)
    assert told("pull_request_review.submitted.updated_at").asked == ()


def test_the_metadata_of_a_review_leaves_out_the_time_that_only_some_tell() -> None:
    assert "updatedAt" not in upsert("pull_request_review.submitted.updated_at").metadata


def test_a_line_comment_is_a_child_of_its_review() -> None:
    comment = upsert("pull_request_review_comment.created")
    assert comment.identity == Identity("github", "510001", "review_comment", "7001")
    assert comment.parent == REVIEW_6001
    assert comment.source_id == "acme/payments#14/review-comment/7001"
    assert comment.metadata["reviewId"] == 6001
    assert comment.metadata["path"] == "payments/refund.py"
    assert comment.metadata["line"] == 18


def test_a_line_comment_without_a_review_is_a_child_of_the_pull_request() -> None:
    reply = upsert("pull_request_review_comment.created.reply")
    assert reply.parent == PULL_REQUEST_14
    assert reply.metadata["inReplyToId"] == 7001
    assert "reviewId" not in reply.metadata
    assert "line" not in reply.metadata


def test_a_deleted_line_comment_is_gone_for_ever() -> None:
    gone = delete("pull_request_review_comment.deleted")
    assert gone.identity == Identity("github", "510001", "review_comment", "7001")
    assert gone.final
    assert gone.aliases == ("acme/payments#14/review-comment/7001",)
