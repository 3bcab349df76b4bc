"""Deliveries signed as their provider signs them, with a fresh time where one is signed. No I/O.

The scheme is the descriptor's: how the header is called, what stands in front of the body, where a
time is written. Header names are in lower case, as the receiver has them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import orjson

from ingest.core.signing import Scheme, sign
from ingest.core.times import iso, to_micros
from ingest.core.values import JSON


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """A delivery as it is sent: the headers with its signature, and the very bytes of its body."""

    headers: Mapping[str, str]
    body: bytes


def request(
    scheme: Scheme,
    headers: Mapping[str, str],
    payload: Mapping[str, JSON],
    *,
    secret: str,
    sent_at: datetime,
) -> SignedRequest:
    """A payload as the provider sends it at that moment, signed with that secret.

    Raises `BadSignature` where a header that is signed too is missing among `headers`.
    """
    told, dated_payload = dated(scheme, headers, payload, sent_at)
    body = orjson.dumps(dated_payload)
    return SignedRequest(signed(scheme, told, body, secret), body)


def dated(
    scheme: Scheme, headers: Mapping[str, str], payload: Mapping[str, JSON], sent_at: datetime
) -> tuple[dict[str, str], dict[str, JSON]]:
    """Headers and payload with the time of sending, where and as the provider signs one."""
    told = {name.lower(): value for name, value in headers.items()}
    body, time = dict(payload), scheme.time
    if time is None:
        return told, body
    epoch_ms = to_micros(sent_at) // 1000
    if time.place == "header":
        told[time.name.lower()] = str(epoch_ms) if time.form == "epoch_ms" else iso(sent_at)
        return told, body
    body[time.name] = epoch_ms if time.form == "epoch_ms" else iso(sent_at)
    return told, body


def signed(scheme: Scheme, headers: Mapping[str, str], body: bytes, secret: str) -> dict[str, str]:
    """The headers with the signature over exactly these bytes; what is dated is dated before.

    Raises `BadSignature` where a header that is signed too is missing.
    """
    told = {name.lower(): value for name, value in headers.items()}
    return told | {scheme.header.lower(): sign(scheme, told, body, secret)}
