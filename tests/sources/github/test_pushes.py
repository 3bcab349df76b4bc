"""Pushes and what happens to a repository: which of it makes a look at the files."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ingest.core.identity import Identity
from ingest.sources.contract import Normalised
from ingest.sources.github.normalise import normalise
from tests.sources.github.deliveries import CONNECTION, asked, body, message, told

MAIN = Identity("github", "510001", "branch", "main")


def _on(fixture: str, body: Any = None, **connection: str) -> Normalised:
    return normalise(replace(message(fixture, body), connection=connection))


def test_a_push_to_the_branch_that_is_followed_is_a_hint_to_look_at_it() -> None:
    payload = body("push")
    ask = asked("push")
    assert ask.identity == MAIN
    assert ask.hint == {
        "before": payload["before"],
        "after": payload["after"],
        "forced": False,
        "created": False,
        "deleted": False,
        "toldAt": "2024-03-05T12:00:00.000Z",
    }
    assert ask.otherwise == ()


@pytest.mark.parametrize("fixture", ["push.forced", "push.created.empty"])
def test_a_push_is_the_same_hint_whatever_it_lists(fixture: str) -> None:
    assert asked(fixture).identity == MAIN


@pytest.mark.parametrize(
    ("fixture", "reason"),
    [
        ("push.tag", "a tag names a commit, it changes no file of a branch"),
        ("push.branch", "another branch than the one that the connection follows"),
        ("push.deleted", "another branch than the one that the connection follows"),
    ],
)
def test_a_push_elsewhere_changes_no_document_and_says_why(fixture: str, reason: str) -> None:
    assert told(fixture).changes == ()
    assert told(fixture).skip == reason


@pytest.mark.parametrize("ref", ["refs/notes/commits", "main", "refs/heads/"])
def test_what_is_neither_branch_nor_tag_is_left_alone(ref: str) -> None:
    payload = body("push") | {"ref": ref}
    assert told("push", payload).skip == "a ref that is neither a branch nor a tag"


def test_a_connection_may_follow_a_branch_of_its_own() -> None:
    own = {"branch": "feature/round-once", "defaultBranch": "main"}
    (ask,) = _on("push.branch", **own).asked
    assert ask.identity == Identity("github", "510001", "branch", "feature/round-once")
    assert _on("push", **own).skip is not None


def test_without_any_setting_the_default_of_the_payload_is_followed() -> None:
    (ask,) = _on("push").asked
    assert ask.identity == MAIN
    payload = body("push")
    del payload["repository"]["default_branch"]
    assert _on("push", payload).skip is not None
    assert _on("push", payload, defaultBranch="main").asked == (ask,)


def test_a_push_to_a_new_default_branch_looks_at_the_same_files_as_before() -> None:
    payload = body("push") | {"ref": "refs/heads/trunk"}
    payload["repository"]["default_branch"] = "trunk"
    assert asked("push", payload).identity == MAIN


def test_a_new_default_branch_is_looked_at_because_no_push_tells_of_it() -> None:
    assert asked("repository.edited.default_branch").identity == MAIN
    own = _on("repository.edited.default_branch", branch="docs")
    assert own.skip == "the connection follows a branch of its own, whatever the default is"


@pytest.mark.parametrize(
    "fixture",
    [
        "repository.archived",
        "repository.edited.description",
        "repository.publicized",
    ],
)
def test_what_else_happens_to_a_repository_changes_no_document_and_says_why(fixture: str) -> None:
    means = told(fixture)
    assert means.changes == ()
    assert means.skip is not None
    assert means.withdraws is None


def test_a_deleted_repository_withdraws_its_connection() -> None:
    means = told("repository.deleted")
    assert means.withdraws == means.skip == "the repository was deleted"
    assert means.changes == ()


def test_an_action_on_a_repository_that_nobody_knows_is_named() -> None:
    payload = body("repository.archived") | {"action": "gift\n-wrapped"}
    assert told("repository.archived", payload).skip == "unknown action gift\\n-wrapped"


def test_the_deletion_of_the_followed_branch_is_looked_at() -> None:
    ask = asked("delete.branch.followed")
    assert ask.identity == MAIN
    assert ask.hint == {"deleted": True, "toldAt": "2024-03-05T12:00:00.000Z"}
    assert told("delete.branch").skip is not None
    assert told("delete.tag").skip == "a tag names a commit, it changes no file of a branch"


def test_the_connection_of_these_tests_follows_main() -> None:
    assert CONNECTION["defaultBranch"] == "main"


def test_until_2013_the_default_branch_had_another_name() -> None:
    """Bug: the push was taken for one to a branch that nobody follows."""
    payload = body("push")
    payload["ref"] = "refs/heads/master"
    payload["repository"] = {"id": 510001, "master_branch": "master"}
    (ask,) = _on("push", payload, defaultBranch="main").asked
    assert ask.identity == MAIN
