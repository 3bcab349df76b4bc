"""A name that is another tenant's is believed by no road: payload, look-up, event, reference."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from tests.factories import connect, make_store
from tests.flows import halcyon
from tests.flows.asking_github import ID, Works, works
from tests.flows.desk import Desk, desk
from tests.flows.halcyon import Sent
from tests.flows.test_tenants import fixture, sentry, sentry_issue, vercel_deployment

__all__ = ["desk"]

pytestmark = pytest.mark.integration

EVIL = {"repoFullName": "evil/web", "owner": "evil"}
VICTIM = {"githubRepoId": "303"}


@pytest.fixture
def store(engine: sa.Engine) -> str:
    return make_store(engine, "shared")


@pytest.fixture
def asking(engine: sa.Engine) -> Iterator[Works]:
    """The repository 101, which GitHub calls halcyon/web, beside one whose name that is."""
    with works(engine) as made:
        connect(engine, "github", VICTIM, stores=[made.store])
        yield made


# What a look-up answers is true, and may bear another tenant's name all the same.


def test_a_repository_that_is_looked_up_cannot_take_another_one_s_name(asking: Works) -> None:
    """Bug: only what payloads tell was asked whose name it bears."""
    asking.open(**EVIL)
    sent = halcyon.issue(1, pull_request={"url": "x"})
    page = "https://github.com/halcyon/web/pull/1"
    told = halcyon.pull_request(1, html_url=page).body["pull_request"]
    asking.github.put(ID, "pull_request", told)
    asking.end(sent)
    (row,) = asking.rows("SELECT source_id, source_metadata FROM lightfast_docs_documents")
    assert row["source_id"] == "evil/web#1"
    assert row["source_metadata"]["repoFullName"] == "evil/web"


def test_a_file_cannot_be_called_as_another_repository_s_issue(asking: Works) -> None:
    """Bug: a path is a key too, and `halcyon/web#1` a path."""
    asking.open(**EVIL, include=["**"])
    asking.end(asking.push({"halcyon/web#1": "# Not the issue"}))
    rows = asking.rows(
        "SELECT d.source_id AS key FROM lightfast_docs_documents d"
        " UNION SELECT alias FROM lightfast_document_aliases"
    )
    assert {row["key"] for row in rows} == {
        f"{ID}/file/halcyon/web#1",
        "evil/web:halcyon/web#1",
    }


def test_a_look_up_says_in_the_reason_whose_the_name_is(asking: Works) -> None:
    asking.open(include=["**"])
    connect(asking.engine, "github", {"githubRepoId": "7", **EVIL}, stores=[asking.store])
    ended = asking.end(asking.push({"evil/web#1": "# Not the issue"}))
    said = "looked up; evil/web is another connection's, and names nothing of this one"
    assert ended == [("processed", said)]


# Events are called as the documents are.


@pytest.mark.parametrize("event", ["issues", "push", "star"])
def test_the_log_of_events_does_not_believe_the_name_either(
    desk: Desk, engine: sa.Engine, store: str, event: str
) -> None:
    connect(engine, "github", stores=[store])
    attacker = connect(engine, "github", {"githubRepoId": "666", **EVIL}, stores=[store])
    sent = halcyon.issue(1, repository_id=666)
    if event != "issues":
        body = {"ref": "refs/tags/v1", "repository": sent.body["repository"]}
        sent = Sent("github", body, {"x-github-event": event})
    desk.end(attacker, sent)
    (row,) = desk.rows("SELECT event_metadata AS told FROM lightfast_ingestion_events")
    assert row["told"]["repository"] == "evil/web"


def test_a_sentry_project_does_not_go_by_another_one_s_slug(
    desk: Desk, engine: sa.Engine, store: str
) -> None:
    sentry(engine, "502", store)
    attacker = sentry(engine, "501", store)
    sent = sentry_issue("501", shortId="PROJECT-501-9")
    sent.body["data"]["issue"]["project"]["slug"] = "project-502"
    desk.end(attacker, sent)
    (row,) = desk.documents().values()
    assert row["source_metadata"]["project"] == "project-501"


# References: a key that several tenants have is each one's own, and nobody else's.


BOUND = """
    SELECT DISTINCT s.scope AS said_in, t.scope AS bound_to FROM lightfast_document_references r
    JOIN lightfast_document_ledger s ON s.document_id = r.document_id
    JOIN lightfast_document_ledger t ON t.document_id = r.target_document_id
"""


def bound(desk: Desk) -> list[tuple[str, str]]:
    return [(row["said_in"], row["bound_to"]) for row in desk.rows(BOUND)]


@pytest.mark.parametrize("first", ["the attacker", "the victim"])
def test_a_sentry_id_that_another_project_claims_takes_no_reference(
    desk: Desk, engine: sa.Engine, store: str, first: str
) -> None:
    """Bug: an issue without a short id is called by its number, as the victim's is too, and a
    present key stood above a further one.
    """
    victim, attacker = sentry(engine, "502", store), sentry(engine, "501", store)
    github = connect(engine, "github", stores=[store])
    page = "https://sentry.io/organizations/halcyon/issues/9001/"
    desk.end(github, halcyon.issue(1, body=f"See {page}"))
    said = [
        (victim, sentry_issue("502", shortId="PROJECT-502-9")),
        (attacker, sentry_issue("501", shortId=None)),
    ]
    to, sent = said[first == "the attacker"]
    desk.end(to, sent)
    assert bound(desk) == [("101", "sentry.io/501" if to == attacker else "sentry.io/502")]
    to, sent = said[first != "the attacker"]
    desk.end(to, sent)
    assert bound(desk) == []


def test_a_deployment_cannot_be_called_by_another_one_s_host(
    desk: Desk, engine: sa.Engine, store: str
) -> None:
    victim, attacker = (
        connect(engine, "vercel", {"vercelProjectId": id_, "projectName": id_}, stores=[store])
        for id_ in ("prj_victim", "prj_attacker")
    )
    github = connect(engine, "github", stores=[store])
    genuine, forged = vercel_deployment("prj_victim"), vercel_deployment("prj_attacker")
    host = genuine.body["payload"]["deployment"]["url"]
    forged.body["payload"]["deployment"]["id"] = host
    desk.end(victim, genuine)
    desk.end(github, halcyon.issue(1, body=f"See https://{host}"))
    assert bound(desk) == [("101", "api.vercel.com/prj_victim")]
    desk.end(attacker, forged)
    assert bound(desk) == []


def ticket(account: int, number: int, description: str) -> Sent:
    sent = fixture("zendesk", "fixtures/ticket.created")
    detail = {**sent.body["detail"], "id": str(number), "description": description}
    body = {**sent.body, "account_id": account, "subject": "", "detail": detail}
    return Sent("zendesk", body, sent.headers)


def test_a_number_in_a_text_is_the_ticket_of_its_own_account(
    desk: Desk, engine: sa.Engine, store: str
) -> None:
    """Bug: of two accounts with a ticket of one number, either's was bound for both."""
    one = connect(engine, "zendesk", stores=[store])
    evil = {"zendeskAccountId": "901", "zendeskSubdomain": "evil"}
    other = connect(engine, "zendesk", evil, stores=[store])
    for to, account in ((one, 900), (other, 901)):
        desk.end(to, ticket(account, 7890, "It rains."))
        desk.end(to, ticket(account, 7891, "As in #7890"))
    assert sorted(bound(desk)) == [("900", "900"), ("901", "901")]


# One secret for several accounts: a name counts in its account alone.


def told_by(source_type: str, account: str | None) -> Sent:
    """What names its project by name, in this account."""
    if source_type == "sentry":
        sent = fixture("sentry", "fixtures/comment.created")
        told: Any = {"uuid": account} if account else None
        data = {**sent.body["data"], "project_slug": "web"}
        return Sent("sentry", {**sent.body, "data": data, "installation": told}, sent.headers)
    sent = fixture("vercel", "fixtures/deployment.ready")
    payload = sent.body["payload"]
    deployment = {**payload["deployment"], "name": "web", "projectId": None}
    team = {"id": account} if account else None
    told = {**payload, "deployment": deployment, "team": team, "project": None, "projectId": None}
    return Sent("vercel", {**sent.body, "payload": told, "teamId": None}, sent.headers)


@pytest.mark.parametrize(
    ("source_type", "account"), [("sentry", "webhookId"), ("vercel", "vercelTeamId")]
)
@pytest.mark.parametrize("told", ["ours", "theirs", None])
def test_a_project_of_the_same_name_in_another_account_is_another_one(
    desk: Desk, engine: sa.Engine, store: str, source_type: str, account: str, told: str | None
) -> None:
    """Bug: what was captured of one account was applied on the route of the other, where both
    have the secret of one app.
    """
    to = connect(engine, source_type, {account: "ours"}, stores=[store])
    status, reason = desk.end(to, told_by(source_type, told))
    if told == "theirs":
        assert (status, reason) == ("skipped", "outside connection")
    else:
        assert status == "processed", reason


def test_an_integration_that_another_team_removed_is_not_this_one_s(
    desk: Desk, engine: sa.Engine, store: str
) -> None:
    to = connect(engine, "vercel", {"vercelTeamId": "ours"}, stores=[store])
    removed = fixture("vercel", "fixtures/integration-configuration.removed")
    for team in ("theirs", "ours"):
        assert desk.rows("SELECT * FROM lightfast_connection_flags") == []
        payload = {"team": {"id": team}, "configuration": {"id": "icfg_1", "projects": []}}
        desk.end(to, Sent("vercel", {**removed.body, "id": team, "payload": payload}))
    (row,) = desk.rows("SELECT flag, said FROM lightfast_connection_flags")
    assert row == {"flag": "integration", "said": "the integration was removed"}


def test_a_repository_that_is_null_was_not_deleted(
    desk: Desk, engine: sa.Engine, store: str
) -> None:
    """Bug: it named nothing, and the connection's own was marked deleted."""
    to = connect(engine, "github", stores=[store])
    body = {"action": "deleted", "repository": None}
    ended = desk.end(to, Sent("github", body, {"x-github-event": "repository"}))
    assert ended[0] == "dead"
    assert "repository" in str(ended[1])
    assert desk.rows("SELECT * FROM lightfast_connection_conditions") == []
    assert desk.rows("SELECT * FROM lightfast_connection_flags") == []


@pytest.mark.parametrize("told", [True, [], "x", 1.5, ""])
def test_an_installation_that_is_none_removes_nothing(
    desk: Desk, engine: sa.Engine, store: str, told: Any
) -> None:
    """Bug: it named nothing, and the connection's own was marked uninstalled."""
    to = connect(engine, "sentry", stores=[store])
    sent = fixture("sentry", "fixtures/installation.deleted")
    body = {**sent.body, "data": {"installation": told}}
    ended = desk.end(to, Sent("sentry", body, sent.headers))
    assert ended[0] == "dead"
    assert "data.installation" in str(ended[1])
    assert desk.rows("SELECT * FROM lightfast_connection_conditions") == []


@pytest.mark.parametrize("told", ["", {}, {"framework": "nextjs"}])
def test_a_project_without_id_and_name_is_nobody_s(
    desk: Desk, engine: sa.Engine, store: str, told: Any
) -> None:
    to = connect(engine, "vercel", stores=[store])
    sent = fixture("vercel", "fixtures/deployment.rollback")
    body = {**sent.body, "payload": {**sent.body["payload"], "project": told}}
    ended = desk.end(to, Sent("vercel", body))
    assert ended[0] == "dead"
    assert "payload.project" in str(ended[1])
