"""Events: the seed's where it has a word, ours elsewhere; what is ignored; fields that drift."""

from __future__ import annotations

import re

import pytest

from ingest.core.errors import BadPayload
from ingest.sources.linear.events import IGNORED
from ingest.sources.linear.types import LinearEventMetadata, LinearOtherEventMetadata
from tests.sources.linear.deliveries import NAMES, body, said, upsert

_IGNORED = [
    "Cycle.update",
    "IssueLabel.update",
    "IssueSLA.breached",
    "OAuthApp.revoked",
    "PermissionChange.teamAccessChanged",
    "Reaction.create",
]


def test_an_issues_event_is_the_seeds() -> None:
    payload = body("Issue.update")
    assert said(payload).event == {
        "type": "linear",
        "action": "update",
        "webhookId": payload["webhookId"],
        "issueId": payload["data"]["id"],
        "projectId": payload["data"]["projectId"],
        "updatedAt": payload["data"]["updatedAt"],
    }


def test_a_comments_event_names_comment_and_issue() -> None:
    payload = body("Comment.remove")
    assert said(payload).event == {
        "type": "linear",
        "action": "remove",
        "webhookId": payload["webhookId"],
        "issueId": payload["data"]["issueId"],
        "commentId": payload["data"]["id"],
        "updatedAt": payload["data"]["updatedAt"],
    }


def test_a_projects_event_names_the_project() -> None:
    payload = body("Project.create")
    assert said(payload).event["projectId"] == payload["data"]["id"]
    assert "issueId" not in said(payload).event


def test_payloads_of_2021_name_no_webhook() -> None:
    assert said(body("Issue.create.old")).event["webhookId"] == ""


def test_an_action_beyond_the_seeds_is_a_member_of_ours() -> None:
    payload = body("Issue.restore")
    event = said(payload).event
    assert event["action"] == "issue.restore"
    assert event["objectId"] == event["issueId"] == payload["data"]["id"]


@pytest.mark.parametrize("name", NAMES)
def test_seed_actions_have_no_dot_and_ours_have_one(name: str) -> None:
    event = said(body(name)).event
    model = LinearOtherEventMetadata if "." in str(event["action"]) else LinearEventMetadata
    assert model.model_validate(event).told() == event
    assert None not in event.values()


@pytest.mark.parametrize("name", _IGNORED)
def test_a_known_kind_is_ignored_with_a_reason_and_recorded(name: str) -> None:
    payload = body(name)
    result = said(payload)
    assert (result.changes, result.drift) == ((), ())
    assert result.skip == f"{payload['type']}: {IGNORED[payload['type']]}"
    assert re.fullmatch(r"[a-z]\w+\.\w+", str(result.event["action"]))


def test_a_reactions_event_names_what_it_is_on() -> None:
    payload = body("Reaction.create")
    event = said(payload).event
    assert event["action"] == "reaction.create"
    assert event["objectId"] == payload["data"]["id"]
    assert event["commentId"] == payload["data"]["commentId"]


def test_an_attachments_event_names_its_issue() -> None:
    payload = body("Attachment.create")
    event = said(payload).event
    assert event["action"] == "attachment.create"
    assert event["objectId"] == payload["data"]["id"]
    assert event["issueId"] == payload["data"]["issueId"]


@pytest.mark.parametrize("name", ["ProjectUpdate.create", "Document.create", "Initiative.update"])
def test_the_event_of_a_document_that_the_seed_does_not_know_is_ours(name: str) -> None:
    payload = body(name)
    event = said(payload).event
    assert event["objectId"] == payload["data"]["id"]
    assert event["updatedAt"] == payload["data"]["updatedAt"]
    assert event.get("projectId") == payload["data"].get("projectId")


def test_a_revoked_app_withdraws_its_connection_and_nothing_else_does() -> None:
    payload = body("OAuthApp.revoked")
    assert "revoked" in str(said(payload).withdraws)
    payload["action"] = "create"
    assert said(payload).withdraws is None
    assert all(said(body(name)).withdraws is None for name in NAMES if name != "OAuthApp.revoked")


def test_a_missed_service_level_names_its_issue() -> None:
    payload = body("IssueSLA.breached")
    assert said(payload).event["issueId"] == payload["issueData"]["id"]


def test_an_unknown_type_is_skipped_by_name() -> None:
    assert said(body("Blueprint.create")).skip == "unknown type Blueprint"


def test_names_of_any_length_are_cut() -> None:
    result = said({"type": "T" * 5_000, "action": "a" * 5_000})
    assert len(f"{result.skip}{result.event['action']}") < 400


def test_an_ignored_kind_needs_nothing_but_its_type() -> None:
    event = said({"type": "Cycle"}).event
    assert event == {"type": "linear", "action": "cycle.unknown", "webhookId": ""}


@pytest.mark.parametrize("name", NAMES)
def test_the_recorded_shapes_have_no_drift(name: str) -> None:
    assert said(body(name)).drift == ()


def test_unknown_fields_are_named_sorted_and_bounded() -> None:
    payload = body("Issue.create")
    payload["region"] = "eu"
    payload["data"]["mood"] = payload["data"]["\u0007bell"] = 1
    assert said(payload).drift == ("EntityWebhookPayload.region", "Issue.mood")
    payload["data"] |= {f"extra{n:02}": n for n in range(40)}
    assert len(said(payload).drift) == 20


def test_drift_changes_nothing_else() -> None:
    payload = body("Issue.create")
    expected = upsert(payload)
    payload["data"]["mood"] = "cheerful"
    assert upsert(payload) == expected


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("Issue.create", "type"),
        ("Issue.create", "action"),
        ("Issue.create", "data"),
        ("Issue.create", "data.id"),
        ("Issue.create", "data.title"),
        ("Issue.create", "data.createdAt"),
        ("Issue.create", "data.updatedAt"),
        ("Issue.remove", "data.updatedAt"),
        ("Comment.create", "data.body"),
        ("Comment.remove", "data.id"),
        ("Project.create", "data.name"),
        ("Document.create", "data.title"),
        ("Initiative.update", "data.name"),
        ("ProjectUpdate.create", "data.body"),
        ("Attachment.create", "data.issueId"),
    ],
)
@pytest.mark.parametrize("null", [False, True])
def test_a_required_field_that_is_missing_is_named_by_its_path(
    name: str, path: str, null: bool
) -> None:
    payload = body(name)
    *parents, last = path.split(".")
    place = payload[parents[0]] if parents else payload
    if null:
        place[last] = None
    else:
        del place[last]
    with pytest.raises(BadPayload) as refused:
        said(payload)
    assert (refused.value.path, refused.value.problem) == (path, "missing")


@pytest.mark.parametrize("within", ["payload", "data"])
def test_a_team_that_the_app_may_not_read_any_more_is_told_of_whoever_names_it(
    within: str,
) -> None:
    payload = body("PermissionChange.teamAccessChanged")
    (team,) = payload.pop("addedTeamIds")
    told = payload if within == "payload" else payload.setdefault("data", {})
    for name, expected in (("removedTeamIds", True), ("addedTeamIds", False)):
        told.pop("removedTeamIds", None)
        told[name] = [team]
        (notice,) = said(payload, onlyTeamIds=[team, "another"]).notices
        assert (notice.problem is not None) is expected
        assert team[:8] in notice.name
        assert said(payload, linearTeamId="x").notices == ()
