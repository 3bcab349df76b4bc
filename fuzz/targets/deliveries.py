"""Deliveries of each source, from the signed bytes to what would be stored, as a worker does it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from random import Random
from typing import Any

import orjson
import structlog

from fuzz import trees
from fuzz.target import Broken, Target, Value, hold
from fuzz.targets import storing
from fuzz.targets.sources import CONNECTION, SECRET, Subject, connections
from ingest.core.canonical import clean
from ingest.core.errors import BadPayload, BadRequest, BadSignature, TooLate
from ingest.core.times import from_epoch_ms, parse_time
from ingest.flows.deliveries.normalise import prepare
from ingest.flows.deliveries.prepared import Opened, Prepared
from ingest.flows.deliveries.route import open_delivery
from ingest.flows.receiving.requests import Incoming
from ingest.flows.receiving.verify import verify_body
from ingest.sources.contract import Message
from ingest.store.claiming import ClaimedDelivery
from ingest.store.deliveries import Arrival
from ingest.testing import signing
from ingest.testing.laws.fixtures import RECEIVED_AT

LOUD = "adapter fault"
"""So the worker begins the reason of a delivery that an adapter broke on."""


def target(subject: Subject) -> Target:
    """Deliveries of a source, bent."""
    return Target(f"deliveries-{subject.name}", subject.seeds, _bent, partial(_check, subject))


def _bent(rng: Random, value: Value, others: Sequence[Value]) -> Value:
    drawn = rng.random()
    if drawn < 0.05:
        return {**value, "token": not value["token"]}
    if drawn < 0.1:
        headers = trees.bent(rng, value["headers"], [one["headers"] for one in others])
        return {**value, "headers": headers}
    return {**value, "body": trees.bent(rng, value["body"], [rng.choice(others)["body"]])}


def _check(subject: Subject, value: Value) -> None:
    """Verified, opened, prepared, stated, rendered: it ends in our own errors or in what can be
    stored.
    """
    headers = sendable(value["headers"])
    body = json.dumps(value["body"]).encode()
    try:
        arrival = _arrival(subject, headers, body)
    except (BadRequest, BadSignature, TooLate):
        return
    if arrival is None:
        return
    opened = open_delivery(_claimed(arrival))
    if isinstance(opened, Prepared):
        _ended(opened)
        return
    metadata = connections(subject.name)[len(body) % 2]
    _meant(subject, opened, metadata)
    directory = subject.directory(metadata, has_token=value["token"] is True)
    with structlog.testing.capture_logs() as said:
        prepared = prepare(opened, directory)
    _ended(prepared)
    hold(not any(one["log_level"] == "error" for one in said), f"{said}")
    for one in prepared.targets:
        storing.writable([one.event, one.event_key, one.skip, one.remark], "an event")
        storing.stated(one.statements, one.store)
        storing.asked(one.lookups)


def _meant(subject: Subject, opened: Opened, metadata: Mapping[str, Any]) -> None:
    """What it means wherever it belongs, the connection being none of those that it names."""
    descriptor, row = subject.source.descriptor, opened.row
    named = (*opened.tenants, *descriptor.connection_tenants(metadata))
    scope = descriptor.scope(named[0], metadata)
    storing.writable([*named, scope], "tenants")
    message = Message(
        row.headers, opened.payload, row.delivery_key, row.received_at, scope, metadata
    )
    try:
        storing.writable([*descriptor.accounts(opened.payload)], "accounts")
        subject.source.normalise(message)
    except BadPayload as error:
        hold(bool(error.path and error.problem), "an error without a path")
        storing.writable(str(error), "a reason")


def _ended(prepared: Prepared) -> None:
    if prepared.verdict is None:
        return
    status, reason = prepared.verdict
    hold(status in ("dead", "skipped"), f"it ends {status}")
    hold(not reason.startswith(LOUD), reason)
    storing.writable(reason, "a reason")


def _arrival(subject: Subject, headers: Mapping[str, str], body: bytes) -> Arrival | None:
    """What the receiver stores of it, signed; what is not signed as it should be is refused."""
    descriptor = subject.source.descriptor
    signed = signing.signed(descriptor.scheme, headers, body, SECRET)
    received_at = _sent_at(subject, signed, body)
    incoming = Incoming(subject.name, CONNECTION, signed, body, received_at)
    arrival = verify_body(incoming, descriptor, [SECRET])
    try:
        verify_body(incoming, descriptor, ["another secret"])
    except BadSignature:
        return arrival
    raise Broken("what another secret signed is verified")


def _sent_at(subject: Subject, headers: Mapping[str, str], body: bytes) -> datetime:
    """The signed time, where it can be read; so that what is old is fresh."""
    signed_time = subject.source.descriptor.scheme.time
    if signed_time is None:
        return RECEIVED_AT
    try:
        told: Any = headers.get(signed_time.name.lower())
        if signed_time.place == "body":
            told = orjson.loads(body).get(signed_time.name)
        return parse_time(told) if signed_time.form == "iso" else from_epoch_ms(int(told))
    except (ValueError, TypeError, AttributeError, OverflowError):
        return RECEIVED_AT


def _claimed(arrival: Arrival) -> ClaimedDelivery:
    """The row as a worker claims it."""
    storing.writable([arrival.delivery_key, arrival.lane, arrival.headers], "an arrival")
    hold(len(arrival.delivery_key) <= storing.LONGEST_KEY, "the delivery's key is too long")
    return ClaimedDelivery(
        1,
        arrival.source_type,
        CONNECTION,
        arrival.delivery_key,
        orjson.loads(arrival.headers),
        arrival.body,
        1,
        0,
        arrival.received_at,
        arrival.body_hash,
    )


def sendable(headers: Any) -> dict[str, str]:
    """Of bent headers those that HTTP can carry, in lower case and latin-1, as the server reads
    them.
    """
    told = headers.items() if isinstance(headers, dict) else ()
    return {_latin(name).lower(): _latin(value) for name, value in told if isinstance(value, str)}


def _latin(text: str) -> str:
    return clean(text).encode("latin-1", "replace").decode("latin-1")
