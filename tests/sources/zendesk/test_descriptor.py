"""What Zendesk says about itself: keys of deliveries, scope, secrets, prefixes and tokens."""

from __future__ import annotations

import pytest

from ingest.core.errors import BadInput, BadPayload, BadSignature
from ingest.core.signing import sign, verify
from ingest.core.values import JSON
from ingest.sources.zendesk import SOURCE
from ingest.sources.zendesk.types import ZendeskSourceMetadata
from tests.sources.zendesk.deliveries import CONNECTION, body, headers

_descriptor = SOURCE.descriptor
_INVOKED = {"x-zendesk-webhook-invocation-id": "i1"}
_PUBLIC_SECRET = "dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ=="


def test_an_events_own_id_is_the_key_and_else_the_invocations() -> None:
    payload = body("ticket.created")
    assert _descriptor.delivery_key(_INVOKED, payload) == payload["id"]
    assert _descriptor.delivery_key(_INVOKED, payload | {"id": 77}) == "77"
    nothing: list[JSON] = [None, "", True, {}]
    for absent in nothing:
        assert _descriptor.delivery_key(_INVOKED, payload | {"id": absent}) == "i1"
    assert _descriptor.delivery_key({}, payload | {"id": None}) is None


def test_a_tickets_number_in_a_triggers_body_is_no_key() -> None:
    for id_ in (4512, "4512"):
        told = body("zendesk-trigger") | {"id": id_}
        assert _descriptor.delivery_key(_INVOKED, told) == "i1"


def test_the_account_is_told_by_the_body_or_else_by_a_header() -> None:
    assert _descriptor.tenants({}, body("ticket.created")) == ("900",)
    assert _descriptor.tenants(headers("zendesk-trigger"), body("zendesk-trigger")) == ("900",)
    assert _descriptor.tenants({}, {"account_id": "900"}) == ("900",)
    with pytest.raises(BadPayload, match="account_id"):
        _descriptor.tenants({}, {"account_id": True})
    assert _descriptor.connection_tenants(CONNECTION) == ("900",)
    with pytest.raises(BadInput, match="zendeskAccountId"):
        _descriptor.connection_tenants({})


def test_the_public_secret_of_the_test_button_verifies_nothing_also_while_secrets_rotate() -> None:
    scheme, raw = _descriptor.scheme, b"{}"
    assert scheme.refused_secrets == {_PUBLIC_SECRET}
    told = {"x-zendesk-webhook-signature-timestamp": "2026-03-09T08:00:00Z"}
    signed = told | {"x-zendesk-webhook-signature": sign(scheme, told, raw, _PUBLIC_SECRET)}
    for live in ([_PUBLIC_SECRET], ["old", _PUBLIC_SECRET], [_PUBLIC_SECRET, "new"]):
        with pytest.raises(BadSignature):
            verify(scheme, signed, raw, live)


def test_the_connection_owns_its_subdomains_and_the_common_abbreviation() -> None:
    metadata = CONNECTION | {"zendeskSubdomain": "Halcyon", "brandSubdomains": ["halcyon-freight"]}
    assert _descriptor.owned_prefixes(metadata) == {"halcyon", "halcyon-freight", "ZD"}
    assert _descriptor.owned_prefixes({"brandSubdomains": 7}) == {"ZD"}


def test_the_api_is_the_subdomains() -> None:
    assert _descriptor.api_url(CONNECTION) == "https://halcyon.zendesk.com"


def test_the_connections_metadata_is_the_seeds_and_may_hold_more() -> None:
    more = CONNECTION | {"region": "eu", "includePrivateNotes": True, "brandSubdomains": ["b"]}
    told = ZendeskSourceMetadata.model_validate(more)
    assert told.model_dump(by_alias=True, exclude_none=True) == more


@pytest.mark.parametrize("token", ["a@b.example/token:abc", "0a1b2c3d", "a/token:b"])
def test_a_token_is_an_api_token_with_its_email_or_an_oauth_token(token: str) -> None:
    _descriptor.check_token(token)


@pytest.mark.parametrize(
    "token", ["", " ", "two words", "abc\n", "tökén", "a@b.example:pass", "a@b.example/token:"]
)
def test_what_cannot_be_a_token_is_refused(token: str) -> None:
    with pytest.raises(BadInput, match="email/token:api_token"):
        _descriptor.check_token(token)


def test_no_signature_is_kept() -> None:
    assert "x-zendesk-webhook-signature" not in _descriptor.kept_headers
