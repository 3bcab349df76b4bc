"""Promise 4 against a provider that moves: it edits, trashes and restores while events come late.

A model: somebody works at the provider, its events arrive late, twice, out of order or not at all,
two workers look things up and die in the middle. Once all is quiet and one more event of each page
has come, what stands is what the provider holds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.flows import sweep
from ingest.flows.lookups.clients import Clients
from ingest.flows.lookups.drain import drain_lookups
from ingest.sources.notion.demo.fake import make
from ingest.store import lookups
from ingest.store.engine import transaction
from ingest.testing.fakes import serving
from tests.factories import VAULT
from tests.flows.asking_notion import Office, event, page_id
from tests.flows.halcyon import Sent
from tests.leases import run_out

pytestmark = [pytest.mark.integration, pytest.mark.once, pytest.mark.timeout(900)]

PAGES = ("One", "Two", "Three")
_FORGET = (
    "DELETE FROM lightfast_webhook_deliveries",
    "DELETE FROM lightfast_lookups",
    "DELETE FROM lightfast_lookup_states",
    "DELETE FROM lightfast_ingestion_events",
    "DELETE FROM lightfast_docs_documents",
    "DELETE FROM lightfast_document_ledger",
)
_LATER = sa.text("""
UPDATE lightfast_lookups
SET next_attempt_at = now() - interval '1 s', patient_until = now() - interval '1 s',
    lease_until = CASE WHEN lease_until IS NULL THEN NULL ELSE now() - interval '1 s' END,
    missed_at = CASE WHEN lease_until IS NULL THEN NULL ELSE now() - interval '1 min' END
""")
_UNSETTLED = """
SELECT id, status, reason FROM lightfast_webhook_deliveries WHERE status IN ('pending', 'dead')
"""

Act = Literal[
    "write", "trash", "restore", "hide", "show", "hear", "hear late", "again", "work", "look up",
    "look up elsewhere", "crash", "later",
]  # fmt: skip
Story = Sequence[tuple[Act, str]]
KINDS = {
    "write": "page.content_updated",
    "trash": "page.deleted",
    "restore": "page.undeleted",
    "hide": "page.moved",
    "show": "page.properties_updated",
}


@dataclass
class World:
    """An office, a second worker, and the events that are on their way."""

    desk: Office
    elsewhere: Clients
    minute: int = 0
    unheard: list[Sent] = field(default_factory=list)
    heard: list[Sent] = field(default_factory=list)
    written: dict[str, str] = field(default_factory=dict)

    def begin(self) -> None:
        with transaction(self.desk.engine, durable=False) as conn:
            for statement in _FORGET:
                conn.execute(sa.text(statement))
        self.desk.notion.pages.clear()
        self.desk.notion.hidden.clear()
        self.unheard, self.heard, self.minute = [], [], 0
        for page in PAGES:
            self._do("write", page)

    def act(self, act: Act, page: str) -> None:
        if act in KINDS:
            self._do(act, page)
        elif act in ("hear", "hear late") and self.unheard:
            sent = self.unheard.pop(0 if act == "hear" else -1)
            self.heard.append(sent)
            self.desk.deliver(sent)
        elif act == "again" and self.heard:
            self.desk.deliver(self.heard[self.minute % len(self.heard)])
        elif act == "work":
            self.desk.work()
        elif act in ("look up", "look up elsewhere"):
            clients = self.desk.clients if act == "look up" else self.elsewhere
            drain_lookups(self.desk.engine, clients, go_on=_times(3))
        elif act == "crash":
            self.later()
            with transaction(self.desk.engine, durable=False) as conn:
                lookups.claim(conn, limit=8)
            run_out(self.desk.engine)
        elif act == "later":
            self.later()

    def _do(self, act: Act, page: str) -> None:
        """Somebody acts at the provider, which tells of it some time."""
        notion, id_ = self.desk.notion, page_id(page)
        self.minute += 1
        at = f"2026-03-02T08:{self.minute // 2:02d}:00.000Z"  # Notion rounds to the minute
        if act == "write":
            self.written[page] = f"{page} in its version {self.minute}."
            self.desk.write(page, self.written[page], at=at)
        elif act == "trash":
            notion.trash(id_, at=at)
        elif act == "restore":
            notion.restore(id_, at=at)
        elif act == "hide":
            notion.hidden.add(id_)
        else:
            notion.hidden.discard(id_)
        self.unheard.append(event(KINDS[act], page, at=at))

    def later(self) -> None:
        with transaction(self.desk.engine, durable=False) as conn:
            conn.execute(_LATER)

    def end(self) -> None:
        """The rest arrives, and one more event of each page; all is done that is to be done."""
        at = "2026-03-02T09:00:00.000Z"
        self.desk.deliver(*self.unheard, *(event("page.moved", page, at=at) for page in PAGES))
        self.desk.work()
        while self.desk.rows("SELECT 1 AS one FROM lightfast_lookups LIMIT 1"):
            self.later()
            drain_lookups(self.desk.engine, self.desk.clients, go_on=_times(9))
            sweep.unpark(self.desk.engine)
            self.desk.work()

    def expected(self) -> dict[str, str]:
        """The text of each page that stands and is shared."""
        notion = self.desk.notion
        return {
            page: self.written[page]
            for page in PAGES
            if not notion.pages[page_id(page)]["in_trash"] and page_id(page) not in notion.hidden
        }


def _times(turns: int) -> Callable[[], bool]:
    left = iter(range(turns))
    return lambda: next(left, None) is not None


@pytest.fixture
def world(engine: sa.Engine) -> Iterator[World]:
    notion = make()
    with serving(notion) as fake:
        desk = Office(engine, notion, fake)
        desk.open()
        elsewhere = Clients(VAULT, {"notion": fake.url})
        yield World(desk, elsewhere)
        desk.clients.close()
        elsewhere.close()


stories = st.lists(st.tuples(st.sampled_from(get_args(Act)), st.sampled_from(PAGES)), max_size=40)
_some = settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@_some
@given(story=stories)
def test_in_the_end_stands_what_the_provider_holds(world: World, story: Story) -> None:
    _check(world, story)


@pytest.mark.slow
@settings(_some, max_examples=200)
@given(story=stories)
def test_in_the_end_stands_what_the_provider_holds_for_long(world: World, story: Story) -> None:
    _check(world, story)


def _check(world: World, story: Story) -> None:
    world.begin()
    for act, page in story:
        world.act(act, page)
    world.end()
    assert world.desk.rows(_UNSETTLED) == []
    found = {page: text.splitlines()[-1] for page, text in world.desk.texts().items()}
    assert found == world.expected()
