"""Issues: created, changed, moved, trashed, restored, archived, and as they were in 2021."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from ingest.core.changes import Delete
from ingest.core.errors import BadPayload
from ingest.core.ranks import rank
from ingest.core.references import Reference
from tests.sources.linear.deliveries import body, delete, identity, said, upsert


def test_a_created_issue_becomes_a_document_in_the_seeds_terms() -> None:
    payload = body("Issue.create")
    data = payload["data"]
    change = upsert(payload)

    assert change.identity == identity("issue", data["id"])
    assert (change.source_id, change.title) == ("SIG-41", data["title"])
    assert change.body == data["description"]
    assert change.metadata == {
        "type": "linear",
        "kind": "issue",
        "id": data["id"],
        "url": data["url"],
        "createdAt": "2026-03-02T08:15:00.120Z",
        "updatedAt": "2026-03-02T08:15:00.120Z",
        "identifier": "SIG-41",
        "teamId": data["teamId"],
        "teamKey": "SIG",
        "state": "todo",
        "priority": 2,
        "labels": ["axle counters", "bug"],
    }
    assert change.frontmatter == {"state": "Todo"}
    assert change.created_at == datetime(2026, 3, 2, 8, 15, 0, 120_000, tzinfo=UTC)
    assert change.version == (change.created_at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(
        microseconds=1
    )
    assert change.labels == frozenset({data["teamId"]})
    assert (change.parent, change.aliases, change.references) == (None, (data["id"],), ())


def test_an_update_tells_state_assignee_and_project() -> None:
    payload = body("Issue.update")
    metadata = upsert(payload).metadata
    assert metadata["state"] == "in-progress"
    assert metadata["assigneeId"] == payload["data"]["assigneeId"]
    assert metadata["projectId"] == payload["data"]["projectId"]
    assert upsert(payload).frontmatter == {"state": "In Progress", "dueDate": "2026-03-20"}


def test_a_moved_issue_keeps_its_identity_and_its_former_key() -> None:
    before, after = upsert(body("Issue.update")), upsert(body("Issue.update.moved"))
    assert after.identity == before.identity
    assert (before.source_id, after.source_id) == ("SIG-41", "DEP-7")
    assert after.aliases == ("SIG-41", body("Issue.update.moved")["data"]["id"])
    assert after.metadata["teamKey"] == "DEP"
    assert after.labels == frozenset({body("Issue.update.moved")["data"]["team"]["id"]})
    assert after.version > before.version


@pytest.mark.parametrize("name", ["Issue.remove", "Issue.update.trashed"])
def test_the_trash_is_a_deletion_that_a_later_word_lifts(name: str) -> None:
    change = delete(body(name))
    assert change.identity == upsert(body("Issue.create")).identity
    assert not change.final


def test_a_removal_has_the_version_of_the_object_not_the_time_of_the_trash() -> None:
    removed = body("Issue.remove")
    assert removed["data"]["archivedAt"] > removed["data"]["updatedAt"]
    same_version = body("Issue.update")
    assert removed["data"]["updatedAt"] == same_version["data"]["updatedAt"]
    assert delete(removed).version == upsert(same_version).version
    assert rank(delete(removed)) > rank(upsert(same_version))


@pytest.mark.parametrize("restored", ["Issue.restore", "Issue.update.restored"])
def test_a_restored_issue_lives_whatever_the_order_of_arrival(restored: str) -> None:
    names = ["Issue.create", "Issue.update", "Issue.remove", restored]
    for order in permutations(names):
        changes = [change for name in order for change in said(body(name)).untokened]
        assert max(changes, key=rank) == upsert(body(restored))


def test_a_trashed_issue_is_gone_whatever_the_order_of_arrival() -> None:
    for order in permutations(["Issue.create", "Issue.update", "Issue.remove"]):
        changes = [change for name in order for change in said(body(name)).untokened]
        assert isinstance(max(changes, key=rank), Delete)


def test_an_archived_issue_is_done_work_and_stays() -> None:
    change = upsert(body("Issue.update.archived"))
    assert change.metadata["state"] == "done"
    assert change.frontmatter == {"state": "Done", "archivedAt": "2026-06-01T00:00:00.000Z"}


def test_a_sub_issue_whose_parent_is_told_by_its_id_alone_is_related_to_that_id() -> None:
    """Every issue has its id as an alias, so the edge is bound like any other."""
    payload = body("Issue.create")
    payload["data"] |= {"parentId": "0b6a3a52-70f0-4d39-9e2a-5a2b3f1a9d01"}
    change = upsert(payload)
    assert payload["data"]["id"] in change.aliases
    (edge,) = change.references
    assert (edge.kind, edge.key, edge.evidence) == (
        "relatedTo",
        payload["data"]["parentId"],
        "parent",
    )
    payload["data"] |= {"parentId": payload["data"]["id"]}
    assert upsert(payload).references == ()


def test_a_relation_that_tells_its_other_issue_by_the_id_alone_counts() -> None:
    payload = body("Issue.create")
    payload["data"] |= {
        "relations": [{"type": "related", "relatedIssueId": "other-1"}],
        "inverseRelations": {"nodes": [{"type": "blocks", "issue": {"id": "other-2"}}]},
    }
    kinds = [(edge.kind, edge.key) for edge in upsert(payload).references]
    assert kinds == [("blockedBy", "other-2"), ("relatedTo", "other-1")]


def test_a_sub_issue_is_related_to_its_parent_and_not_hidden_with_it() -> None:
    change = upsert(body("Issue.create.sub_issue"))
    assert change.parent is None
    parent = identity("issue", "4a02d522-1133-560b-b70c-7a6dcd1077f3")
    edge = Reference("relatedTo", "linear", "SIG-41", "field", "parent", thing=parent)
    assert change.references == (edge,)
    assert (change.body, change.metadata["labels"], change.metadata["priority"]) == ("", [], 0)


def test_an_issue_of_2021_gets_its_key_from_team_and_number() -> None:
    change = upsert(body("Issue.create.old"))
    assert change.source_id == change.metadata["identifier"] == "SIG-5"
    assert change.metadata["url"] == body("Issue.create.old")["url"]
    assert "labels" not in change.metadata


def test_without_team_the_url_tells_the_key_and_without_url_the_key_makes_one() -> None:
    payload = body("Issue.create.old")
    del payload["data"]["team"]
    assert upsert(payload).metadata["teamKey"] == "SIG"
    assert upsert(payload).source_id == "SIG-5"
    payload = body("Issue.create.old")
    del payload["url"]
    assert upsert(payload).metadata["url"] == "https://linear.app/issue/SIG-5"


def test_an_issue_without_any_key_is_refused_with_the_path() -> None:
    payload = body("Issue.create.old")
    del payload["data"]["team"], payload["url"]
    with pytest.raises(BadPayload) as refused:
        said(payload)
    assert refused.value.path == "data.identifier"


def test_a_removal_of_2021_has_no_url_and_needs_none() -> None:
    change = delete(body("Issue.remove.old"))
    assert change.identity == upsert(body("Issue.create.old")).identity
    assert change.version == upsert(body("Issue.create.old")).version


def test_an_action_that_is_not_published_is_read_as_an_update() -> None:
    assert upsert(body("Issue.convert.old")) == upsert(body("Issue.create.old"))


@pytest.mark.parametrize(
    ("type_", "state"),
    [
        ("triage", "todo"),
        ("backlog", "todo"),
        ("unstarted", "todo"),
        ("started", "in-progress"),
        ("completed", "done"),
        ("canceled", "canceled"),
        ("duplicate", "canceled"),
        ("on-fire", None),
    ],
)
def test_states_are_the_seeds_four_and_an_unknown_one_is_left_out(
    type_: str, state: str | None
) -> None:
    payload = body("Issue.create")
    payload["data"]["state"]["type"] = type_
    assert upsert(payload).metadata.get("state") == state


@pytest.mark.parametrize(("told", "priority"), [(1, 1), (2.0, 2), (0, 0), (9, None), (-1, None)])
def test_priorities_are_whole_and_of_the_scale(told: float, priority: int | None) -> None:
    payload = body("Issue.create")
    payload["data"]["priority"] = told
    stored = upsert(payload).metadata.get("priority")
    assert stored == priority
    assert not isinstance(stored, float)


def test_embedded_objects_stand_in_for_ids_that_are_missing() -> None:
    payload = body("Issue.update")
    expected = upsert(payload)
    for name in ("teamId", "projectId", "assigneeId"):
        del payload["data"][name]
    assert upsert(payload) == expected


def test_null_and_absence_say_the_same() -> None:
    payload = body("Issue.create")
    expected = upsert(payload)
    for name in ("assignee", "projectId", "parent", "dueDate", "archivedAt", "trashed", "cycle"):
        payload["data"][name] = None
    assert upsert(payload) == expected
