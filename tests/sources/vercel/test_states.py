"""Deployments' events: what each says of a deployment, and what is left alone."""

from __future__ import annotations

import pytest

from ingest.core.changes import Delete, Field, Patch, Refresh, Upsert
from ingest.core.errors import BadPayload
from ingest.core.identity import Identity
from ingest.core.references import Context, Reference, extract
from ingest.sources.later import fresh
from ingest.sources.registry import all_sources
from ingest.sources.vercel.events import name
from tests.sources.vercel.deliveries import LAMPS, body, identity, said, told, upsert


def test_a_deployment_that_is_ready_is_a_document() -> None:
    whole = upsert(body("deployment.ready"))
    commit = "4be1c0ffee4be1c0ffee4be1c0ffee4be1c0ffee"
    assert whole.identity == identity()
    assert whole.source_id == LAMPS
    assert whole.title == "web production deployment 4be1c0f"
    assert whole.body == (
        "Status: READY\nEnvironment: production\nBranch: nina/sig-31-signal-lamps\n"
        f"Commit: {commit}\n\nLight the signal lamps\n\nCloses SIG-31."
    )
    assert whole.metadata == {
        "type": "vercel",
        "kind": "deployment",
        "deploymentId": LAMPS,
        "deploymentUrl": "https://web-h7x2lamp5-halcyon.vercel.app",
        "project": "web",
        "environment": "production",
        "status": "READY",
        "target": "production",
        "commitSha": commit,
        "commitMessage": "Light the signal lamps\n\nCloses SIG-31.",
        "branch": "nina/sig-31-signal-lamps",
        "createdAt": "2026-03-02T10:01:30.000Z",
        "readyAt": "2026-03-02T10:01:30.000Z",
        "url": "https://vercel.com/halcyon/web/Hx7Signals0000Lamps0001",
    }
    assert whole.aliases == ("web-h7x2lamp5-halcyon.vercel.app", commit)
    assert whole.temporal == {"commitSha": commit, "deploymentId": LAMPS}
    assert whole.references == (
        Reference(
            "mention",
            "github",
            "halcyon-rail/web#17",
            "field",
            "meta.githubPrId",
            thing=Identity("github", "501", "issue", "17"),
        ),
    )


def test_the_commit_message_makes_edges_as_in_its_repository() -> None:
    whole = upsert(body("deployment.ready"))
    syntaxes = [s.mentions for s in all_sources().values() if s.mentions is not None]
    found = extract(whole.body, Context("vercel", whole.home), syntaxes)
    assert {(r.kind, r.source, r.key) for r in found} >= {("resolves", "linear", "SIG-31")}


@pytest.mark.parametrize(
    ("fixture", "status", "action"),
    [
        ("deployment.created", "BUILDING", "deployment.created"),
        ("deployment.created.gitlab", "QUEUED", "deployment.created"),
        ("deployment.ready", "READY", "deployment.ready"),
        ("deployment.succeeded", "READY", "deployment.ready"),
        ("deployment.promoted", "READY", "deployment.ready"),
        ("deployment.error", "ERROR", "deployment.error"),
        ("deployment.canceled", "CANCELED", "deployment.canceled"),
        ("deployment.old", "BUILDING", "deployment.created"),
        ("deployment-ready.old", "READY", "deployment.ready"),
    ],
)
def test_a_state_is_looked_up_and_else_taken_at_its_word(
    fixture: str, status: str, action: str
) -> None:
    meaning = said(body(fixture))
    (ask,) = meaning.changes
    assert isinstance(ask, Refresh)
    whole, times = ask.otherwise
    assert isinstance(whole, Upsert)
    assert isinstance(times, Patch)
    assert ask.identity == whole.identity == times.identity
    assert whole.metadata["status"] == status
    assert meaning.event["action"] == action
    assert meaning.event["state"] == status
    assert meaning.event["webhookId"] == "hook_1"
    assert meaning.drift == ()


def test_the_event_is_the_seeds() -> None:
    assert said(body("deployment.created")).event == {
        "type": "vercel",
        "action": "deployment.created",
        "webhookId": "hook_1",
        "deploymentId": LAMPS,
        "deploymentUrl": "https://web-h7x2lamp5-halcyon.vercel.app",
        "state": "BUILDING",
        "environment": "production",
        "triggeredAt": "2026-03-02T10:00:00.000Z",
    }


def test_a_webhook_of_old_names_itself_where_the_connection_does_not() -> None:
    meaning = said(body("deployment-ready.old"), connection={})
    assert meaning.event["webhookId"] == "hook_of_2021"
    assert said(body("deployment.ready"), connection={}).event["webhookId"] == ""


def test_only_what_is_ready_has_been_ready() -> None:
    _, created = told("deployment.created")
    _, ready = told("deployment.ready")
    assert isinstance(created, Patch)
    assert isinstance(ready, Patch)
    assert created.fields == {"createdAt": Field("2026-03-02T10:00:00.000Z", "min")}
    assert ready.fields["readyAt"] == Field("2026-03-02T10:01:30.000Z", "min")


def test_no_target_is_a_preview_without_a_commit() -> None:
    whole = upsert(body("deployment.ready.preview"))
    assert whole.title == "web preview deployment web-k3j9m2q7z-halcyon.vercel.app"
    assert whole.metadata["environment"] == "preview"
    assert not whole.metadata.keys() & {"target", "commitSha", "branch", "commitMessage"}
    assert whole.metadata["deploymentUrl"] == "https://web-k3j9m2q7z-halcyon.vercel.app"


def test_staging_is_a_target_of_previews() -> None:
    metadata = upsert(body("deployment.created.gitlab")).metadata
    assert (metadata["environment"], metadata["target"]) == ("preview", "staging")
    assert metadata["commitSha"] == "0ddba11"
    assert metadata["commitMessage"] == "Ring the bell"


def test_an_error_that_the_payload_does_tell_is_kept() -> None:
    whole = upsert(body("deployment.error.told"))
    said_wrong = 'Command "npm run build" exited with 1 (BUILD_FAILED)'
    assert whole.metadata["errorSummary"] == said_wrong
    assert whole.body.endswith(f"Error: {said_wrong}")
    assert whole.metadata["url"] == whole.metadata["deploymentUrl"]


def test_what_is_not_in_production_yet_brings_no_commit() -> None:
    preview = body("deployment.ready")
    preview["payload"]["target"] = None
    for payload in (preview, body("deployment.error"), body("deployment.created")):
        whole = upsert(payload)
        assert whole.temporal["commitSha"] not in whole.aliases


def test_a_host_that_shows_many_deployments_is_no_alias() -> None:
    assert upsert(body("deployment.error.told")).aliases == ()


def test_the_team_goes_along_as_a_hint() -> None:
    (ask,) = said(body("deployment.ready")).asked
    assert ask.hint == {**fresh(), "teamId": "team_halcyon"}
    assert ask.patience_s > 0
    (personal,) = said(body("deployment.ready.preview")).asked
    assert personal.hint == fresh()


def test_a_cleanup_is_for_good() -> None:
    meaning = said(body("deployment.cleanup"))
    (gone,) = meaning.untokened
    assert isinstance(gone, Delete)
    assert gone.final
    assert gone.identity == identity()
    assert gone.aliases == (LAMPS, "web-h7x2lamp5-halcyon.vercel.app")
    assert meaning.event["action"] == "deployment.cleanup"


def test_a_cleanup_is_looked_up_where_that_can_be() -> None:
    """It comes for what has aged out too, which nobody deleted."""
    (ask,) = said(body("deployment.cleanup")).changes
    assert isinstance(ask, Refresh)
    assert ask.gone
    assert ask.hint == {"teamId": "team_halcyon"}


def test_what_tells_no_state_is_only_a_hint() -> None:
    meaning = said(body("deployment.checks.failed"))
    assert [ask.identity for ask in meaning.asked] == [identity()]
    assert meaning.untokened == ()


def test_a_rollback_hints_at_both_deployments() -> None:
    asked = said(body("deployment.rollback")).asked
    assert [ask.identity.id for ask in asked] == [LAMPS, "dpl_Hx7Signals0000Lamps0000"]


def test_a_removed_project_withdraws_its_own_connection_alone() -> None:
    payload = body("project.removed")
    meaning = said(payload)
    assert meaning.withdraws == "the project was removed"
    assert meaning.skip == "project.removed: the project was removed"
    payload["payload"]["project"]["id"] = "prj_2"
    assert said(payload).withdraws is None


def test_a_removed_integration_withdraws_what_it_could_see() -> None:
    payload = body("integration-configuration.removed")
    assert said(payload).withdraws == "the integration was removed"
    payload["payload"]["configuration"]["projects"] = ["prj_2"]
    assert said(payload).withdraws is None
    payload["payload"]["configuration"]["projects"] = []
    payload["type"] = "integration-configuration-removed"
    assert said(payload).withdraws == "the integration was removed"


@pytest.mark.parametrize(
    ("projects", "told"),
    [
        ({"removed": ["prj_1"]}, {"project": True}),
        ({"added": ["prj_1"]}, {"project": False, "integration": False}),
        ({"added": ["prj_2"], "removed": ["prj_3"]}, {}),
    ],
)
def test_a_project_is_taken_from_an_integration_and_given_back(
    projects: dict[str, list[str]], told: dict[str, bool]
) -> None:
    payload = body("integration-configuration.removed")
    own = payload["payload"]["configuration"]["projects"][0]
    payload["type"] = "integration-configuration.permission-upgraded"
    named = {
        name: [own if one == "prj_1" else one for one in ids] for name, ids in projects.items()
    }
    payload["payload"]["projects"] = named
    notices = said(payload).notices
    assert {one.name: one.problem is not None for one in notices} == told


@pytest.mark.parametrize(
    "kind",
    [
        "domain.certificate-add",
        "domain.certificate.add",
        "project.domain.moved",
        "project.rolling-release.started",
        "alerts.triggered",
        "firewall.attack",
        "deployment.checkrun.start",
        "deployment.integration.action.start",
        "project-created",
    ],
)
def test_known_kinds_are_left_alone_with_a_reason(kind: str) -> None:
    skip = said({"id": "e", "type": kind, "createdAt": 1, "payload": {}}).skip
    assert skip is not None
    assert "unknown" not in skip


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("deployment", "deployment.created"),
        ("deployment-prepared", "deployment.prepared"),
        ("deployment-checks-completed", "deployment.checks-completed"),
        ("project-removed", "project.removed"),
        ("integration-configuration-removed", "integration-configuration.removed"),
        ("deployment.build-requested", "deployment.build-requested"),
        ("something-else", "something-else"),
    ],
)
def test_names_with_hyphens_are_those_of_before_2023(old: str, new: str) -> None:
    assert name(old) == new


@pytest.mark.parametrize(
    ("where", "path"),
    [
        (("createdAt",), "createdAt"),
        (("payload",), "payload"),
        (("payload", "deployment"), "payload.deployment"),
        (("payload", "deployment", "id"), "payload.deployment.id"),
        (("payload", "deployment", "url"), "payload.deployment.url"),
    ],
)
def test_what_no_document_can_do_without_is_named_where_it_is_missing(
    where: tuple[str, ...], path: str
) -> None:
    payload = body("deployment.ready")
    holder = payload
    for step in where[:-1]:
        holder = holder[step]
    holder[where[-1]] = None
    with pytest.raises(BadPayload) as refused:
        said(payload)
    assert refused.value.path == path
    assert refused.value.problem == "missing"


def test_unknown_fields_are_named() -> None:
    payload = body("deployment.ready")
    payload["payload"]["deployment"]["colour"] = "red"
    payload["payload"]["moon"] = 1
    assert said(payload).drift == ("deployment.colour", "payload.moon")


@pytest.mark.parametrize("at", [1_772_445_690_000, "1772445690000", "2026-03-02T10:01:30Z"])
def test_a_time_is_read_in_any_of_its_forms(at: object) -> None:
    payload = body("deployment.ready") | {"createdAt": at}
    assert upsert(payload).metadata["readyAt"] == "2026-03-02T10:01:30.000Z"


def test_the_deployments_own_time_of_creation_is_believed() -> None:
    payload = body("deployment.ready")
    payload["payload"]["deployment"]["createdAt"] = 1_772_445_600_000
    assert upsert(payload).metadata["createdAt"] == "2026-03-02T10:00:00.000Z"


def test_an_old_event_may_name_its_deployment_by_its_id_alone() -> None:
    payload = body("deployment-ready.old")
    del payload["payload"]["deployment"]
    whole = upsert(payload)
    assert whole.source_id == "dpl_Hx7Signals0000Lamps0004"
    assert whole.metadata["project"] == "web"
    del payload["payload"]["url"]
    with pytest.raises(BadPayload, match=r"payload\.deployment\.url"):
        said(payload)


@pytest.mark.parametrize(
    ("project", "named"),
    [({"name": "site"}, "site"), ("site", "site"), ({}, "web-h7x2lamp5-halcyon")],
)
def test_a_deployment_without_a_name_has_its_projects(project: object, named: str) -> None:
    payload = body("deployment.ready")
    del payload["payload"]["deployment"]["name"]
    payload["payload"]["project"] = project
    assert upsert(payload).metadata["project"] == named


def test_a_hint_that_names_no_deployment_is_left_alone() -> None:
    meaning = said({"type": "deployment.blocked", "createdAt": 1, "payload": {}})
    assert meaning.skip == "deployment.blocked: it names no deployment"


@pytest.mark.parametrize(("type_", "problem"), [(None, "missing"), (7, "not a name")])
def test_a_delivery_has_a_type(type_: object, problem: str) -> None:
    with pytest.raises(BadPayload, match=problem):
        said({"type": type_, "payload": {}})
