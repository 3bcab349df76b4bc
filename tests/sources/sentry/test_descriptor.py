"""What Sentry says about itself: whose a delivery is, by which of its names, and where."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from ingest.core.errors import BadInput, BadPayload
from ingest.sources.sentry import SOURCE
from tests.sources.sentry.deliveries import CONNECTION, told

DESCRIPTOR = SOURCE.descriptor
_INSTALLATION = "0f1e2d3c-4b5a-4697-8877-665544332211"
_INSTALLED: dict[str, Any] = {**CONNECTION, "webhookId": _INSTALLATION}


def _names(name: str) -> tuple[str, ...]:
    fixture = told(name)
    return DESCRIPTOR.tenants(fixture["headers"], fixture["body"])


@pytest.mark.parametrize("name", ["issue.created", "error.created", "event_alert.triggered"])
def test_issues_and_events_name_their_project_by_its_id(name: str) -> None:
    assert _names(name) == ("501",)


@pytest.mark.parametrize("name", ["comment.created", "metric_alert.critical"])
def test_comments_and_metric_alerts_name_it_by_a_slug(name: str) -> None:
    assert _names(name) == (f"installation:{_INSTALLATION}/web", "slug:web")


def test_an_installation_names_itself_and_what_names_nothing_has_no_name() -> None:
    names = (f"installation:{_INSTALLATION}", "organization:halcyon")
    assert _names("installation.deleted") == names
    assert _names("seer.root_cause_completed") == ()


def test_a_slug_alone_is_no_name_where_another_tenant_could_have_it() -> None:
    names = {"slug:web", "organization:halcyon"}
    assert names.isdisjoint(DESCRIPTOR.connection_tenants(_INSTALLED))
    assert DESCRIPTOR.own_names(CONNECTION) == names


@pytest.mark.parametrize(
    ("project", "names"),
    [
        ({"id": 501, "slug": "web"}, ("501",)),
        ({"slug": "web"}, (f"installation:{_INSTALLATION}/web", "slug:web")),
        ("web", (f"installation:{_INSTALLATION}/web", "slug:web")),
        (None, ()),
    ],
)
def test_a_project_may_be_told_in_many_ways(project: Any, names: tuple[str, ...]) -> None:
    fixture = told("issue.created")
    fixture["body"]["data"]["issue"]["project"] = project
    assert DESCRIPTOR.tenants({}, fixture["body"]) == names


def test_a_connection_stands_for_its_project_and_in_its_installation() -> None:
    assert DESCRIPTOR.connection_tenants(CONNECTION) == ("501",)
    assert DESCRIPTOR.connection_tenants(_INSTALLED) == (
        "501",
        f"installation:{_INSTALLATION}/web",
        f"installation:{_INSTALLATION}",
    )
    with pytest.raises(BadInput, match="sentryProjectId"):
        DESCRIPTOR.connection_tenants({"sentryProjectId": 501})


@pytest.mark.parametrize(
    ("metadata", "host"),
    [
        ({}, "sentry.io"),
        ({"apiHost": "DE.sentry.io"}, "de.sentry.io"),
        ({"apiHost": "errors.halcyon.example:9000"}, "errors.halcyon.example:9000"),
    ],
)
def test_the_scope_is_the_project_at_its_host(metadata: dict[str, Any], host: str) -> None:
    """Bug: it was the host, and one project's connection spoke of another project's issues."""
    told = {**CONNECTION, **metadata}
    assert DESCRIPTOR.scope("slug:web", told) == f"{host}/{CONNECTION['sentryProjectId']}"
    assert DESCRIPTOR.api_url(told) == f"https://{host}/api/0"
    DESCRIPTOR.connection.model_validate(told)


@pytest.mark.parametrize("host", ["https://sentry.io", "sentry.io/api/0", "", "a b"])
def test_a_host_is_a_host(host: str) -> None:
    with pytest.raises(ValidationError):
        DESCRIPTOR.connection.model_validate({**CONNECTION, "apiHost": host})


def test_the_projects_slug_is_the_prefix_of_its_short_ids() -> None:
    assert DESCRIPTOR.owned_prefixes({"sentryProjectSlug": "front-end"}) == {"FRONT-END"}
    assert DESCRIPTOR.owned_prefixes({}) == frozenset()


@pytest.mark.parametrize(
    "token", ["", "two words", "sntrys_\u00e9", "a\nb", "https://k@sentry.io/1"]
)
def test_what_cannot_be_a_token_is_refused(token: str) -> None:
    with pytest.raises(BadInput):
        DESCRIPTOR.check_token(token)


def test_a_token_may_be_old_or_new() -> None:
    DESCRIPTOR.check_token("sntrys_eyJpYXQiOjE3_x-y")
    DESCRIPTOR.check_token("0123456789abcdef" * 4)


@pytest.mark.parametrize(
    "payload",
    [
        {"data": {"project_slug": []}, "installation": {"uuid": "u"}},
        {"data": {"metric_alert": {"projects": {}}}},
        {"data": {"issue": {"project": True}}},
        {"data": {"issue": {"project": {"name": "Web"}}}},
        {"data": {"issue": {"project": {"id": 7.5}}}},
        {"data": {"error": {"project": ["501"]}}},
        {"data": []},
        {"data": {"comment_id": 1}, "installation": []},
        {"data": {"comment_id": 1}, "installation": {"uuid": 7}},
    ],
)
def test_what_is_malformed_is_not_taken_for_what_is_absent(payload: dict[str, Any]) -> None:
    """Bug: it named nothing, and on a connection's own route it passed for the connection's."""
    with pytest.raises(BadPayload):
        DESCRIPTOR.tenants({}, payload)


def test_what_names_nothing_names_nothing() -> None:
    assert DESCRIPTOR.tenants({}, {}) == ()
    assert DESCRIPTOR.tenants({}, {"data": None, "installation": None}) == ()
