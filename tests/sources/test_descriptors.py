"""What each source says about itself: delivery ids, scopes and connections, with odd payloads."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from ingest.core.errors import BadInput
from ingest.sources.registry import source

_CONNECTIONS: dict[str, dict[str, Any]] = {
    "notion": {
        "type": "notion",
        "notionWorkspaceId": "w1",
        "notionWorkspaceName": "Halcyon",
        "databaseIds": [],
    },
    "sentry": {
        "type": "sentry",
        "sentryOrganizationSlug": "halcyon",
        "sentryProjectSlug": "api",
        "sentryProjectId": "201",
    },
    "vercel": {"type": "vercel", "vercelProjectId": "prj_1", "projectName": "web"},
    "zendesk": {"type": "zendesk", "zendeskSubdomain": "halcyon", "zendeskAccountId": "123456"},
}


@pytest.mark.parametrize(
    ("name", "headers", "payload", "key"),
    [
        ("notion", {}, {"id": "n1"}, "n1"),
        ("notion", {}, {}, None),
        ("sentry", {"request-id": "r1"}, {}, "r1"),
        ("sentry", {}, {"id": "body"}, None),
        ("vercel", {}, {"id": "evt_1"}, "evt_1"),
        ("vercel", {}, {"id": 7}, None),
        ("zendesk", {"x-zendesk-webhook-invocation-id": "i1"}, {"id": "e1"}, "e1"),
        ("zendesk", {"x-zendesk-webhook-invocation-id": "i1"}, {"ticket_id": 5}, "i1"),
        ("zendesk", {}, {}, None),
    ],
)
def test_delivery_ids(
    name: str, headers: dict[str, str], payload: dict[str, Any], key: str | None
) -> None:
    assert source(name).descriptor.delivery_key(headers, payload) == key


@pytest.mark.parametrize(
    ("name", "headers", "payload", "tenant"),
    [
        ("notion", {}, {"workspace_id": "w1"}, "w1"),
        ("notion", {}, {"verification_token": "secret_x"}, None),
        ("sentry", {}, {"data": {"issue": {"project": {"id": "201"}}}}, "201"),
        ("sentry", {}, {"data": {"event": {"project": 201}}}, "201"),
        ("sentry", {}, {"data": {"error": {"project": 201}}}, "201"),
        ("sentry", {}, {"data": {"comment": "x", "project_slug": "api"}}, "slug:api"),
        ("sentry", {}, {"data": {}}, None),
        ("vercel", {}, {"payload": {"project": {"id": "prj_1"}}}, "prj_1"),
        ("vercel", {}, {"payload": {"project": "web", "projectId": "prj_1"}}, "prj_1"),
        ("vercel", {}, {"payload": {"project": {"name": "web"}}}, "name:web"),
        ("vercel", {}, {"payload": {"domain": {"name": "halcyon.example"}}}, None),
        ("vercel", {}, {"payload": None}, None),
        ("zendesk", {}, {"account_id": 123456}, "123456"),
        ("zendesk", {"x-zendesk-account-id": "123456"}, {"ticket_id": 5}, "123456"),
        ("zendesk", {}, {"account_id": None}, None),
    ],
)
def test_scopes_that_payloads_name(
    name: str, headers: dict[str, str], payload: dict[str, Any], tenant: str | None
) -> None:
    named = (tenant,) if tenant else ()
    assert source(name).descriptor.tenants(headers, payload) == named


@pytest.mark.parametrize(
    ("name", "tenant"),
    [("notion", "w1"), ("sentry", "201"), ("vercel", "prj_1"), ("zendesk", "123456")],
)
def test_connections_are_the_seeds(name: str, tenant: str) -> None:
    descriptor = source(name).descriptor
    metadata = _CONNECTIONS[name] | {"region": "eu"}
    told = descriptor.connection.model_validate(metadata)
    assert told.model_dump(by_alias=True, exclude_none=True) == metadata
    assert descriptor.connection_tenants(metadata)[0] == tenant
    with pytest.raises(ValidationError):
        descriptor.connection.model_validate({"type": name})
    with pytest.raises(BadInput):
        descriptor.connection_tenants({})


def test_only_zendesk_has_no_secret_for_everybody() -> None:
    names = ("linear", "notion", "sentry", "vercel", "zendesk")
    signs = {name: source(name).descriptor.signs_for_all_tenants for name in names}
    assert [name for name in names if not signs[name]] == ["zendesk"]
