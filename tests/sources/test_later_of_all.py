"""What a source asks for because of a version it asks for again while what is shown is older."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime

import pytest

from ingest.core.changes import Refresh
from ingest.core.values import JSON
from ingest.sources.access import Access
from ingest.sources.contract import Lookup, Message
from ingest.sources.registry import source
from ingest.testing.fakes import serving
from ingest.testing.sample import Sample, all_samples

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
VERSIONED = ("linear", "zendesk")
"""Whose look-ups of the story are asked for because of a version."""


def asked(sample: Sample) -> Iterator[Refresh]:
    """The look-ups of a story that know the version of what they are about, the last of each."""
    found, descriptor = source(sample.source_type), source(sample.source_type).descriptor
    tenant = descriptor.connection_tenants(sample.connection)[0]
    scope = descriptor.scope(tenant, sample.connection)
    last: dict[str, Refresh] = {}
    for delivery in sample.deliveries:
        message = Message(delivery.headers, delivery.payload, "key", NOW, scope, sample.connection)
        for refresh in found.normalise(message).asked:
            if "told" in refresh.hint and not refresh.gone:
                last[str(refresh.identity)] = refresh
    yield from last.values()


def again(sample: Sample, refresh: Refresh, hint: Mapping[str, JSON], raw: JSON) -> list[Refresh]:
    lookup = Lookup(refresh.identity, hint, sent_at=NOW, connection=sample.connection, raw=raw)
    documents = source(sample.source_type).documents
    assert documents is not None
    said = documents(lookup)
    return [one for one in said if isinstance(one, Refresh) and one.after_s]


@pytest.mark.parametrize("source_type", VERSIONED)
def test_what_is_shown_older_than_it_was_told_is_asked_for_again(source_type: str) -> None:
    sample = next(one for one in all_samples() if one.source_type == source_type)
    found = source(source_type)
    assert sample.provider is not None
    assert found.connect is not None
    several = [*asked(sample)]
    assert several
    with serving(sample.provider()) as fake:
        access = Access(fake.url, fake.provider.token, sample.connection, lambda: NOW)
        with closing(found.connect(access)) as client:
            for refresh in several:
                hint = dict(refresh.hint)
                raw = client.fetch_one(Lookup(refresh.identity, hint)).raw
                if raw is None:
                    continue
                told = hint["told"]
                assert isinstance(told, int)
                assert again(sample, refresh, hint, raw) == []
                (later,) = again(sample, refresh, {**hint, "told": told + 10**13}, raw)
                assert later.identity == refresh.identity
                assert later.hint["again"] == 1
