"""Sync runs of all sources while a third of what their providers are asked goes wrong.

The run is late, and nothing else differs: neither a row nor what the run counts.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from ingest.core.errors import BudgetSpent, IngestError, RateLimited, TransientError, Unavailable
from ingest.flows.syncs import joining
from ingest.flows.syncs.failing import SOON, TRIES, failure_of
from ingest.flows.syncs.fetch import most_calls
from ingest.flows.syncs.held import claim_part
from ingest.flows.syncs.request import Kind, begin_due
from ingest.sources.github.demo.fake import App, GitHub
from ingest.sources.listing import PageRequest
from ingest.sources.zendesk.demo.fake import Zendesk
from ingest.store.engine import connect as connect_to
from ingest.store.engine import transaction
from ingest.testing.fake_tokens import FakeTokens
from ingest.testing.fakes import Fake
from tests.conftest import database_on
from tests.crowds import move
from tests.flows.chaos import Plant, crowds, fair, weathered
from tests.flows.shelf import Library, Shelf, fill, keys_of, shelved
from tests.flows.snapshot import difference
from tests.spares import Spares

pytestmark = [pytest.mark.integration, pytest.mark.once, pytest.mark.timeout(600)]

FEW, MANY = 6, 80


@pytest.fixture
def other_engine(postgres_url: str, spares: Spares) -> Iterator[sa.Engine]:
    """Connections to a second database of the test's own."""
    name = spares.take()
    made = connect_to(database_on(postgres_url, name), application="ingest-test")
    yield made
    made.dispose()
    spares.give_back(name)


@contextmanager
def plants(engine: sa.Engine, other: sa.Engine, count: int) -> Iterator[tuple[Plant, Plant]]:
    """Two of the same providers, each with a database of its own."""
    with crowds(count) as fakes, ExitStack() as closing:
        calm, shaken = Plant(engine, fakes), Plant(other, fakes)
        closing.callback(calm.clients.close)
        closing.callback(shaken.clients.close)
        yield calm, shaken


def _same(calm: Plant, shaken: Plant, kind: Kind, seed: int) -> dict[str, dict[str, Any]]:
    fair(calm.fakes)
    whole = calm.sync(kind)
    asked = sum(len(fake.requests) for fake in calm.fakes.values())
    faults = weathered(calm.fakes, seed)
    assert shaken.sync(kind) == whole
    assert difference(calm.told(), shaken.told()) == ""
    assert {one["state"] for one in whole.values()} == {"done"}
    asked = sum(len(fake.requests) for fake in calm.fakes.values()) - asked
    assert sum(one.struck.total() for one in faults.values()) > 0.25 * asked
    return whole


def test_in_any_weather_a_run_is_late_and_nothing_else_differs(
    engine: sa.Engine, other_engine: sa.Engine
) -> None:
    with plants(engine, other_engine, FEW) as (calm, shaken):
        _same(calm, shaken, "backfill", 1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10, 12))
def test_so_is_one_of_many_and_one_that_finds_some_gone(
    engine: sa.Engine, other_engine: sa.Engine, seed: int
) -> None:
    with plants(engine, other_engine, MANY) as (calm, shaken):
        _same(calm, shaken, "backfill", seed)
        for name, fake in calm.fakes.items():
            move(name, fake.provider, MANY)
        whole = _same(calm, shaken, "full", seed + 1_000)
        assert all(one["changed"] for one in whole.values())
        assert sum(one["deleted"] > 0 for one in whole.values()) >= 4, whole


@pytest.mark.slow
def test_so_is_one_whose_tokens_are_renewed_meanwhile(
    engine: sa.Engine, other_engine: sa.Engine
) -> None:
    with crowds(MANY // 2) as fakes, ExitStack() as closing:
        sold = _sell_tokens(fakes)
        calm, shaken = Plant(engine, fakes, renews=True), Plant(other_engine, fakes, renews=True)
        closing.callback(calm.clients.close)
        closing.callback(shaken.clients.close)
        _same(calm, shaken, "backfill", 5)
        assert all(count > 2 for count in sold())


def _sell_tokens(fakes: Mapping[str, Fake]) -> Callable[[], tuple[int, int]]:
    """An App's and an OAuth client's tokens, of two seconds each; how many were sold."""
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    github, zendesk = fakes["github"].provider, fakes["zendesk"].provider
    assert isinstance(github, GitHub)
    assert isinstance(zendesk, Zendesk)
    github.now, github.minted_lives = (lambda: datetime.now(UTC)), timedelta(seconds=2)
    github.app = App("4321", key.public_key(), 48_000_001)
    github.token = json.dumps({"appId": 4_321, "privateKey": pem.decode()})
    zendesk.tokens = FakeTokens("client", "a-secret-of-a-client", lives_s=2.0)
    zendesk.token = json.dumps({"clientId": "client", "clientSecret": "a-secret-of-a-client"})
    return lambda: (len(github.minted), zendesk.tokens.sold)


@pytest.fixture
def library(engine: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Library]:
    shelf = Shelf()
    with shelved(shelf, monkeypatch):
        yield Library(engine, shelf)


def test_after_a_failure_a_page_is_smaller_and_grows_again_with_each_that_is_made(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bug: of twenty requests one fails nearly always where every third does, so a page was never
    made.
    """
    monkeypatch.setattr(joining, "MOST_JOINED", 0)
    fill(library.shelf, books=40)
    library.shelf.page_size = 3
    asked: list[int] = []
    errors: list[IngestError] = [
        TransientError("answers 502"),
        TransientError("answers 503", retry_after_s=1.0),
        RateLimited("answers 429", retry_after_s=1.0),
        *([Unavailable("resets the connection")] * 4),
        BudgetSpent("has no more for now", retry_after_s=1.0),
    ]

    def trouble(request: PageRequest) -> None:
        if request.resource == "books":
            asked.append(request.most_calls)
            if errors:
                raise errors.pop(0)

    library.shelf.trouble = trouble
    assert library.sync("backfill")["state"] == "done"
    assert asked[:9] == [20, 10, 5, 2, 1, 1, 1, 1, 1], "our own budget is nobody's failure"
    assert asked[9:] == [1, 2, 5, 10, *[20] * (len(asked) - 13)]
    assert len(asked) > 13


def test_a_limit_that_is_met_behind_the_first_page_is_kept_and_what_came_before_it_stands(
    library: Library,
) -> None:
    """Of several pages that are joined into one."""
    fill(library.shelf, books=9)
    limits = [RateLimited("answers 429", retry_after_s=600.0)]

    def trouble(request: PageRequest) -> None:
        if request.resource == "books" and request.cursor == "0005" and limits:
            raise limits.pop()

    library.shelf.trouble = trouble
    run = library.request("backfill")
    drained = library.pages()
    assert drained.ended["limited"] == 1
    assert len(library.sight()) == 6
    (condition,) = library.rows(
        "SELECT extract(epoch FROM held_until - now()) AS s FROM lightfast_connection_conditions"
    )
    assert 590 < float(condition["s"]) <= 600
    assert library.finish(run)["state"] == "done"
    assert library.sight() == keys_of(library.shelf)


def test_who_dies_over_a_page_has_the_next_one_make_a_smaller_one(library: Library) -> None:
    fill(library.shelf, books=2)
    library.request("backfill")
    begin_due(library.engine)
    claimed: list[int] = []
    for _ in range(3):
        with transaction(library.engine) as conn:
            held = claim_part(conn, lease_s=-1.0)
        assert held is not None
        claimed.append(most_calls(held.row.setbacks))
    assert claimed[0] == 20
    assert claimed[-1] < 20


def test_a_page_that_fails_is_asked_for_again_soon_and_later_seldom() -> None:
    waits = [
        failure_of(TransientError("answers 502"), attempts=n, run_id=1).wait_s
        for n in range(1, TRIES)
    ]
    assert max(waits[:SOON]) <= 5
    assert waits[SOON + 1] > 5
    assert 6 * 3_600 < sum(waits) < 24 * 3_600
