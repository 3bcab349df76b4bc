"""What Notion says about itself: its handshake, its tenant, and what a connection wants of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ingest.core.errors import BadInput
from ingest.core.signing import sign, verify
from ingest.sources.notion.descriptor import DESCRIPTOR, FREE
from tests.sources.notion.deliveries import DATABASE, SCOPE, body

TOKEN = "secret_a-token-that-verifies-nothing-elsewhere"


def token_in(payload: dict[str, Any]) -> str | None:
    assert DESCRIPTOR.verification_token is not None
    return DESCRIPTOR.verification_token(payload)


def test_a_body_of_a_token_alone_is_the_handshake() -> None:
    assert token_in({"verification_token": TOKEN}) == TOKEN


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"verification_token": TOKEN, "id": "x"},
        {"verification_token": "a token"},
        {"verification_token": "secret_"},
        {"verification_token": "secret_\n"},
        {"verification_token": "secret_" + "x" * 1000},
        {"verification_token": None},
        {"verification_token": [TOKEN]},
        body("page.created"),
    ],
)
def test_nothing_else_is_a_handshake(payload: dict[str, Any]) -> None:
    assert token_in(payload) is None


def test_the_token_is_the_key_of_the_signature() -> None:
    raw = json.dumps(body("page.created")).encode()
    headers = {"x-notion-signature": sign(DESCRIPTOR.scheme, {}, raw, TOKEN)}
    assert headers["x-notion-signature"].startswith("sha256=")
    verify(DESCRIPTOR.scheme, headers, raw, [TOKEN])


def test_a_delivery_names_its_workspace_and_no_more() -> None:
    assert DESCRIPTOR.tenants({}, body("page.created")) == (SCOPE,)
    undashed = {"notionWorkspaceId": SCOPE.replace("-", "").upper()}
    assert DESCRIPTOR.connection_tenants(undashed) == (SCOPE,)
    with pytest.raises(BadInput):
        DESCRIPTOR.connection_tenants({})


def test_attempts_of_one_delivery_differ_in_their_number_alone() -> None:
    assert DESCRIPTOR.volatile_fields == {"attempt_number"}
    assert DESCRIPTOR.delivery_key({}, body("page.created")) == body("page.created")["id"]


@pytest.mark.parametrize(
    ("metadata", "wanted"),
    [
        ({}, None),
        ({"databaseIds": []}, None),
        ({"databaseIds": "x"}, None),
        ({"databaseIds": [DATABASE.replace("-", "")]}, frozenset({DATABASE, FREE})),
    ],
)
def test_a_connection_wants_the_rows_of_the_databases_that_it_names(
    metadata: dict[str, Any], wanted: frozenset[str] | None
) -> None:
    assert DESCRIPTOR.connection_filter(metadata) == wanted


def test_a_token_is_one_word() -> None:
    for token in ("ntn_123", "secret_123"):
        DESCRIPTOR.check_token(token)
    for token in ("", "two words", "ntn_\n", "ntn_é"):
        with pytest.raises(BadInput):
            DESCRIPTOR.check_token(token)
