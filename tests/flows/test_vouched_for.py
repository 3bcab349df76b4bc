"""What is read out of a provider's log: the arrival of its webhook, and marked as what it is."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from ingest.core.errors import BadRequest, TooLate
from ingest.flows.receiving.requests import Incoming
from ingest.flows.receiving.verify import RECOVERED, stored_key, verify, vouched_for
from ingest.sources.registry import all_sources, source
from tests.factories import OURS, SECRET, signed

NOW = datetime(2026, 3, 9, 12, tzinfo=UTC)


def _incoming(source_type: str, body: bytes, at: datetime, **headers: str) -> Incoming:
    return Incoming(source_type, "con_1", signed(source_type, body, headers=headers), body, at)


def _linear(at: datetime) -> Incoming:
    body = {"type": "Issue", "action": "update", "webhookTimestamp": at.timestamp() * 1000}
    return _incoming("linear", orjson.dumps(body), at, **{"Linear-Delivery": "one"})


def test_it_is_the_arrival_of_its_webhook_but_for_the_mark() -> None:
    descriptor, incoming = source("linear").descriptor, _linear(NOW)
    came = verify(incoming, descriptor, [SECRET])
    read = vouched_for(incoming, descriptor)
    assert came is not None
    assert read is not None
    assert json.loads(read.headers) == {**json.loads(came.headers), RECOVERED: "api"}
    assert (read.delivery_key, read.body_hash, read.lane) == (
        came.delivery_key,
        came.body_hash,
        came.lane,
    )


def test_nobody_asks_how_old_it_is_nor_for_a_signature() -> None:
    descriptor = source("linear").descriptor
    old = _linear(NOW - timedelta(days=2))
    late = Incoming("linear", "con_1", old.headers, old.body, NOW)
    with pytest.raises(TooLate):
        verify(late, descriptor, [SECRET])
    unsigned = {n: v for n, v in old.headers.items() if n != descriptor.scheme.header.lower()}
    assert vouched_for(Incoming("linear", "con_1", unsigned, old.body, NOW), descriptor)


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({}, b"{}"),
        ({"x-github-event": "push"}, b"{}"),
        ({"x-github-event": "push", "x-github-delivery": "1"}, b"["),
        ({"x-github-event": "push", "x-github-delivery": "1"}, b"[]"),
    ],
)
def test_what_makes_no_sense_is_refused_as_at_the_receiver(
    headers: dict[str, Any], body: bytes
) -> None:
    with pytest.raises(BadRequest):
        vouched_for(Incoming("github", "con_1", headers, body, NOW), source("github").descriptor)


@pytest.mark.parametrize("source_type", sorted(OURS))
def test_no_source_keeps_a_header_of_that_name(source_type: str) -> None:
    assert RECOVERED not in all_sources()[source_type].descriptor.kept_headers


def test_a_key_is_as_the_queue_holds_it() -> None:
    assert stored_key("one") == "one"
    assert len(stored_key("k" * 300)) <= 255
