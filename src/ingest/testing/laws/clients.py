"""A client as production makes it, on the fake API of the source's sample; what laws ask it for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime

from ingest.core.changes import Change, Refresh, Upsert
from ingest.core.values import JSON
from ingest.sources.access import Access
from ingest.sources.contract import Lookup, Sight
from ingest.sources.discreet import Discreet, hushed
from ingest.sources.masking import Mask
from ingest.testing.fakes import Fake, Provider, serving
from ingest.testing.laws.fixtures import RECEIVED_AT, Fixture, Suite


@contextmanager
def playing(suite: Suite) -> Iterator[Fake]:
    """The sample's API with the objects of the story in it, on loopback."""
    with serving(provider_of(suite)) as fake:
        yield fake


def provider_of(suite: Suite) -> Provider:
    """The sample's API, which nobody serves yet."""
    assert suite.sample is not None
    assert suite.sample.provider is not None, "there is a client, and the sample has no provider"
    return suite.sample.provider()


@contextmanager
def connected(
    suite: Suite, fake: Fake, *, token: str = "", metadata: Mapping[str, JSON] | None = None
) -> Iterator[Discreet]:
    """The client of the story's connection, or of other metadata; with the fake's own token."""
    connect, mask = suite.source.connect, Mask()
    assert connect is not None
    given = token or fake.provider.token
    told = suite.story_connection if metadata is None else metadata
    access = Access(fake.url, given, told, lambda: datetime.now(UTC), mask=mask)
    mask.learn(given)
    client = Discreet(hushed(lambda: connect(access), mask), mask)
    try:
        yield client
    finally:
        client.close()


def asks_of(delivery: Fixture) -> Iterator[Lookup]:
    """The look-ups that a delivery asks for, and those that settle a doubt about what it tells."""
    means = delivery.means()
    again = (delivery.source.again(one) for one in means.told if isinstance(one, Upsert))
    for refresh in (*means.asked, *again):
        if refresh is not None:
            yield Lookup(refresh.identity, refresh.hint)


def every_ask(suite: Suite) -> list[Lookup]:
    """One look-up of each kind that the story asks for."""
    of_kind: dict[str, Lookup] = {}
    for delivery in suite.deliveries:
        for lookup in asks_of(delivery):
            of_kind.setdefault(lookup.identity.kind, lookup)
    assert of_kind, "there is a client, and nothing in the story asks for a look-up"
    return list(of_kind.values())


def seen(suite: Suite, lookup: Lookup, sight: Sight) -> tuple[Change, ...]:
    """What becomes of a sight, but for what it asks for in turn; nothing of a sight of nothing."""
    documents = suite.source.documents
    assert documents is not None
    if sight.raw is None:
        return ()
    found = Lookup(
        lookup.identity,
        raw=sight.raw,
        sent_at=RECEIVED_AT,
        hint=lookup.hint,
        connection=suite.story_connection,
    )
    return tuple(one for one in documents(found) if not isinstance(one, Refresh))
