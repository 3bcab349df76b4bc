"""Receiving: a raw request is verified and becomes an arrival in the queue, or a refusal.

The raw bytes are believed before anything in them is read. `verify` is pure; looking secrets up
and storing the arrival come in as parameters.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import orjson
import sqlalchemy as sa

from ingest.core import signing
from ingest.core.answers import Delivery
from ingest.core.canonical import clean, digest
from ingest.core.errors import (
    BadPayload,
    BadRequest,
    BadSignature,
    TransientError,
    Unavailable,
)
from ingest.core.slugs import bounded_key
from ingest.core.values import JSON
from ingest.flows import payload as payloads
from ingest.flows.admission import Head, check_head, check_headers
from ingest.flows.keyring import Keyring
from ingest.sources.contract import Descriptor, Headers, Payload
from ingest.store import deliveries
from ingest.store.deliveries import Arrival
from ingest.store.engine import BadRow, SessionLost, transaction

KEPT_HEADER_CHARS = 1024
ANSWERS_WITHIN_S = 20.0
"""Storing waits for a lock less long; a database that is silent for longer is taken to be gone, so
that what comes in goes to one that is not."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """A request as it came, believed by nobody yet. Header names are in lower case."""

    source_type: str
    connection_id: str | None
    headers: Headers
    body: bytes
    received_at: datetime

    @property
    def head(self) -> Head:
        """What came before the body."""
        return Head(self.source_type, self.connection_id, self.headers)


Stored = tuple[int, bool]
"""A delivery's id, and whether it is accepted; else it was known."""
Insert = Callable[[Sequence[Arrival]], list[Stored]]
Shake = Callable[[Descriptor, "Incoming", Sequence[str]], bool]
"""Whether an unsigned request is a handshake that is waited for, given the live secrets."""


def never(_descriptor: Descriptor, _incoming: Incoming, _secrets: Sequence[str]) -> bool:
    """For those through whom no handshake comes."""
    return False


def take(incoming: Incoming, keyring: Keyring, insert: Insert, shake: Shake = never) -> Delivery:
    """Verify one request and store it; returns after the commit.

    Raises `BadRequest`, `BadSignature`, `NotConnected`, or `Unavailable` where it cannot be stored.
    """
    arrival = accept(incoming, keyring, shake)
    if arrival is None:
        return Delivery(None, "handshake")
    try:
        (stored,) = insert([arrival])
    except BadRow as error:
        raise unstorable(error) from error
    return told(stored)


def told(stored: Stored) -> Delivery:
    """The answer for a stored delivery."""
    id_, accepted = stored
    return Delivery(id_, "accepted" if accepted else "duplicate")


def unstorable(error: BadRow) -> Unavailable:
    """A row that the database refuses at receipt: its connection is being purged, or the schema is
    behind. Both end by themselves, so the sender is asked to come back.
    """
    return Unavailable(f"the delivery cannot be stored now: {error}")


def insert_into(engine: sa.Engine) -> Insert:
    """Stores arrivals in one durable transaction; raises `BadRow`, else only `Unavailable`.

    A deadlock or a session that was lost (its server shut down, or became a standby) costs one more
    try, an absent server none.
    """

    def insert(arrivals: Sequence[Arrival]) -> list[Stored]:
        with transaction(engine, answers_within_s=ANSWERS_WITHIN_S) as conn:
            return deliveries.insert(conn, arrivals)

    def insert_again(arrivals: Sequence[Arrival]) -> list[Stored]:
        try:
            return insert(arrivals)
        except SessionLost:
            pass
        except Unavailable:
            raise
        except TransientError:
            pass
        try:
            return insert(arrivals)
        except Unavailable:
            raise
        except TransientError as error:
            raise Unavailable(str(error)) from error

    return insert_again


def accept(incoming: Incoming, keyring: Keyring, shake: Shake = never) -> Arrival | None:
    """`verify` with the secrets that the keyring finds, once the head makes sense.

    Nobody is refused for what an old copy of the secrets says: they are read anew first. What
    nobody signed may still be a handshake.
    """
    descriptor = check_head(incoming.head)
    asked_at = keyring.now()
    secrets = keyring.look_up(descriptor, incoming.connection_id)
    try:
        return verify_body(incoming, descriptor, secrets.live)
    except BadSignature:
        renewed = keyring.look_up(descriptor, incoming.connection_id, since=asked_at)
        if renewed.shakes and shake(descriptor, incoming, renewed.live):
            return None
        if renewed == secrets:
            raise
        return verify_body(incoming, descriptor, renewed.live)


def verify(incoming: Incoming, descriptor: Descriptor, secrets: Sequence[str]) -> Arrival | None:
    """The arrival that a request is; None for a handshake, which is answered and not stored."""
    check_headers(descriptor, incoming.headers)
    return verify_body(incoming, descriptor, secrets)


def verify_body(
    incoming: Incoming, descriptor: Descriptor, secrets: Sequence[str]
) -> Arrival | None:
    """The same for a request whose head was checked when it came."""
    headers, body = incoming.headers, incoming.body
    signing.verify(descriptor.scheme, headers, body, secrets)
    try:
        payload = payloads.read(descriptor, headers, body)
    except BadPayload as error:
        raise BadRequest(str(error)) from error
    signing.check_fresh(descriptor.scheme, headers, payload, incoming.received_at)
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
        return bounded_key(clean(key))
    if descriptor.key_may_be_absent:
        return body_hash.hex()
    raise BadRequest(f"the delivery has no id; {descriptor.title} gives one to each")


def _kept(descriptor: Descriptor, headers: Headers) -> str:
    """The headers of the allow-list as JSON; the media type too, by which workers read forms."""
    names = sorted({"content-type", *descriptor.kept_headers} & headers.keys())
    return orjson.dumps({n: clean(headers[n])[:KEPT_HEADER_CHARS] for n in names}).decode()
