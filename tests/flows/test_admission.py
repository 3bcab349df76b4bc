"""What a head alone decides: which body may follow it, and how long it may be."""

from __future__ import annotations

import pytest

from ingest.core.errors import BadSignature, IngestError
from ingest.flows.receiving.admission import (
    LONGEST_HANDSHAKE,
    check_head,
    longest_body,
    too_large,
)
from ingest.flows.receiving.requests import Head
from ingest.flows.receiving.secrets import Secrets
from ingest.sources.registry import source
from tests.factories import METADATA, SECRET, signed

LIMIT = 1_000_000
LIVE, NOTHING = Secrets((SECRET,)), Secrets(())
WAITING, BOTH = Secrets((), shakes=True), Secrets((SECRET,), shakes=True)
shaking = [name for name in METADATA if source(name).descriptor.verification_token]


def head(source_type: str, *, of: str | None = "c1", unsigned: bool = False) -> Head:
    told = signed(source_type, b"")
    if unsigned:
        del told[source(source_type).descriptor.scheme.header.lower()]
    return Head(source_type, of, told)


def longest(told: Head, secrets: Secrets) -> int:
    return longest_body(check_head(told), told, secrets, LIMIT)


@pytest.mark.parametrize("source_type", METADATA)
def test_a_signed_head_lets_a_body_follow_where_something_can_verify_it(source_type: str) -> None:
    assert longest(head(source_type), LIVE) == LIMIT
    with pytest.raises(BadSignature, match="no webhook secret"):
        longest(head(source_type), NOTHING)


@pytest.mark.parametrize("source_type", METADATA)
def test_an_unsigned_head_lets_nothing_follow_where_no_handshake_is_waited_for(
    source_type: str,
) -> None:
    for of in ("c1", None):
        with pytest.raises(BadSignature, match="unsigned"):
            longest(head(source_type, of=of, unsigned=True), LIVE)


@pytest.mark.parametrize("source_type", shaking)
def test_a_handshake_that_is_waited_for_may_follow_and_is_short(source_type: str) -> None:
    unsigned = head(source_type, unsigned=True)
    assert longest(unsigned, WAITING) == longest(unsigned, BOTH) == LONGEST_HANDSHAKE
    assert longest(head(source_type), WAITING) == LONGEST_HANDSHAKE, "nothing can verify it"
    assert longest(head(source_type), BOTH) == LIMIT
    with pytest.raises(BadSignature):
        longest(head(source_type, of=None, unsigned=True), BOTH)


@pytest.mark.parametrize("source_type", sorted(METADATA.keys() - set(shaking)))
def test_a_source_without_a_handshake_has_none(source_type: str) -> None:
    with pytest.raises(BadSignature):
        longest(head(source_type, unsigned=True), BOTH)


def test_a_refusal_of_what_is_too_large_names_a_setting_where_that_helps() -> None:
    assert "INGEST_MAX_BODY_BYTES" in str(too_large(LIMIT))
    assert "INGEST_MAX_BODY_BYTES" not in str(too_large(LONGEST_HANDSHAKE))


@pytest.mark.parametrize("source_type", METADATA)
def test_no_refusal_of_a_head_quotes_what_came(source_type: str) -> None:
    good = head(source_type)
    for name in good.headers:
        wrong = Head(source_type, "c1", {**good.headers, name: "letmein"})
        try:
            check_head(wrong)
        except IngestError as error:
            assert "letmein" not in str(error)  # noqa: PT017 - most of these headers may be so
