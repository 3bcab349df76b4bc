"""Signatures of webhooks: the schemes as data, and their one verification. Performs no I/O.

A scheme is verified over the raw bytes, in constant time, against every live secret. Nothing to
verify against is a refusal. Whether the signed time is fresh is judged here too, at receipt, with
the time of receipt passed in; a worker never asks again.
"""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from ingest.core.errors import BadSignature, TooLate
from ingest.core.times import from_epoch_ms, parse_time
from ingest.core.values import JSON


@dataclass(frozen=True, slots=True)
class SignedTime:
    """Where a provider signs the time, how it is written, and how far it may be from receipt.

    window: how long ago it may be: longer than the provider's last retry takes, where a retry may
        repeat the first attempt's bytes.
    ahead: how far ahead of receipt it may be; None: as far as `window`.
    drops_late: what is older is `TooLate` (answered 200 and dropped), as the provider gives up a
        webhook that refuses; else it is refused.
    told_with: of a time in the body: a body that has this field has the time too, and one with
        neither is of a form that had none yet; None: a body may lack the time.
    """

    place: Literal["header", "body"]
    name: str
    form: Literal["iso", "epoch_ms"]
    window: timedelta
    ahead: timedelta | None = None
    drops_late: bool = False
    told_with: str | None = None


@dataclass(frozen=True, slots=True)
class Scheme:
    """How one provider signs: header, digest and encoding, and what stands before the body.

    `prefix_header` names a header whose exact text is signed in front of the raw body.
    `refused_secrets` are public ones (a provider's test button) that never verify anything.
    """

    header: str
    algorithm: Literal["sha256", "sha1"]
    encoding: Literal["hex", "base64"]
    prefix: str = ""
    prefix_header: str | None = None
    other_headers: tuple[str, ...] = ()
    time: SignedTime | None = None
    refused_secrets: frozenset[str] = frozenset()


_FORMS: Mapping[tuple[str, str], tuple[re.Pattern[str], str]] = {
    ("sha256", "hex"): (re.compile(r"[0-9a-f]{64}"), "64 hex digits"),
    ("sha256", "base64"): (re.compile(r"[0-9A-Za-z+/]{43}="), "44 characters of base64"),
    ("sha1", "hex"): (re.compile(r"[0-9a-f]{40}"), "40 hex digits"),
    ("sha1", "base64"): (re.compile(r"[0-9A-Za-z+/]{27}="), "28 characters of base64"),
}
"""What a digest looks like as text, by algorithm and encoding, and in words."""


def sign(scheme: Scheme, headers: Mapping[str, str], body: bytes, secret: str) -> str:
    """The signature header's value that the provider would send; header names in lower case.

    For `verify`, and for tests and fakes that send webhooks. Raises `BadSignature` where a header
    that is signed too is missing.
    """
    mac = hmac.new(secret.encode(), _signed(scheme, headers, body), scheme.algorithm).digest()
    text = mac.hex() if scheme.encoding == "hex" else base64.b64encode(mac).decode()
    return scheme.prefix + text


def verify(scheme: Scheme, headers: Mapping[str, str], body: bytes, secrets: Sequence[str]) -> None:
    """Accept the raw body, or raise `BadSignature`; header names in lower case.

    `secrets` are all live ones: any of them suffices, each is tried, in constant time. None at all
    is a refusal, and so is an unsigned request.
    """
    live = [secret for secret in secrets if secret and secret not in scheme.refused_secrets]
    if not live:
        raise unverifiable()
    given = _given(scheme, headers)
    if given is None:
        raise unsigned(scheme)
    name, value = given
    matches = False
    for secret in live:
        expected = sign(scheme, headers, body, secret)
        matches |= hmac.compare_digest(expected.encode(), value.encode("utf-8", "replace"))
    if not matches:
        raise BadSignature(f"header {name} does not match the body under any live secret")


def is_signed(scheme: Scheme, headers: Mapping[str, str]) -> bool:
    """Whether a signature is given, be it what it may."""
    return _given(scheme, headers) is not None


def unsigned(scheme: Scheme) -> BadSignature:
    """The refusal of a request without a signature."""
    return BadSignature(f"header {scheme.header} is missing; the request is unsigned")


def unverifiable() -> BadSignature:
    """The refusal of whatever comes where nothing can verify it."""
    return BadSignature("no webhook secret is configured for this source; set one and redeliver")


def check_form(scheme: Scheme, headers: Mapping[str, str]) -> None:
    """Raise `BadSignature` where no secret could have made what the headers bring.

    Costs next to nothing, and needs neither secrets nor the body: asked before either is read.
    """
    given = _given(scheme, headers)
    if given is None:
        raise unsigned(scheme)
    name, value = given
    form, told = _FORMS[scheme.algorithm, scheme.encoding]
    if not value.startswith(scheme.prefix) or not form.fullmatch(value, len(scheme.prefix)):
        wanted = f"{scheme.prefix} and {told}" if scheme.prefix else told
        raise BadSignature(f"header {name} holds no signature; one is {wanted}")
    if scheme.prefix_header is not None and not headers.get(scheme.prefix_header.lower()):
        raise _unprefixed(scheme.prefix_header)


def check_fresh(
    scheme: Scheme, headers: Mapping[str, str], payload: JSON, received_at: datetime
) -> None:
    """Raise `BadSignature` or `TooLate` where a provider signs a time that is too far from receipt.

    Only a time that is signed counts, and it is required but in a body of an older form. Asked at
    receipt, when the signature is known to be right, and never by a worker.
    """
    time = scheme.time
    if time is None or _had_none_yet(time, payload):
        return
    sent_at = _read_time(time, _told_time(time, headers, payload))
    if sent_at is None:
        raise BadSignature(f"signed time {time.name} is missing or not a time")
    age, ahead = received_at - sent_at, time.window if time.ahead is None else time.ahead
    if -age > ahead:
        raise BadSignature(f"signed time {time.name} is more than {_seconds(ahead)} s ahead")
    if age > time.window:
        late = f"signed time {time.name} is more than {_seconds(time.window)} s before receipt"
        raise TooLate(f"{late}; it is dropped") if time.drops_late else BadSignature(late)


def _given(scheme: Scheme, headers: Mapping[str, str]) -> tuple[str, str] | None:
    """The signature's header and its text; of those that may carry one, the first that does."""
    for name in (scheme.header, *scheme.other_headers):
        value = headers.get(name.lower())
        if value:
            return name, value
    return None


def _unprefixed(name: str) -> BadSignature:
    return BadSignature(f"header {name} is missing; it is signed too")


def _signed(scheme: Scheme, headers: Mapping[str, str], body: bytes) -> bytes:
    if scheme.prefix_header is None:
        return body
    before = headers.get(scheme.prefix_header.lower())
    if not before:
        raise _unprefixed(scheme.prefix_header)
    return before.encode("utf-8", "replace") + body


def _had_none_yet(time: SignedTime, payload: JSON) -> bool:
    """Whether a body is of a form that has no time in it."""
    if time.place == "header" or not isinstance(payload, dict):
        return False
    named = (time.name,) if time.told_with is None else (time.name, time.told_with)
    return all(payload.get(name) is None for name in named)


def _told_time(time: SignedTime, headers: Mapping[str, str], payload: JSON) -> JSON:
    if time.place == "header":
        return headers.get(time.name.lower())
    return payload.get(time.name) if isinstance(payload, dict) else None


def _seconds(of: timedelta) -> int:
    return int(of.total_seconds())


def _read_time(time: SignedTime, value: JSON) -> datetime | None:
    try:
        if time.form == "epoch_ms":
            if isinstance(value, bool) or not isinstance(value, int | float | str):
                return None
            return from_epoch_ms(int(value))
        return parse_time(value) if isinstance(value, str) else None
    except (ValueError, OverflowError):
        return None
