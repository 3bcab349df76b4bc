"""A page of more blocks than Notion's limit lets through at once is read all the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import uuid4

import pytest

from ingest.core.changes import Delete
from ingest.core.errors import RateLimited
from ingest.sources.contract import Lookup, Sight
from ingest.sources.notion.client import NotionClient, _Begun, _keep
from ingest.sources.notion.demo.fake import TOKEN, Notion
from ingest.sources.notion.demo.shapes import block, limited, rich
from ingest.sources.notion.reading import MOST_BYTES, Listed
from ingest.testing.fakes import Answer, Asked, Fake, serving
from tests.sources.notion.deliveries import AT, PAGE, client, identity, meant

JUST_NOW = "2026-03-02T11:59:40Z"
TOGGLES = [block("toggle", rich(n), children=[block("quote", rich("x"))]) for n in "abcdefgh"]


@dataclass(slots=True)
class Limiting:
    """A workspace that answers so many requests, and then wants its caller to wait."""

    notion: Notion = field(default_factory=lambda: Notion(page_size=100))
    left: int = 1000
    token: str = TOKEN

    def answer(self, asked: Asked) -> Answer:
        self.left -= 1
        return self.notion.answer(asked) if self.left >= 0 else limited()


@pytest.fixture(scope="module")
def served() -> Iterator[Fake]:
    with serving(Limiting()) as fake:
        yield fake


@pytest.fixture
def provider(served: Fake) -> Limiting:
    served.provider = made = Limiting()
    served.requests.clear()
    return made


@pytest.fixture
def connected(served: Fake, provider: Limiting) -> Iterator[NotionClient]:
    made = client(served)
    yield made
    made.close()


def attempt(connected: NotionClient, provider: Limiting, allowed: int) -> Sight | None:
    """One look-up, with so many requests allowed; None where the limit interrupted it."""
    provider.left = allowed
    try:
        return connected.fetch_one(Lookup(identity("page", PAGE)))
    except RateLimited:
        return None


def test_an_interrupted_look_up_goes_on_where_it_was(
    connected: NotionClient, provider: Limiting
) -> None:
    provider.notion.put_page(PAGE, "Long", at=AT, blocks=TOGGLES)
    whole = attempt(connected, provider, 1000)
    assert whole is not None
    attempts = [attempt(connected, provider, 3) for _ in range(4)]
    assert attempts[:3] == [None, None, None]
    assert attempts[3] is not None
    assert meant(attempts[3], "page", PAGE) == meant(whole, "page", PAGE)


def test_an_edit_in_between_begins_it_again(connected: NotionClient, provider: Limiting) -> None:
    provider.notion.put_page(PAGE, "Long", at=AT, blocks=TOGGLES)
    assert attempt(connected, provider, 6) is None
    provider.notion.edit_page(PAGE, at=JUST_NOW, blocks=[block("quote", rich("short"))])
    sight = attempt(connected, provider, 1000)
    assert sight is not None
    change = meant(sight, "page", PAGE)
    assert getattr(change, "body", None) == "> short"


def test_a_page_that_is_thrown_away_in_between_is_deleted(
    connected: NotionClient, provider: Limiting
) -> None:
    provider.notion.put_page(PAGE, "Long", at=AT, blocks=TOGGLES)
    assert attempt(connected, provider, 9) is None
    provider.notion.trash(PAGE, at=AT)
    sight = attempt(connected, provider, 1000)
    assert sight is not None
    assert isinstance(meant(sight, "page", PAGE), Delete)


def test_nothing_is_kept_of_a_page_that_was_edited_this_very_minute(
    connected: NotionClient, provider: Limiting
) -> None:
    provider.notion.put_page(PAGE, "Long", at=JUST_NOW, blocks=TOGGLES)
    assert attempt(connected, provider, 6) is None
    assert connected.begun == {}


def test_what_is_kept_of_interrupted_pages_is_bounded(connected: NotionClient) -> None:
    """Thirty-two pages that were read in part were kept whole, however large."""
    large = Listed([], requests=1, bytes=MOST_BYTES // 2 + 1)
    for _ in range(3):
        id_ = str(uuid4())
        _keep(connected, id_, _Begun({}, {"blocks": large}))
        assert set(connected.begun) == {id_}
