"""Look-ups in tests: a fake of Linear's API, served, and what a look-up makes of an object."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from ingest.core.changes import Change, Delete, Upsert
from ingest.sources.access import Access
from ingest.sources.contract import Client, Lookup, Sight
from ingest.sources.linear import SOURCE
from ingest.sources.linear.demo.fake import Linear, make
from ingest.testing.fakes import Fake, serving
from tests.sources.linear.deliveries import ORGANIZATION, identity

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
_SERVED: list[Fake] = []


def organization() -> Linear:
    """The API of the organization that the deliveries are of."""
    linear = make()
    linear.organization = {"id": ORGANIZATION, "name": "Halcyon Rail", "urlKey": "halcyon-rail"}
    return linear


@contextmanager
def served() -> Iterator[None]:
    """One server for all tests of this folder; each gives it an organization of its own."""
    with serving(make()) as fake:
        _SERVED.append(fake)
        try:
            yield
        finally:
            _SERVED.clear()


@contextmanager
def looking(linear: Linear, *, token: str | None = None, base: str = "") -> Iterator[Looking]:
    """The fake, served, and a client of it; `base` is added to the API's URL."""
    (fake,) = _SERVED
    fake.provider = linear
    fake.requests.clear()
    fake.troubles.clear()
    access = Access(
        base_url=fake.url + base,
        token=linear.token if token is None else token,
        metadata={"linearOrganizationId": ORGANIZATION},
        now=lambda: NOW,
    )
    assert SOURCE.connect is not None
    client = SOURCE.connect(access)
    try:
        yield Looking(fake, linear, client)
    finally:
        client.close()


class Looking:
    """A client and the fake that it asks."""

    def __init__(self, fake: Fake, linear: Linear, client: Client) -> None:
        self.fake, self.linear, self.client = fake, linear, client

    def sight(self, kind: str, id_: str, **hint: Any) -> Sight:
        return self.client.fetch_one(Lookup(identity(kind, id_), hint))

    def change(self, kind: str, id_: str) -> Change:
        """The one change that a look-up of it ends in."""
        raw = self.sight(kind, id_).raw
        assert raw is not None
        return seen(kind, id_, raw)

    def upsert(self, kind: str, id_: str) -> Upsert:
        change = self.change(kind, id_)
        assert isinstance(change, Upsert)
        return change

    def delete(self, kind: str, id_: str) -> Delete:
        change = self.change(kind, id_)
        assert isinstance(change, Delete)
        return change


def seen(kind: str, id_: str, raw: Any) -> Change:
    """What an answer of the API says."""
    assert SOURCE.documents is not None
    (change,) = SOURCE.documents(Lookup(identity(kind, id_), raw=raw, sent_at=NOW))
    assert isinstance(change, Upsert | Delete)
    return change
