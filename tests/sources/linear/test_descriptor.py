"""What Linear says about itself: delivery id, scope, filter, prefixes and connection."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from ingest.core.errors import BadInput, BadPayload
from ingest.core.values import JSON
from ingest.sources.linear import SOURCE
from ingest.sources.linear.types import LinearSourceMetadata
from tests.sources.linear.deliveries import FIXTURES, body

_CONNECTION: dict[str, JSON] = {
    "type": "linear",
    "linearTeamId": "t1",
    "linearTeamKey": "SIG",
    "linearOrganizationId": "org",
    "teamName": "Signals",
}

_descriptor = SOURCE.descriptor


def test_the_delivery_id_is_a_header() -> None:
    fixture = json.loads((FIXTURES / "Issue.create.json").read_text())
    headers = {name.lower(): value for name, value in fixture["headers"].items()}
    told = _descriptor.delivery_key(headers, fixture["body"])
    assert told == fixture["headers"]["Linear-Delivery"]
    assert _descriptor.delivery_key({}, fixture["body"]) is None


def test_the_scope_is_the_organization_which_payloads_of_2021_do_not_name() -> None:
    payload = body("Issue.create")
    assert _descriptor.tenants({}, payload) == (payload["organizationId"],)
    assert _descriptor.tenants({}, body("Issue.create.old")) == ()
    with pytest.raises(BadPayload, match="organizationId"):
        _descriptor.tenants({}, {"organizationId": 7})
    assert _descriptor.connection_tenants(_CONNECTION) == ("org",)
    with pytest.raises(BadInput, match="linearOrganizationId"):
        _descriptor.connection_tenants({})


def test_the_whole_organization_comes_unless_teams_are_named() -> None:
    assert _descriptor.connection_filter(_CONNECTION) is None
    narrowed = _CONNECTION | {"onlyTeamIds": ["t1", "t2"]}
    assert _descriptor.connection_filter(narrowed) == frozenset({"t1", "t2"})


def test_the_connection_owns_its_teams_keys() -> None:
    assert _descriptor.owned_prefixes(_CONNECTION) == {"SIG"}
    assert _descriptor.owned_prefixes(_CONNECTION | {"teamKeys": ["dep"]}) == {"SIG", "DEP"}


def test_the_connections_metadata_is_the_seeds_and_may_hold_more() -> None:
    told = LinearSourceMetadata.model_validate(_CONNECTION | {"region": "eu"})
    assert told.model_dump(by_alias=True, exclude_none=True) == _CONNECTION | {"region": "eu"}
    with pytest.raises(ValidationError):
        LinearSourceMetadata.model_validate(_CONNECTION | {"onlyTeamIds": []})


def test_no_signature_is_kept() -> None:
    assert "linear-signature" not in _descriptor.kept_headers
    assert _descriptor.kept_headers == {name.lower() for name in _descriptor.kept_headers}
