"""What GitHub says about itself: signature, tenant, handshake and connection."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from ingest.core.errors import BadInput, BadPayload
from ingest.core.signing import verify
from ingest.sources.github import SOURCE
from tests.sources.github.deliveries import FIXTURES, body, message

DESCRIPTOR = SOURCE.descriptor
CONNECTION: dict[str, Any] = {
    "type": "github",
    "githubRepoId": "510001",
    "githubInstallationId": "220001",
    "repoFullName": "acme/payments",
    "owner": "acme",
    "defaultBranch": "main",
    "private": True,
    "permissions": {"admin": False, "push": False, "pull": True},
}


def test_githubs_own_test_vector_verifies() -> None:
    """docs.github.com, "Validating webhook deliveries"."""
    signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    headers = {"x-hub-signature-256": signature}
    verify(DESCRIPTOR.scheme, headers, b"Hello, World!", ["It's a Secret to Everybody"])


def test_no_signature_is_kept() -> None:
    assert not any("signature" in name for name in DESCRIPTOR.kept_headers)
    assert all(name == name.lower() for name in DESCRIPTOR.kept_headers)


@pytest.mark.parametrize("fixture", FIXTURES)
def test_every_delivery_has_its_guid_as_key(fixture: str) -> None:
    headers = message(fixture).headers
    assert DESCRIPTOR.delivery_key(headers, {}) == headers["x-github-delivery"]
    assert all(headers.get(name) for name in DESCRIPTOR.needed_headers)


def test_a_delivery_without_a_guid_has_no_key() -> None:
    assert DESCRIPTOR.delivery_key({}, {}) is None


def test_the_tenant_is_the_repositorys_id_because_names_change() -> None:
    assert DESCRIPTOR.tenants({}, body("issues.opened")) == ("510001",)
    assert DESCRIPTOR.tenants({}, body("push")) == ("510001",)


def test_a_payload_that_names_no_repository_names_no_tenant() -> None:
    assert DESCRIPTOR.tenants({}, {"repository": None}) == ()
    assert DESCRIPTOR.tenants({}, body("installation.created")) == ()


@pytest.mark.parametrize("id_", [True, "101", "x", 101.0, [101], {"id": 101}, None, -1, 2**63, ""])
def test_a_malformed_id_is_an_error_with_its_path(id_: Any) -> None:
    """Bug: it named nothing, and on a connection's own route it passed for the connection's."""
    with pytest.raises(BadPayload, match=r"repository\.id"):
        DESCRIPTOR.tenants({}, {"repository": {"id": id_, "full_name": "acme/payments"}})


@pytest.mark.parametrize("repository", ["acme/payments", ["acme/payments"], 7, True])
def test_a_repository_that_is_none_is_an_error_with_its_path(repository: Any) -> None:
    with pytest.raises(BadPayload, match="repository"):
        DESCRIPTOR.tenants({}, {"repository": repository})


def test_only_a_ping_is_a_handshake() -> None:
    pings = [f for f in FIXTURES if DESCRIPTOR.is_handshake(message(f).headers, {})]
    assert pings == ["ping"]


def test_a_connection_is_the_seeds_and_keeps_further_fields() -> None:
    read = DESCRIPTOR.connection.model_validate(CONNECTION | {"language": None, "team": "core"})
    written = read.model_dump(by_alias=True, exclude_none=True)
    assert written == CONNECTION | {"team": "core"}
    assert DESCRIPTOR.connection_tenants(written) == ("510001", "installation:220001")
    alone = written | {"githubInstallationId": "0"}
    assert DESCRIPTOR.connection_tenants(alone) == ("510001",)


def test_a_connections_ids_may_be_given_as_numbers() -> None:
    read = DESCRIPTOR.connection.model_validate(CONNECTION | {"githubRepoId": 510001})
    assert read.model_dump(by_alias=True)["githubRepoId"] == "510001"


@pytest.mark.parametrize("field", CONNECTION)
def test_a_connection_lacks_nothing_of_the_seeds(field: str) -> None:
    with pytest.raises(ValidationError):
        DESCRIPTOR.connection.model_validate({k: v for k, v in CONNECTION.items() if k != field})


def test_a_connection_without_a_repository_is_refused_in_one_clear_line() -> None:
    with pytest.raises(BadInput, match="githubRepoId"):
        DESCRIPTOR.connection_tenants({"type": "github"})
