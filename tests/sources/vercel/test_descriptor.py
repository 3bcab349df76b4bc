"""What Vercel says about itself: whose a delivery is, by id or name, and where identities lie."""

from __future__ import annotations

from typing import Any

import pytest

from ingest.core.errors import BadInput
from ingest.core.signing import sign, verify
from ingest.sources.vercel.descriptor import DESCRIPTOR, SCHEME

METADATA = {"vercelProjectId": "prj_1", "vercelTeamId": "team_1", "projectName": "web"}


def test_the_signature_is_sha1_of_the_raw_body() -> None:
    raw = b'{"id":"evt_1","type":"deployment.created"}'
    assert sign(SCHEME, {}, raw, "vercel_secret") == "507ece7ec831710c18e18adfcb8bbc1aed96db76"
    spaced = b'{ "id" : "evt_1" }\n'
    headers = {"x-vercel-signature": sign(SCHEME, {}, spaced, "vercel_secret")}
    verify(SCHEME, headers, spaced, ["vercel_secret"])


@pytest.mark.parametrize(
    ("payload", "named"),
    [
        ({"project": {"id": "prj_1", "name": "web"}}, ("prj_1",)),
        ({"project": "prj_1"}, ("prj_1",)),
        ({"project": "web", "projectId": "prj_1"}, ("prj_1",)),
        ({"project": "web", "team": {"id": "team_1"}}, ("team:team_1/web", "name:web")),
        ({"project": {"name": "web"}}, ("name:web",)),
        ({"project": {}, "deployment": {"name": "web"}, "team": {}}, ("name:web",)),
        ({"deployment": {"name": "web", "projectId": "prj_1"}}, ("prj_1",)),
        ({"deployment": {"meta": {}}, "name": "web"}, ("name:web",)),
        ({"configuration": {"id": "icfg", "projects": ["prj_1", 7]}}, ("prj_1",)),
        ({"domain": {"name": "halcyon.example"}}, ()),
        (None, ()),
    ],
)
def test_a_delivery_names_its_project(payload: Any, named: tuple[str, ...]) -> None:
    assert DESCRIPTOR.tenants({}, {"payload": payload}) == named


def test_a_name_alone_counts_on_the_connections_own_route_only() -> None:
    assert DESCRIPTOR.connection_tenants(METADATA) == ("prj_1", "team:team_1/web", "team:team_1")
    assert DESCRIPTOR.own_names(METADATA) == {"name:web"}
    assert "name:web" not in DESCRIPTOR.connection_tenants(METADATA)
    assert DESCRIPTOR.connection_tenants({"vercelProjectId": "prj_1", "projectName": "web"}) == (
        "prj_1",
    )
    with pytest.raises(BadInput, match="vercelProjectId"):
        DESCRIPTOR.connection_tenants({"projectName": "web"})


@pytest.mark.parametrize(
    ("told", "host"),
    [
        (None, "api.vercel.com"),
        ("API.Example.com", "api.example.com"),
        ("https://a.b:1/v9", "a.b:1"),
    ],
)
def test_identities_lie_in_the_project_at_its_host(told: str | None, host: str) -> None:
    """Bug: they lay at the host, and one project's connection spoke of another's deployments."""
    metadata = {**METADATA, "apiHost": told}
    assert DESCRIPTOR.scope("name:web", metadata) == f"{host}/{METADATA['vercelProjectId']}"
    assert DESCRIPTOR.api_url(metadata) == f"https://{host}"


@pytest.mark.parametrize(
    ("body", "key"),
    [
        ({"id": "hook_1", "type": "deployment.ready"}, "hook_1"),
        (
            {
                "type": "deployment.ready",
                "createdAt": 5,
                "payload": {"deployment": {"id": "dpl_1"}},
            },
            "deployment.ready:dpl_1:5",
        ),
        (
            {"type": "deployment-ready", "createdAt": 5, "payload": {"deploymentId": "dpl_1"}},
            "deployment-ready:dpl_1:5",
        ),
        ({"type": "domain.created", "createdAt": 5, "payload": {}}, None),
        ({"type": "deployment.ready", "payload": {"deployment": {"id": "dpl_1"}}}, None),
    ],
)
def test_a_delivery_without_an_id_is_known_by_what_it_tells(
    body: dict[str, Any], key: str | None
) -> None:
    assert DESCRIPTOR.delivery_key({}, body) == key
    assert DESCRIPTOR.key_may_be_absent


@pytest.mark.parametrize(
    "token", ["", "short", "Bearer vcp_0123456789abcdef", "vcp_0123456789\nabc"]
)
def test_a_token_that_cannot_be_one_is_refused(token: str) -> None:
    with pytest.raises(BadInput):
        DESCRIPTOR.check_token(token)


def test_a_token_is_taken_as_it_is() -> None:
    DESCRIPTOR.check_token("vcp_0123456789abcdefABCDEF")
