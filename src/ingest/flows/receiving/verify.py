"""Verifies a request: the raw bytes are believed before anything in them is read.

Pure: the secrets come in, and an arrival goes out, as a row of the queue will hold it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

import orjson

from ingest.core import signing
from ingest.core.canonical import clean, digest
from ingest.core.errors import BadPayload, BadRequest
from ingest.core.slugs import bounded_key
from ingest.core.tracing import TRACEPARENT
from ingest.core.values import JSON
from ingest.flows.receiving.admission import check_headers
from ingest.flows.receiving.payload import read_payload
from ingest.flows.receiving.requests import Incoming
from ingest.sources.contract import Descriptor, Headers, Payload
from ingest.store.deliveries import Arrival

KEPT_HEADER_CHARS = 1024
"""Of each header that is stored; the rest is cut off."""
RECOVERED = "x-ingest-recovered"
"""The header of ours that marks what nobody signed (`vouched_for`); no request brings it in."""


def verify(incoming: Incoming, descriptor: Descriptor, secrets: Sequence[str]) -> Arrival | None:
    """The arrival that a request is; None for a handshake, which is answered and not stored.

    `secrets` are the live ones, in the clear; one that matches is enough. Freshness is judged by
    the time of receipt, here and never again. Raises `BadSignature` (missing, wrong, stale by the
    time that its provider signs), `TooLate` where stale is to be dropped, and `BadRequest` for a
    head or a body that makes no sense.
    """
    check_headers(descriptor, incoming.headers)
    return verify_body(incoming, descriptor, secrets)


def verify_body(
    incoming: Incoming, descriptor: Descriptor, secrets: Sequence[str]
) -> Arrival | None:
    """The same for a request whose head was checked when it came."""
    signing.verify(descriptor.scheme, incoming.headers, incoming.body, secrets)
    payload = _payload(incoming, descriptor)
    signing.check_fresh(descriptor.scheme, incoming.headers, payload, incoming.received_at)
    return _arrival(incoming, descriptor, payload)


def vouched_for(incoming: Incoming, descriptor: Descriptor) -> Arrival | None:
    """The arrival that a delivery is which was read out of its provider's own log, over its API.

    Nobody signed it, and its time may be days ago: the token and TLS vouch for it, and RECOVERED
    among its headers says so. Never for what came by a request. Else as `verify`.
    """
    check_headers(descriptor, incoming.headers)
    arrival = _arrival(incoming, descriptor, _payload(incoming, descriptor))
    if arrival is None:
        return None
    marked = {**orjson.loads(arrival.headers), RECOVERED: "api"}
    return replace(arrival, headers=orjson.dumps(marked).decode())


def stored_key(key: str) -> str:
    """A provider's delivery id as the queue holds it."""
    return bounded_key(clean(key))


def _payload(incoming: Incoming, descriptor: Descriptor) -> dict[str, JSON]:
    try:
        return read_payload(descriptor, incoming.headers, incoming.body)
    except BadPayload as error:
        raise BadRequest(str(error)) from error


def _arrival(incoming: Incoming, descriptor: Descriptor, payload: Payload) -> Arrival | None:
    headers, body = incoming.headers, incoming.body
    if descriptor.is_handshake(headers, payload) or _brings_token(descriptor, payload):
        return None
    body_hash = _body_hash(descriptor, payload, body)
    return Arrival(
        source_type=descriptor.source_type,
        connection_id=incoming.connection_id,
        delivery_key=_delivery_key(descriptor, headers, payload, body_hash),
        body_hash=body_hash,
        headers=_kept(descriptor, headers),
        body=body,
        received_at=incoming.received_at,
        lane=incoming.connection_id or _lane(descriptor, headers, payload),
    )


def _lane(descriptor: Descriptor, headers: Headers, payload: Payload) -> str:
    """Whom a delivery of the app-wide route is for: the first of those whom it names.

    One that names nobody, or in no form that we know, shares a lane with all such.
    """
    try:
        tenant = next(iter(descriptor.tenants(headers, payload)), "")
    except BadPayload:
        tenant = ""
    return bounded_key(clean(f"{descriptor.source_type}:{tenant}"))


def _brings_token(descriptor: Descriptor, payload: Payload) -> bool:
    read = descriptor.verification_token
    return read is not None and read(payload) is not None


def _body_hash(descriptor: Descriptor, payload: Payload, body: bytes) -> bytes:
    """What tells two bodies apart, without the fields that a mere repetition changes."""
    if not descriptor.volatile_fields:
        return hashlib.sha256(body).digest()
    lasting: dict[str, JSON] = {
        name: value for name, value in payload.items() if name not in descriptor.volatile_fields
    }
    return bytes.fromhex(digest(lasting))


def _delivery_key(
    descriptor: Descriptor, headers: Headers, payload: Payload, body_hash: bytes
) -> str:
    key = descriptor.delivery_key(headers, payload)
    if key:
        return stored_key(key)
    if descriptor.key_may_be_absent:
        return body_hash.hex()
    raise BadRequest(f"the delivery has no id; {descriptor.title} gives one to each")


def _kept(descriptor: Descriptor, headers: Headers) -> str:
    """The headers of the allow-list as JSON; the media type too, by which workers read forms."""
    kept = {"content-type", *descriptor.kept_headers} - {RECOVERED, TRACEPARENT}
    names = sorted(kept & headers.keys())
    return orjson.dumps({n: clean(headers[n])[:KEPT_HEADER_CHARS] for n in names}).decode()
