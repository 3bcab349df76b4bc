"""The order of told changes of one second: what GitHub's own grain of time leaves open."""

from __future__ import annotations

from ingest.core.ranks import rank
from tests.sources.github.deliveries import body, delete, upsert


def _issue(action: str, state: str = "open", **fields: object) -> str:
    payload = body("issues.opened") | {"action": action}
    payload["issue"] |= {"state": state, **fields}
    return rank(upsert("issues.opened", payload))


def _review(action: str, state: str) -> str:
    payload = body("pull_request_review.submitted") | {"action": action}
    payload["review"]["state"] = state
    return rank(upsert("pull_request_review.submitted", payload))


def test_a_label_set_while_opening_is_newer_than_the_opening() -> None:
    assert _issue("opened") < _issue("labeled", labels=[{"name": "bug"}])


def test_a_closing_is_newer_than_the_label_set_just_before_it() -> None:
    assert _issue("labeled") < _issue("closed", "closed")


def test_a_label_on_the_closed_issue_is_newer_than_the_closing() -> None:
    assert _issue("closed", "closed") < _issue("labeled", "closed")


def test_a_reopening_is_newer_than_the_closing() -> None:
    assert _issue("closed", "closed") < _issue("reopened")


def test_a_dismissal_is_newer_than_the_submission_of_the_same_time() -> None:
    assert _review("submitted", "approved") < _review("dismissed", "dismissed")
    assert _review("edited", "approved") < _review("dismissed", "dismissed")


def test_a_later_second_is_newer_whatever_the_action() -> None:
    later = _issue("opened", updated_at="2024-03-01T10:00:01Z")
    assert _issue("reopened") < later


def test_nothing_is_newer_than_a_deletion() -> None:
    assert rank(delete("issues.deleted")) > _issue("edited", updated_at="9999-12-31T23:59:59Z")
