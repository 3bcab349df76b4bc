"""Laws of the signature: over the raw bytes, with every live secret, fresh where a time is signed.

What they protect: nobody but the provider can make a document.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from ingest.core.errors import BadSignature, TooLate
from ingest.core.signing import Scheme, check_form, check_fresh, verify
from ingest.core.values import JSON
from ingest.testing.laws.fixtures import RECEIVED_AT, Fixture
from ingest.testing.signing import dated, request

SECRET, OTHER_SECRET = "the live secret of a test", "a secret that is not live"


def _sent(fixture: Fixture, secret: str = SECRET) -> tuple[Scheme, dict[str, str], bytes]:
    scheme = fixture.source.descriptor.scheme
    sent = request(scheme, fixture.headers, fixture.body, secret=secret, sent_at=RECEIVED_AT)
    return scheme, dict(sent.headers), sent.body


def test_a_signed_delivery_is_believed(fixture: Fixture) -> None:
    """What the provider really sends gets in.

    Remedy: compare the `Scheme` with the provider's page on signatures: header, digest, encoding,
    prefix, and what is signed in front of the body. A header that is signed too stands in fixtures.
    """
    scheme, headers, raw = _sent(fixture)
    check_form(scheme, headers)
    verify(scheme, headers, raw, [SECRET])


def test_a_changed_body_is_refused(fixture: Fixture) -> None:
    """A delivery that somebody changed on its way makes no document.

    Remedy: a `Scheme` signs the whole raw body; do not name a header as its prefix in its place.
    """
    scheme, headers, raw = _sent(fixture)
    middle = len(raw) // 2
    flipped = raw[:middle] + bytes([raw[middle] ^ 1]) + raw[middle + 1 :]
    for changed in (flipped, raw + b" ", raw[:-1], b""):
        with pytest.raises(BadSignature):
            verify(scheme, headers, changed, [SECRET])


def test_a_changed_signature_header_is_refused(fixture: Fixture) -> None:
    """A signature is the whole of its header, and covers every header that it says it covers.

    Remedy: the `Scheme`'s `prefix` is what stands before the digest, letter by letter.
    """
    scheme, headers, raw = _sent(fixture)
    name = scheme.header.lower()
    for changed in (headers[name][:-1], headers[name] + "0", headers[name][1:], "\u00e9"):
        with pytest.raises(BadSignature):
            verify(scheme, headers | {name: changed}, raw, [SECRET])
    if scheme.prefix_header is not None:
        moved = headers | {scheme.prefix_header.lower(): "another text"}
        with pytest.raises(BadSignature):
            verify(scheme, moved, raw, [SECRET])


def test_an_unsigned_delivery_is_refused(fixture: Fixture) -> None:
    """Whoever leaves the signature out is not believed.

    Remedy: take out of `other_headers` what the provider does not sign with.
    """
    scheme, headers, raw = _sent(fixture)
    del headers[scheme.header.lower()]
    for unsigned in (headers, headers | {scheme.header.lower(): ""}):
        with pytest.raises(BadSignature, match="unsigned"):
            verify(scheme, unsigned, raw, [SECRET])


def test_while_secrets_rotate_the_old_and_the_new_are_believed_and_no_third(
    fixture: Fixture,
) -> None:
    """A secret can be changed without losing a delivery, and without letting anybody else in.

    Remedy: none of the source's own; the `Scheme` is what decides.
    """
    for signer in ("the old secret", "the new secret"):
        scheme, headers, raw = _sent(fixture, signer)
        verify(scheme, headers, raw, ["the old secret", "the new secret"])
        with pytest.raises(BadSignature):
            verify(scheme, headers, raw, [OTHER_SECRET])


def test_without_a_secret_nothing_is_believed(fixture: Fixture) -> None:
    """Where nothing can verify a delivery it is refused, not taken.

    Remedy: none of the source's own; the `Scheme` is what decides.
    """
    scheme, headers, raw = _sent(fixture, "")
    for nothing in ([], [""], ["", ""]):
        with pytest.raises(BadSignature, match="no webhook secret"):
            verify(scheme, headers, raw, nothing)


def test_a_stale_delivery_is_refused_where_a_time_is_signed_and_else_none_is(
    fixture: Fixture,
) -> None:
    """Whoever captured a delivery cannot send it again tomorrow, where the provider signs a time.

    Remedy: `SignedTime` says where the time stands, how it is written, and how far it may be off.
    """
    scheme, second = fixture.source.descriptor.scheme, timedelta(seconds=1)
    if scheme.time is None:
        for age in (timedelta(days=400), -timedelta(days=400)):
            check_fresh(scheme, *_sent_before(fixture, age), RECEIVED_AT)
        return
    window = scheme.time.window
    ahead = window if scheme.time.ahead is None else scheme.time.ahead
    for age in (timedelta(0), window, -ahead):
        check_fresh(scheme, *_sent_before(fixture, age), RECEIVED_AT)
    with pytest.raises(TooLate if scheme.time.drops_late else BadSignature):
        check_fresh(scheme, *_sent_before(fixture, window + second), RECEIVED_AT)
    with pytest.raises(BadSignature):
        check_fresh(scheme, *_sent_before(fixture, -ahead - second), RECEIVED_AT)


def _sent_before(fixture: Fixture, age: timedelta) -> tuple[dict[str, str], dict[str, JSON]]:
    scheme = fixture.source.descriptor.scheme
    return dated(scheme, fixture.headers, fixture.body, RECEIVED_AT - age)


def test_no_signature_is_ever_stored(fixture: Fixture) -> None:
    """What is stored of a delivery cannot be used to send it again.

    Remedy: `kept_headers` names what is stored, in lower case, and no header with a signature.
    """
    descriptor = fixture.source.descriptor
    signatures = {h.lower() for h in (descriptor.scheme.header, *descriptor.scheme.other_headers)}
    assert not descriptor.kept_headers & signatures, "kept_headers names a signature's header"
    odd = {name for name in descriptor.kept_headers if name != name.lower()}
    assert not odd, f"kept_headers are not in lower case: {sorted(odd)}"
