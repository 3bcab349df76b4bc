"""The story fits the sources that are built, and is told in the providers' own way."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import orjson
import pytest

from ingest.core.signing import check_fresh, verify
from ingest.demo.story import in_order_of_arrival
from ingest.flows.connections.connect import connection_metadata
from ingest.sources.registry import source
from ingest.testing.sample import Sample, SampleDelivery, all_samples
from ingest.testing.signing import request
from tests.factories import OURS

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
STORY = in_order_of_arrival(all_samples())


def test_every_source_of_ours_has_a_part() -> None:
    parts = {sample.source_type for sample in all_samples() if sample.deliveries}
    assert parts >= OURS


def test_deliveries_arrive_in_one_order_whoever_is_named_first() -> None:
    assert in_order_of_arrival(reversed(all_samples())) == STORY
    minutes = [delivery.arrives_min for _, delivery in STORY]
    assert minutes == sorted(minutes)


def test_of_one_minute_the_source_decides_and_of_one_source_the_place_in_its_list() -> None:
    def sample(source_type: str, *said: tuple[int, str]) -> Sample:
        sent = tuple(SampleDelivery(minute, title, {}, {}) for minute, title in said)
        return Sample(source_type, "any", {}, deliveries=sent)

    acme, birch = sample("acme", (3, "a"), (1, "b"), (3, "c")), sample("birch", (3, "d"), (0, "e"))
    for samples in ((acme, birch), (birch, acme)):
        titles = [delivery.title for _, delivery in in_order_of_arrival(samples)]
        assert titles == ["e", "b", "a", "c", "d"]


def test_one_delivery_is_sent_twice() -> None:
    assert Counter(delivery.copies for _, delivery in STORY)[2] == 1


@pytest.mark.parametrize("sample", all_samples(), ids=lambda sample: sample.source_type)
def test_a_sample_can_be_connected(sample: Sample) -> None:
    descriptor = source(sample.source_type).descriptor
    assert descriptor.connection_tenants(connection_metadata(descriptor, sample.connection))


@pytest.mark.parametrize(
    ("sample", "delivery"), STORY, ids=lambda value: getattr(value, "title", None)
)
def test_the_receiver_takes_each_delivery(sample: Sample, delivery: SampleDelivery) -> None:
    descriptor = source(sample.source_type).descriptor
    scheme = descriptor.scheme
    sent = request(scheme, delivery.headers, delivery.payload, secret="secret", sent_at=NOW)
    headers, payload = sent.headers, orjson.loads(sent.body)
    verify(scheme, headers, sent.body, ["secret"])
    check_fresh(scheme, headers, payload, NOW)
    assert all(headers.get(name) for name in descriptor.needed_headers)
    assert descriptor.delivery_key(headers, payload)
    told = sample.connection
    home = set(descriptor.connection_tenants(told)) | descriptor.own_names(told)
    named = descriptor.tenants(headers, payload)
    assert not named or home.intersection(named)
