"""A receiver of one's own: what callers and messages may hand in."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ingest.core.errors import BadRequest, IngestError
from ingest.flows.receiving.intake import Intake
from ingest.flows.receiving.messages import EnqueueArguments, from_call, from_message
from ingest.flows.receiving.secrets import ConnectionSecrets, Keyring, Secrets
from tests.factories import SECRET, signed

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def message(**told: Any) -> EnqueueArguments:
    return EnqueueArguments(**{"source_type": "github", "headers": {}, "body": "{}", **told})


def test_header_names_are_taken_in_any_case_and_the_first_of_a_list_counts() -> None:
    headers: Any = {"X-GitHub-Event": ["push", "ping"], "User-Agent": "a"}
    found = from_call("github", headers, b"{}", None, now=NOW)
    assert found.headers == {"x-github-event": "push", "user-agent": "a"}


@pytest.mark.parametrize("body", [b"\xff{}", b"", "{\u00e4}".encode()])
def test_a_body_in_base64_comes_out_to_the_byte(body: bytes) -> None:
    headers = {"Content-Transfer-Encoding": "Base64"}
    for written in (base64.b64encode(body), base64.encodebytes(body)):
        found = from_message(message(headers=headers, body=written.decode()), now=NOW)
        assert found.body == body
        assert not found.headers


def test_a_body_of_text_is_its_utf_8() -> None:
    assert from_message(message(body="{ä}"), now=NOW).body == "{ä}".encode()


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (None, NOW),
        ("2026-03-02T11:00:00Z", NOW - timedelta(hours=1)),
        ("2026-03-02T12:00:00+01:00", NOW - timedelta(hours=1)),
        ((NOW - timedelta(hours=1)).timestamp(), NOW - timedelta(hours=1)),
        ("2099-01-01T00:00:00Z", NOW),
    ],
)
def test_the_callers_time_of_receipt_counts_unless_it_is_to_come(
    told: object, expected: datetime
) -> None:
    assert from_message(message(received_at=told), now=NOW).received_at == expected


@pytest.mark.parametrize(
    "told",
    [
        {"source_type": 1},
        {"connection_id": 1},
        {"headers": []},
        {"headers": {"a": 1}},
        {"body": None},
        {"body": "\ud800"},
        {"body": "%", "headers": {"content-transfer-encoding": "base64"}},
        {"received_at": "yesterday"},
        {"received_at": True},
        {"received_at": 1e300},
        {"received_at": []},
    ],
    ids=str,
)
def test_a_message_that_makes_no_sense_is_refused_for_good(told: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        from_message(message(**told), now=NOW)


HANDSHAKE = '{"verification_token": "secret_canary"}'


@pytest.mark.parametrize(
    "told",
    [
        {"source_type": HANDSHAKE},
        {"source_type": "secret_canary"},
        {"received_at": HANDSHAKE},
        {"body": "\ud800", "headers": {"content-transfer-encoding": "secret_canary"}},
        {"connection_id": HANDSHAKE},
        {"headers": {"secret_canary": HANDSHAKE}},
    ],
    ids=str,
)
def test_a_refusal_of_arguments_in_the_wrong_places_quotes_none(told: dict[str, Any]) -> None:
    """Bug: a handshake's body in the place of the source type stood in the worker's log."""
    intake = Intake(Keyring(lambda _: {}, {"github": (SECRET,)}), lambda _: [], lambda: None, 99)
    with pytest.raises(IngestError) as caught:
        intake.take(from_message(message(**told), now=NOW))
    assert "canary" not in str(caught.value)


def test_a_text_instead_of_the_raw_bytes_is_refused_by_name() -> None:
    body: Any = "{}"
    with pytest.raises(BadRequest, match="raw bytes"):
        from_call("github", {}, body, None, now=NOW)


def test_what_was_accepted_is_rung_for_and_nothing_else() -> None:
    rung: list[str] = []
    keyring = Keyring(
        lambda ids: dict.fromkeys(ids, ConnectionSecrets("github", Secrets((SECRET,)))), {}
    )
    answers = iter([(1, True), (1, False)])
    intake = Intake(keyring, lambda _: [next(answers)], lambda: rung.append("bell"), 100)
    incoming = from_call("github", signed("github", b"{}"), b"{}", "c1", now=NOW)
    assert [intake.take(incoming).status for _ in range(2)] == ["accepted", "duplicate"]
    assert rung == ["bell"]


def test_a_body_over_the_limit_is_refused_before_it_is_looked_at() -> None:
    intake = Intake(Keyring(lambda _: {}, {}), lambda _: [], lambda: None, 3)
    with pytest.raises(BadRequest) as caught:
        intake.take(from_call("github", {}, b"four", "c1", now=NOW))
    assert caught.value.status == 413
