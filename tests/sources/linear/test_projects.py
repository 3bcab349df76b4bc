"""Projects: created, renamed, trashed, and with the bare state of 2021."""

from __future__ import annotations

import pytest

from tests.sources.linear.deliveries import body, delete, identity, upsert


def test_a_project_becomes_a_document_in_the_seeds_terms() -> None:
    data = body("Project.create")["data"]
    change = upsert(body("Project.create"))
    assert change.identity == identity("project", data["id"])
    assert (change.source_id, change.title) == (data["id"], "Night timetable")
    assert change.body == "Trains between 00:30 and 04:30\n\n# Goal\n\nOne train an hour."
    assert change.metadata == {
        "type": "linear",
        "kind": "project",
        "id": data["id"],
        "url": data["url"],
        "createdAt": data["createdAt"],
        "updatedAt": data["updatedAt"],
        "state": "todo",
        "priority": 3,
    }
    assert change.frontmatter == {
        "state": "Planned",
        "health": "onTrack",
        "startDate": "2026-04-01",
        "targetDate": "2026-12-13",
    }
    assert change.aliases == ("4f0c9a7d21be",)
    assert change.labels == frozenset(data["teamIds"])


def test_a_renamed_project_keeps_its_identity_and_its_alias() -> None:
    before, after = upsert(body("Project.create")), upsert(body("Project.update"))
    assert (after.identity, after.aliases) == (before.identity, before.aliases)
    assert (after.title, after.metadata["state"]) == ("Night trains", "in-progress")


def test_a_removed_project_lies_in_the_trash() -> None:
    change = delete(body("Project.remove"))
    assert change.identity == upsert(body("Project.create")).identity
    assert not change.final


def test_a_project_of_2021_has_a_bare_state_and_an_empty_description() -> None:
    change = upsert(body("Project.create.old"))
    assert change.metadata["state"] == "in-progress"
    assert change.frontmatter == {"state": "started"}
    assert change.body == ""
    assert change.metadata["url"] == body("Project.create.old")["url"]


def test_without_url_the_slug_id_makes_one() -> None:
    payload = body("Project.create.old")
    del payload["url"]
    assert upsert(payload).metadata["url"] == "https://linear.app/project/b81e06c2fd94"


@pytest.mark.parametrize(
    ("type_", "state"),
    [
        ("backlog", "todo"),
        ("planned", "todo"),
        ("started", "in-progress"),
        ("paused", "in-progress"),
        ("completed", "done"),
        ("canceled", "canceled"),
    ],
)
def test_project_statuses_are_the_seeds_four(type_: str, state: str) -> None:
    payload = body("Project.create")
    payload["data"]["status"]["type"] = type_
    assert upsert(payload).metadata["state"] == state
