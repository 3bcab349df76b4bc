"""The story fits the sources that are built, and is told in the providers' own way."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import orjson
import pytest

from ingest.core.signing import check_fresh, sign, verify
from ingest.demo.story import Actor, Letter, cast, in_order_of_arrival
from ingest.flows.connections.connect import connection_metadata
from ingest.sources.registry import all_sources, source

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
LETTERS = in_order_of_arrival(cast())


def test_every_source_has_a_part() -> None:
    assert [actor.source_type for actor in cast()] == [*all_sources()]


def test_letters_arrive_one_after_another_and_one_is_sent_twice() -> None:
    places = [letter.arrives for _, letter in LETTERS]
    assert places == sorted(set(places))
    assert Counter(letter.copies for _, letter in LETTERS)[2] == 1


@pytest.mark.parametrize("actor", cast(), ids=lambda actor: actor.source_type)
def test_an_actor_can_be_connected(actor: Actor) -> None:
    descriptor = source(actor.source_type).descriptor
    assert descriptor.connection_tenants(connection_metadata(descriptor, actor.metadata))


@pytest.mark.parametrize(
    ("actor", "letter"), LETTERS, ids=lambda value: getattr(value, "says", None)
)
def test_a_letter_is_one_that_the_receiver_takes(actor: Actor, letter: Letter) -> None:
    descriptor = source(actor.source_type).descriptor
    dated = actor.dated(letter, NOW)
    body = orjson.dumps(dated.payload)
    signature = sign(descriptor.scheme, dated.headers, body, "secret")
    headers = {**dated.headers, descriptor.scheme.header.lower(): signature}
    verify(descriptor.scheme, headers, body, ["secret"])
    check_fresh(descriptor.scheme, headers, dict(dated.payload), NOW)
    assert all(headers.get(name) for name in descriptor.needed_headers)
    assert descriptor.delivery_key(headers, dated.payload)
    home = set(descriptor.connection_tenants(actor.metadata)) | descriptor.own_names(actor.metadata)
    named = descriptor.tenants(headers, dated.payload)
    assert not named or home.intersection(named)
