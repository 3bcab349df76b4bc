"""Deliveries of one small organization: its GitHub repository and its Linear workspace.

The bodies are the fixtures of the sources' own tests, so they have the providers' real shape; a
builder lays over them only what its test is about. Times are seconds of one minute, so that
versions tie easily.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import sqlalchemy as sa

from ingest.store import deliveries
from ingest.store.deliveries import Arrival

REPOSITORY, TWIN_REPOSITORY = 101, 202
ORGANIZATION, TWIN_ORGANIZATION = "organization-1", "organization-2"
TEAMS = {"team-1": "ENG", "team-2": "OPS"}
RECEIVED_AT = datetime(2026, 3, 2, tzinfo=UTC)

_FIXTURES = Path(__file__).parent.parent / "sources"


@dataclass(frozen=True)
class Sent:
    """What a provider sends: its headers and its body, whatever connection gets it."""

    source_type: str
    body: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)

    def arrival(self, connection_id: str | None, key: str | None = None) -> Arrival:
        """The delivery as the receiver stores it; the key is a new one unless it is given."""
        raw = orjson.dumps(self.body)
        return Arrival(
            source_type=self.source_type,
            connection_id=connection_id,
            delivery_key=key or str(uuid.uuid4()),
            body_hash=hashlib.sha256(raw).digest(),
            headers=orjson.dumps(dict(self.headers)).decode(),
            body=raw,
            received_at=RECEIVED_AT,
            lane=connection_id or "",
        )


def deliver(
    conn: sa.Connection, connection_id: str | None, *sent: Sent, key: str | None = None
) -> list[int]:
    """Put deliveries into the queue; their ids."""
    arrivals = [one.arrival(connection_id, key) for one in sent]
    return [id_ for id_, _ in deliveries.insert(conn, arrivals)]


def issue(number: int = 1, at: int = 1, action: str = "edited", **said: Any) -> Sent:
    """An issue of the repository; `at` is the second of its `updated_at`."""
    repository = said.pop("repository", "halcyon/web")
    repository_id = said.pop("repository_id", REPOSITORY)
    body = _fixture("github", "issues.opened")
    body["issue"] |= {"number": number, "id": 1000 + number, "updated_at": second(at), **said}
    return _github("issues", action, body, repository, repository_id)


def comment(id_: int = 11, at: int = 1, action: str = "created", on: int = 1, **said: Any) -> Sent:
    """A comment in the conversation `on`; with `pull_request` where that is one."""
    repository = said.pop("repository", "halcyon/web")
    pull_request = said.pop("pull_request", None)
    body = _fixture("github", "issue_comment.created")
    body["issue"] |= {"number": on, "id": 1000 + on}
    if pull_request is not None:
        body["issue"]["pull_request"] = pull_request
    body["comment"] |= {"id": id_, "updated_at": second(at), **said}
    return _github("issue_comment", action, body, repository)


def pull_request(number: int = 3, at: int = 1, action: str = "edited", **said: Any) -> Sent:
    repository = said.pop("repository", "halcyon/web")
    body = _fixture("github", "pull_request.opened")
    body["pull_request"] |= {"number": number, "updated_at": second(at), **said}
    return _github("pull_request", action, body, repository)


def review(id_: int = 21, at: int = 1, action: str = "submitted", on: int = 3, **said: Any) -> Sent:
    repository = said.pop("repository", "halcyon/web")
    body = _fixture("github", "pull_request_review.submitted")
    body["pull_request"] |= {"number": on}
    body["review"] |= {"id": id_, "submitted_at": second(0), "updated_at": second(at), **said}
    return _github("pull_request_review", action, body, repository)


def review_comment(
    id_: int = 31, at: int = 1, action: str = "created", on: int = 3, **said: Any
) -> Sent:
    """A comment on lines, child of the review 21 unless `pull_request_review_id` says otherwise."""
    repository = said.pop("repository", "halcyon/web")
    body = _fixture("github", "pull_request_review_comment.created")
    body["pull_request"] |= {"number": on}
    body["comment"] |= {"id": id_, "updated_at": second(at), "pull_request_review_id": 21, **said}
    return _github("pull_request_review_comment", action, body, repository)


def linear_issue(
    number: int = 1, at: int = 1, action: str = "update", team: str = "team-1", **said: Any
) -> Sent:
    """The issue `issue-<number>`; its key is that of its team, and its former keys the rest."""
    organization = said.pop("organization", ORGANIZATION)
    body = _fixture("linear", "Issue.create")
    key = f"{TEAMS[team]}-{number}"
    former = [f"{other}-{number}" for other in TEAMS.values() if other != TEAMS[team]]
    body["data"] |= {
        "id": f"issue-{number}",
        "number": number,
        "identifier": key,
        "url": f"https://linear.app/halcyon/issue/{key}",
        "updatedAt": second(at),
        "teamId": team,
        "team": {"id": team, "key": TEAMS[team], "name": team},
        "previousIdentifiers": former if team != "team-1" else [],
        **said,
    }
    return _linear("Issue", action, body, organization)


def linear_comment(
    id_: str = "comment-1",
    at: int = 1,
    action: str = "update",
    on: int = 1,
    team: str | None = "team-1",
    **said: Any,
) -> Sent:
    """A comment on the issue `on`; a reply where `parentId` says to which."""
    body = _fixture("linear", "Comment.create")
    on_issue = {"id": f"issue-{on}", "title": "An issue", "identifier": f"ENG-{on}"}
    if team is not None:
        on_issue["teamId"] = team
    body["data"] |= {
        "id": id_,
        "updatedAt": second(at),
        "issueId": f"issue-{on}",
        "issue": on_issue,
        **said,
    }
    return _linear("Comment", action, body)


def project_comment(
    id_: str = "comment-9", at: int = 1, action: str = "update", **said: Any
) -> Sent:
    """A comment on the project `project-1`."""
    body = _fixture("linear", "Comment.create.on_project")
    project = {"id": "project-1", "name": "Night trains", "url": "https://linear.app/p/1"}
    told = {"id": id_, "updatedAt": second(at), "projectId": "project-1", "project": project}
    body["data"] |= told | said
    return _linear("Comment", action, body)


def project(
    at: int = 1, action: str = "update", teams: Sequence[str] | None = None, **said: Any
) -> Sent:
    """The project `project-1`, of these teams (by default of all)."""
    body = _fixture("linear", "Project.update")
    ids = list(TEAMS if teams is None else teams)
    body["data"] |= {"id": "project-1", "updatedAt": second(at), "teamIds": ids, **said}
    return _linear("Project", action, body)


def second(at: int) -> str:
    return f"2026-03-01T10:00:{at:02d}Z"


def _github(
    event: str, action: str, body: dict[str, Any], repository: str, id_: int = REPOSITORY
) -> Sent:
    body["action"] = action
    body["repository"] |= {"id": id_, "full_name": repository}
    return Sent("github", body, {"x-github-event": event, "content-type": "application/json"})


def _linear(
    type_: str, action: str, body: dict[str, Any], organization: str = ORGANIZATION
) -> Sent:
    body |= {"type": type_, "action": action, "organizationId": organization}
    return Sent("linear", body, {"content-type": "application/json"})


def _fixture(source: str, name: str) -> dict[str, Any]:
    return deepcopy(_read(source, name))


@cache
def _read(source: str, name: str) -> dict[str, Any]:
    text = (_FIXTURES / source / "fixtures" / f"{name}.json").read_text()
    body: dict[str, Any] = json.loads(text)["body"]
    return body
