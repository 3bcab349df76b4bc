"""No connection of a store speaks for what another tenant's connection stands for.

Each test plays whoever holds the secret of one connection, and looks at the rows of the other.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from ingest.sources.registry import source
from tests.factories import connect, make_store
from tests.flows import halcyon
from tests.flows.desk import Desk, desk
from tests.flows.halcyon import Sent

__all__ = ["desk"]

pytestmark = pytest.mark.integration

SOURCES = Path(__file__).parent.parent / "sources"
STORE = "shared"


def fixture(source_type: str, name: str) -> Sent:
    """A delivery in the provider's shape, free to be bent."""
    told = json.loads((SOURCES / source_type / f"{name}.json").read_text())
    headers = {name.lower(): text for name, text in told["headers"].items()}
    return Sent(source_type, deepcopy(told["body"]), headers)


def bent(sent: Sent, **top: Any) -> Sent:
    """The same delivery with other fields at the top of its body."""
    return Sent(sent.source_type, {**sent.body, **top}, sent.headers)


@pytest.fixture
def store(engine: sa.Engine) -> str:
    return make_store(engine, STORE)


def rows(desk: Desk) -> dict[str, Any]:
    """Everything that a reader sees of the documents in sight."""
    chunks = desk.rows("SELECT * FROM lightfast_document_chunks ORDER BY document_id, position")
    documents = desk.rows("SELECT * FROM lightfast_docs_documents ORDER BY id")
    return {
        row["id"]: (row, [c for c in chunks if c["document_id"] == row["id"]]) for row in documents
    }


def untouched(desk: Desk, before: Mapping[str, Any]) -> bool:
    now = rows(desk)
    return all(now.get(id_) == row for id_, row in before.items())


# Sentry and Vercel: ids that are unique at the host, and belong to one project of it.


def sentry_issue(project: str, action: str = "created", **said: Any) -> Sent:
    sent = fixture("sentry", f"fixtures/issue.{action}")
    sent.body["data"]["issue"] |= {
        "id": "9001",
        "project": {"id": project, "slug": f"project-{project}", "name": "x"},
        **said,
    }
    return sent


def sentry_comment(project: str, action: str, **said: Any) -> Sent:
    sent = fixture("sentry", "fixtures/comment.created")
    told = {"comment_id": 77, "issue_id": 9001, "project_slug": f"project-{project}", **said}
    return bent(sent, action=action, data={**sent.body["data"], **told})


def sentry(engine: sa.Engine, project: str, store: str) -> str:
    named = {"sentryProjectId": project, "sentryProjectSlug": f"project-{project}"}
    return connect(engine, "sentry", named, stores=[store])


def test_a_sentry_project_cannot_touch_another_one_s_issue_or_comment(
    desk: Desk, engine: sa.Engine, store: str
) -> None:
    """Bug: identities lay at the host, so its own secret sufficed to overwrite and delete them."""
    victim, attacker = sentry(engine, "502", store), sentry(engine, "501", store)
    desk.deliver(victim, sentry_issue("502", shortId="PROJECT-502-9"))
    desk.deliver(victim, sentry_comment("502", "created"))
    desk.work()
    before = rows(desk)
    assert len(before) == 2
    desk.deliver(attacker, sentry_issue("501", "resolved", title="owned", shortId="PROJECT-501-9"))
    desk.deliver(attacker, sentry_comment("501", "updated", comment="owned"))
    desk.deliver(attacker, sentry_comment("501", "deleted"))
    desk.work()
    assert untouched(desk, before)


def test_a_sentry_project_cannot_take_another_one_s_short_ids(
    desk: Desk, engine: sa.Engine, store: str
) -> None:
    victim, attacker = sentry(engine, "502", store), sentry(engine, "501", store)
    forged = sentry_issue("501", id="1", shortId="PROJECT-502-9")
    assert desk.end(attacker, forged) == (
        "processed",
        "applied; PROJECT-502 is another connection's, and names nothing of this one",
    )
    desk.end(victim, sentry_issue("502", shortId="PROJECT-502-9"))
    assert desk.found("PROJECT-502-9") == ["PROJECT-502-9"]
    assert len(desk.documents()) == 2


def vercel_deployment(project: str, name: str = "fixtures/deployment.ready") -> Sent:
    sent = fixture("vercel", name)
    sent.body["payload"]["project"] = {"id": project, "name": project}
    sent.body["payload"]["deployment"]["id"] = "dpl_OneOfTheOtherProject1"
    return sent


def test_a_vercel_project_cannot_touch_another_one_s_deployment(
    desk: Desk, engine: sa.Engine, store: str
) -> None:
    """Bug: as with Sentry's, and a clean-up deleted it for good."""
    victim, attacker = (
        connect(engine, "vercel", {"vercelProjectId": id_}, stores=[store])
        for id_ in ("prj_victim", "prj_attacker")
    )
    desk.end(victim, vercel_deployment("prj_victim"))
    before = rows(desk)
    assert len(before) == 1
    forged = vercel_deployment("prj_attacker", "fixtures/deployment.error")
    forged.body["payload"]["deployment"] |= {"errorMessage": "owned"}
    desk.end(attacker, forged)
    gone = vercel_deployment("prj_attacker", "gone/deployment.cleanup")
    desk.end(attacker, gone)
    assert untouched(desk, before)


# GitHub: a name is the word of whoever holds the secret.


@pytest.fixture
def repositories(engine: sa.Engine, store: str) -> tuple[str, str]:
    """Two repositories that feed one store: halcyon/web, and the attacker's."""
    evil = {"githubRepoId": "666", "repoFullName": "evil/web", "owner": "evil"}
    return (
        connect(engine, "github", stores=[store]),
        connect(engine, "github", evil, stores=[store]),
    )


def forged(**said: Any) -> Sent:
    return halcyon.issue(1, repository_id=666, title="Evil", **{"repository": "evil/web", **said})


@pytest.mark.parametrize("first", ["the attacker", "the victim"])
@pytest.mark.parametrize("name", ["halcyon/web", "Halcyon/WEB"])
def test_a_repository_cannot_take_another_one_s_name(
    desk: Desk, repositories: tuple[str, str], first: str, name: str
) -> None:
    """Bug: its issue was called as the real one, and references were bound to it."""
    victim, attacker = repositories
    said = [
        (victim, halcyon.issue(1, title="The real one", body="")),
        (attacker, forged(repository=name, body="")),
    ]
    for to, sent in said if first == "the victim" else said[::-1]:
        desk.end(to, sent)
    desk.end(victim, halcyon.issue(2, body="Relates to halcyon/web#1"))
    query = """
        SELECT t.source_metadata->>'title' AS title FROM lightfast_document_references r
        JOIN lightfast_docs_documents t ON t.id = r.target_document_id
    """
    assert {row["title"] for row in desk.rows(query)} == {"The real one"}
    assert sorted(desk.documents()) == ["evil/web#1", "halcyon/web#1", "halcyon/web#2"]
    names = {row["source_metadata"]["repoFullName"] for row in desk.documents().values()}
    assert names == {"evil/web", "halcyon/web"}


def test_a_repository_cannot_say_that_an_issue_was_another_one_s(
    desk: Desk, repositories: tuple[str, str]
) -> None:
    """Bug: `changes.old_repository` was believed, and the key of the real issue found the other."""
    victim, attacker = repositories
    changes = {
        "old_issue": {"number": 7},
        "old_repository": {"id": 101, "full_name": "halcyon/web"},
    }
    status, reason = desk.end(attacker, bent(forged(action="opened"), changes=changes))
    assert status == "processed"
    assert "halcyon/web is another connection's" in str(reason)
    assert desk.found("halcyon/web#7") == []
    desk.end(victim, halcyon.issue(7))
    assert desk.found("halcyon/web#7") == ["halcyon/web#7"]


def test_a_renamed_repository_takes_its_new_name_where_it_is_nobody_s(
    desk: Desk, repositories: tuple[str, str]
) -> None:
    victim, _ = repositories
    desk.end(victim, halcyon.issue(1, repository="halcyon/site"))
    assert list(desk.documents()) == ["halcyon/site#1"]


@pytest.mark.parametrize("id_", ["101", None, 101.0, [101], True, {}])
@pytest.mark.parametrize("event", ["issues", "repository"])
def test_a_malformed_repository_id_is_dead_with_its_path(
    desk: Desk, repositories: tuple[str, str], event: str, id_: Any
) -> None:
    """Bug: it counted as naming nothing, and was processed as the connection's own."""
    _, attacker = repositories
    sent = halcyon.issue(1, action="deleted")
    sent.body["repository"]["id"] = id_
    status, reason = desk.end(attacker, Sent("github", sent.body, {"x-github-event": event}))
    assert status == "dead"
    assert "repository.id" in str(reason)


# Linear: two organizations in one store.


def test_an_organization_cannot_take_another_one_s_team_key(
    desk: Desk, engine: sa.Engine, store: str
) -> None:
    victim = connect(engine, "linear", stores=[store])
    other = {"linearOrganizationId": "organization-2", "linearTeamKey": "EVIL"}
    attacker = connect(engine, "linear", other, stores=[store])
    forged = halcyon.linear_issue(1, organization="organization-2", id="issue-666")
    desk.end(attacker, forged)
    desk.end(victim, halcyon.linear_issue(1))
    assert desk.found("ENG-1") == ["ENG-1"]
    owner = desk.documents()["ENG-1"]["source_metadata"]["id"]
    assert owner == "issue-1"


# What nobody signs.


@pytest.mark.parametrize("event", ["issues", "repository", "release", "delete", "push", "star"])
def test_a_comment_s_deletion_under_another_event_s_name_deletes_nothing(
    desk: Desk, repositories: tuple[str, str], event: str
) -> None:
    """Bug: as `issues` it deleted the issue, for good; as `repository` it marked that deleted."""
    victim, _ = repositories
    desk.end(victim, halcyon.issue(1))
    desk.end(victim, halcyon.comment(11))
    before = rows(desk)
    sent = halcyon.comment(11, action="deleted")
    status, reason = desk.end(victim, Sent("github", sent.body, {"x-github-event": event}))
    assert status == ("skipped" if event == "star" else "dead")
    assert event in str(reason) or event == "star"
    assert untouched(desk, before)
    assert desk.rows("SELECT * FROM lightfast_connection_conditions") == []


@pytest.mark.parametrize("resource", ["installation", "issue", "error", "event_alert"])
def test_a_sentry_comment_under_another_resource_s_name_does_nothing(
    desk: Desk, engine: sa.Engine, store: str, resource: str
) -> None:
    """Bug: as `installation` it marked the integration uninstalled."""
    victim = sentry(engine, "502", store)
    sent = sentry_comment("502", "deleted")
    headers = {**sent.headers, "sentry-hook-resource": resource}
    status, _ = desk.end(victim, Sent("sentry", sent.body, headers))
    assert status in {"dead", "skipped"}
    assert desk.rows("SELECT * FROM lightfast_connection_conditions") == []


@pytest.mark.parametrize(
    ("source_type", "key", "prefix"),
    [
        ("github", "Acme/Web#12", "acme/web"),
        ("github", "acme/web@v1.2", "acme/web"),
        ("github", "acme/web/discussions/1", "acme/web"),
        ("github", "acme/web:docs/a.md", "acme/web"),
        ("github", "acme/web#12/comment/3", "acme/web"),
        ("github", "docs/a.md", None),
        ("linear", "ENG-12", "ENG"),
        ("linear", "eng-12", "ENG"),
        ("linear", "0a1b2c3d-0000-4000-8000-000000000001", None),
        ("sentry", "FRONT-END-9", "FRONT-END"),
        ("sentry", "1170820242", None),
        ("vercel", "dpl_1", None),
        ("notion", "0a1b2c3d-0000-4000-8000-000000000001", None),
        ("zendesk", "#7890", None),
    ],
)
def test_what_a_key_begins_with(source_type: str, key: str, prefix: str | None) -> None:
    assert source(source_type).descriptor.prefix_of(key) == prefix
