"""Whenever its deliveries come, a document was created at the earliest time that one of them tells.

Law over every source: the column and the metadata say one time, and no order of events moves it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.core.canonical import digest
from ingest.core.changes import Change, Upsert
from ingest.core.folding import LedgerRow, Statement, decide
from ingest.core.identity import Identity
from ingest.core.ranks import Told, rank
from ingest.core.times import parse_time
from ingest.core.values import JSON
from ingest.sources.contract import Message
from ingest.sources.registry import all_sources
from ingest.testing.sample import Sample, all_samples

HEARD_AT = datetime(2030, 1, 1, tzinfo=UTC)
SAMPLES = {sample.source_type: sample for sample in all_samples()}
NAMES = ("publishedAt", "createdAt", "firstSeen")
"""What metadata call the time of creation, the first of these: a draft is no document."""


@cache
def statements(source_type: str) -> dict[Identity, list[Statement]]:
    """What the deliveries of a story tell of each object, where nobody can be asked."""
    found: dict[Identity, list[Statement]] = {}
    sample = SAMPLES[source_type]
    for delivery in sample.deliveries:
        for change in told(sample, delivery.headers, delivery.payload):
            place = rank(change, Told(digest(dict(delivery.payload))))
            said = Statement(change, place, "connection", heard_at=HEARD_AT)
            found.setdefault(change.identity, []).append(said)
    return found


def told(
    sample: Sample, headers: Mapping[str, str], payload: Mapping[str, JSON]
) -> Iterator[Change]:
    source = all_sources()[sample.source_type]
    metadata = sample.connection
    tenant = source.descriptor.connection_tenants(metadata)[0]
    scope = source.descriptor.scope(tenant, metadata)
    message = Message(headers, payload, "delivery", HEARD_AT, scope, metadata)
    yield from source.normalise(message).untokened


def unknown(identity: Identity) -> LedgerRow:
    of = (identity.source_type, identity.scope, identity.kind, identity.id)
    return LedgerRow("i", "d", "s", *of, "slug")


def folded(identity: Identity, said: list[Statement]) -> tuple[datetime | None, Mapping[str, Any]]:
    """The column and the metadata after these, one delivery at a time."""
    row, metadata = unknown(identity), dict[str, Any]()
    for one in said:
        decision = decide(row, [one], stored=metadata)
        row, metadata = decision.row, dict(decision.metadata or metadata)
    return row.dates.shown, metadata


@pytest.mark.parametrize("source_type", sorted(SAMPLES))
@settings(max_examples=15)
@given(st.data())
def test_no_order_of_events_moves_the_time_of_creation(
    source_type: str, data: st.DataObject
) -> None:
    for identity, said in statements(source_type).items():
        times = [
            one.change.created_at
            for one in said
            if isinstance(one.change, Upsert) and one.change.created_at is not None
        ]
        shown, metadata = folded(identity, data.draw(st.permutations(said)))
        if times:
            assert shown == min(times)
        named = next((metadata[name] for name in NAMES if name in metadata), None)
        assert named is None or parse_time(named) == shown


def test_thin_payloads_of_one_deployment_tell_the_earliest_of_their_times() -> None:
    """Bug: the column moved to the time of `deployment.ready`, the metadata did not."""
    sample = SAMPLES["vercel"]
    created = next(
        one for one in sample.deliveries if one.payload.get("type") == "deployment.created"
    )
    kinds = ("created", "ready", "succeeded", "promoted", "error", "canceled")
    said: list[Statement] = []
    for minute, kind in enumerate(kinds):
        at: Any = created.payload["createdAt"]
        payload = {
            **created.payload,
            "type": f"deployment.{kind}",
            "createdAt": at + minute * 60_000,
        }
        place = Told(digest(payload))
        changes = told(sample, created.headers, payload)
        said += (Statement(change, rank(change, place), "c") for change in changes)
    identity = said[0].change.identity
    first, _ = folded(identity, said[:1])
    for order in (said, said[::-1], [*said[4:], *said[:4]]):
        shown, metadata = folded(identity, order)
        assert shown == first
        assert parse_time(metadata["createdAt"]) == first
        without = [replace(one, heard_at=None) for one in order]
        assert folded(identity, without) == (shown, metadata)
