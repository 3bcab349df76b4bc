"""Discussions and what is said in them: documents with keys as issues have, and one more."""

from __future__ import annotations

import pytest

from ingest.core.changes import DELETE_PRIORITY
from ingest.core.identity import Identity
from ingest.core.references import Context, extract
from ingest.core.times import parse_time, to_micros
from ingest.sources.github.mentions import MENTIONS
from tests.sources.github.deliveries import asked, body, delete, told, upsert

DISCUSSION_20 = Identity("github", "510001", "discussion", "20")
COMMENT_9301 = Identity("github", "510001", "discussion_comment", "9301")


def test_a_discussion_becomes_a_document_under_both_of_its_keys() -> None:
    discussion = upsert("discussion.created")
    assert discussion.identity == DISCUSSION_20
    assert discussion.source_id == "acme/payments#20"
    assert discussion.aliases == ("acme/payments/discussions/20",)
    assert discussion.title == "How do we round?"
    assert discussion.body == "Half even?"
    assert discussion.home == "acme/payments"
    assert discussion.version == to_micros(parse_time("2024-03-01T12:00:00Z"))


def test_a_mention_and_a_url_of_a_discussion_are_its_key() -> None:
    context = Context("github", "acme/payments")
    for text in ("as in #20", "https://github.com/acme/payments/discussions/20"):
        (reference,) = extract(text, context, (MENTIONS,))
        assert reference.key == upsert("discussion.created").source_id


def test_the_metadata_of_a_discussion_leaves_absent_fields_out() -> None:
    assert upsert("discussion.created").metadata == {
        "type": "github",
        "kind": "discussion",
        "repoFullName": "acme/payments",
        "number": 20,
        "title": "How do we round?",
        "state": "open",
        "url": "https://github.com/acme/payments/discussions/20",
        "author": "chen",
        "category": "Q&A",
        "answered": False,
        "createdAt": "2024-03-01T12:00:00.000Z",
        "updatedAt": "2024-03-01T12:00:00.000Z",
    }


def test_an_answered_discussion_names_its_answer_until_that_is_taken_back() -> None:
    answered = upsert("discussion.answered").metadata
    assert answered["answered"] is True
    assert answered["answerUrl"] == (
        "https://github.com/acme/payments/discussions/20#discussioncomment-9301"
    )
    unanswered = upsert("discussion.unanswered").metadata
    assert unanswered["answered"] is False
    assert "answerUrl" not in unanswered


def test_the_lock_of_a_discussion_does_not_hide_whether_it_is_closed() -> None:
    locked, closed = upsert("discussion.locked.closed"), upsert("discussion.closed")
    assert locked.metadata == closed.metadata
    assert locked.metadata["state"] == "closed"
    assert locked.metadata["stateReason"] == "resolved"


@pytest.mark.parametrize(
    ("state", "reason", "means"),
    [
        ("open", None, "open"),
        ("open", "reopened", "open"),
        ("locked", None, "open"),
        ("converting", None, "open"),
        ("transferring", "outdated", "closed"),
        ("CLOSED", "DUPLICATE", "closed"),
    ],
)
def test_a_discussion_is_open_or_closed(state: str, reason: str | None, means: str) -> None:
    payload = body("discussion.created")
    payload["discussion"] |= {"state": state, "state_reason": reason}
    assert upsert("discussion.created", payload).metadata["state"] == means


def test_labels_of_a_discussion_move_without_its_time_and_are_left_out() -> None:
    assert upsert("discussion.labeled").metadata == upsert("discussion.edited").metadata


def test_a_reopened_discussion_is_newer_than_the_closed_one() -> None:
    assert upsert("discussion.reopened").version > upsert("discussion.closed").version
    assert upsert("discussion.reopened").metadata["state"] == "open"


def test_a_part_of_a_discussion_is_looked_up() -> None:
    ask = asked("discussion.pinned.partial")
    assert ask.identity == Identity("github", "510001", "discussion", "22")
    assert ask.otherwise == ()


def test_a_deleted_discussion_is_gone_for_ever_under_both_keys() -> None:
    gone = delete("discussion.deleted")
    assert gone.identity == DISCUSSION_20
    assert gone.final
    assert gone.priority == DELETE_PRIORITY
    assert gone.aliases == ("acme/payments#20", "acme/payments/discussions/20")


def test_a_transferred_discussion_is_gone_from_the_old_repository() -> None:
    gone = delete("discussion.transferred")
    assert gone.identity == Identity("github", "510001", "discussion", "21")
    assert gone.final


def test_a_comment_is_a_child_of_its_discussion_and_a_reply_of_the_comment() -> None:
    comment, reply = (
        upsert("discussion_comment.created"),
        upsert("discussion_comment.created.reply"),
    )
    assert comment.identity == COMMENT_9301
    assert comment.parent == DISCUSSION_20
    assert comment.source_id == "acme/payments#20/discussion-comment/9301"
    assert comment.title == "Comment on #20"
    assert comment.metadata["conversation"] == "discussion"
    assert reply.parent == COMMENT_9301
    assert reply.metadata["inReplyToId"] == 9301


def test_a_comment_does_not_speak_for_its_discussion() -> None:
    assert len(told("discussion_comment.created").changes) == 1


def test_an_edited_comment_is_newer() -> None:
    edited = upsert("discussion_comment.edited")
    assert edited.identity == COMMENT_9301
    assert edited.version > upsert("discussion_comment.created").version


def test_a_deleted_comment_is_gone_for_ever() -> None:
    gone = delete("discussion_comment.deleted")
    assert gone.identity == Identity("github", "510001", "discussion_comment", "9302")
    assert gone.final
    assert gone.aliases == ("acme/payments#20/discussion-comment/9302",)
