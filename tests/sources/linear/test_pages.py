"""Updates, documents and initiatives: what the seed has no word for."""

from __future__ import annotations

from typing import Any

import pytest

from ingest.core.values import JSON
from ingest.sources.registry import source
from tests.sources.linear.deliveries import asked, body, delete, identity, said, upsert

_PROJECT = "65b6302f-e500-50e2-973c-7d3784ca617f"


def test_an_update_is_a_child_of_its_project_titled_with_name_and_day() -> None:
    payload = body("ProjectUpdate.create")
    data, change = payload["data"], upsert(payload)
    assert change.identity == identity("project_update", data["id"])
    assert change.parent == identity("project", _PROJECT)
    assert (change.title, change.body) == ("Night timetable update 2026-03-08", "On track.")
    assert change.metadata == {
        "type": "linear",
        "kind": "project-update",
        "id": data["id"],
        "url": payload["url"],
        "createdAt": data["createdAt"],
        "updatedAt": data["updatedAt"],
        "projectId": _PROJECT,
        "health": "onTrack",
        "userId": data["userId"],
        "userName": "Inês Faria",
    }
    assert said(payload).asked == ()


def test_an_update_of_an_initiative_has_the_same_form() -> None:
    payload = body("InitiativeUpdate.create")
    change = upsert(payload)
    assert change.identity.kind == "initiative_update"
    assert change.parent == identity("initiative", payload["data"]["initiativeId"])
    assert change.title == "Round the clock update 2026-03-09"
    assert change.metadata["kind"] == "initiative-update"
    assert change.metadata["initiativeId"] == payload["data"]["initiativeId"]


@pytest.mark.parametrize("missing", ["url", "data.project", "data.user"])
def test_an_update_of_which_something_is_not_told_is_looked_up(missing: str) -> None:
    payload = body("ProjectUpdate.create")
    *path, last = missing.split(".")
    del (payload["data"] if path else payload)[last]
    assert asked(payload).otherwise == (upsert(payload),)
    assert upsert(payload).parent == identity("project", _PROJECT)


def test_an_update_without_anything_around_it_still_has_title_and_url() -> None:
    payload = body("ProjectUpdate.create")
    del payload["url"], payload["data"]["project"], payload["data"]["projectId"]
    change = upsert(payload)
    assert (change.title, change.parent) == ("Project update 2026-03-08", None)
    assert change.metadata["url"]


def test_a_document_is_a_child_of_its_project_and_answers_to_its_slug() -> None:
    payload = body("Document.create")
    data, change = payload["data"], upsert(payload)
    assert change.identity == identity("document", data["id"])
    assert change.parent == identity("project", _PROJECT)
    assert (change.title, change.body) == (data["title"], data["content"])
    assert change.aliases == ("b7e4d0921c3a",)
    assert change.metadata == {
        "type": "linear",
        "kind": "document",
        "id": data["id"],
        "url": payload["url"],
        "createdAt": data["createdAt"],
        "updatedAt": data["updatedAt"],
        "projectId": _PROJECT,
        "userId": data["creatorId"],
    }
    assert asked(payload).otherwise == (change,)


@pytest.mark.parametrize(
    ("told", "above"),
    [
        ({"parentDocumentId": "d-1"}, ("document", "d-1")),
        ({"parentDocument": {"id": "d-1"}, "issueId": "i-1"}, ("document", "d-1")),
        ({"issueId": "i-1"}, ("issue", "i-1")),
        ({"issue": {"id": "i-1"}, "initiativeId": "n-1"}, ("issue", "i-1")),
        ({"initiativeId": "n-1"}, ("project", _PROJECT)),
        ({"projectId": None, "initiative": {"id": "n-1"}}, ("initiative", "n-1")),
        ({"projectId": None, "cycleId": "c-1", "teamId": "t-1", "releaseId": "r-1"}, None),
    ],
)
def test_a_document_stands_in_the_nearest_thing_that_is_told(
    told: dict[str, JSON], above: tuple[str, str] | None
) -> None:
    """Bug: of a document within a document, or an issue's in a project, the farther was the parent.

    A payload names neither, so a document is always looked up.
    """
    payload = body("Document.create")
    payload["data"] |= told
    assert upsert(payload).parent == (above and identity(*above))
    assert upsert(payload).metadata.get("parentDocumentId") == (
        above[1] if above and above[0] == "document" else None
    )


@pytest.mark.parametrize("name", ["Project.update", "Initiative.update"])
def test_what_something_is_called_and_was_called_finds_it(name: str) -> None:
    payload = body(name)
    (slug,) = upsert(payload).aliases
    payload["data"] |= {"identifier": "P-SIG-7", "previousIdentifiers": ["P-SIG-7", "P-OPS-2"]}
    found = upsert(payload)
    assert found.aliases == (slug, "P-SIG-7", "P-OPS-2")
    assert (name == "Project.update") == (found.metadata.get("identifier") == "P-SIG-7")
    payload["data"] |= {"identifier": None, "previousIdentifiers": None}
    assert upsert(payload).aliases == (slug,)


def test_a_project_s_identifier_belongs_to_the_owner_of_its_team_s_key() -> None:
    prefix_of = source("linear").descriptor.prefix_of
    keys = ("ENG-12", "eng-12", "P-ENG-12", "P-12", "P-ENG", "7f2d")
    assert [prefix_of(key) for key in keys] == ["ENG", "ENG", "ENG", "P", None, None]


def test_a_document_of_something_that_no_payload_names_is_looked_up() -> None:
    refresh = asked(body("Document.create.elsewhere"))
    (told,) = refresh.otherwise
    assert told == upsert(body("Document.create.elsewhere"))
    assert upsert(body("Document.create.elsewhere")).metadata["url"] == (
        "https://linear.app/document/0c61fa8e25d7"
    )


def test_an_initiative_is_looked_up_as_its_long_text_is_in_no_payload() -> None:
    payload = body("Initiative.update")
    change = upsert(payload)
    assert asked(payload).identity == identity("initiative", payload["data"]["id"])
    assert (change.title, change.body) == ("Round the clock", "Trains at every hour")
    assert change.aliases == ("8d25b1e0c7f4",)
    assert change.metadata["state"] == "in-progress"
    assert change.metadata["priority"] == 2
    assert change.frontmatter == {"state": "Active", "targetDate": "2027-12-12"}


@pytest.mark.parametrize(
    ("gone", "lived"),
    [
        ("Document.remove", "Document.create"),
        ("Initiative.remove", "Initiative.update"),
        ("ProjectUpdate.remove", "ProjectUpdate.create"),
    ],
)
def test_what_is_removed_lies_in_the_trash_and_can_be_restored(gone: str, lived: str) -> None:
    change = delete(body(gone))
    assert change.identity == upsert(body(lived)).identity
    assert not change.final


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("Document.update", "trashed", True),
        ("Initiative.update", "trashed", True),
        ("ProjectUpdate.create", "archivedAt", "2026-03-09T10:00:00.000Z"),
        ("InitiativeUpdate.create", "archivedAt", "2026-03-09T10:00:00.000Z"),
    ],
)
def test_the_trash_shows_in_the_object_whatever_the_action(
    name: str, field: str, value: Any
) -> None:
    payload = body(name)
    payload["data"][field] = value
    assert delete(payload).identity == upsert(body(name)).identity


def test_an_archived_initiative_stays() -> None:
    payload = body("Initiative.update")
    payload["data"]["archivedAt"] = "2026-03-09T10:00:00.000Z"
    frontmatter = upsert(payload).frontmatter
    assert frontmatter is not None
    assert frontmatter["archivedAt"] == payload["data"]["archivedAt"]
