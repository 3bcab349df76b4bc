"""A desk with a workspace beside it: thin deliveries, a provider's API, and who looks things up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import NAMESPACE_URL, uuid4, uuid5

import sqlalchemy as sa

from ingest.flows.deliveries.drain import drain_deliveries
from ingest.flows.lookups.clients import Clients
from ingest.flows.lookups.drain import drain_lookups
from ingest.sources.notion.demo.fake import Notion, make
from ingest.sources.notion.demo.shapes import block, rich
from ingest.store import deliveries
from ingest.store.engine import transaction
from ingest.testing.fakes import Fake, serving
from tests.factories import VAULT, connect, make_store
from tests.flows.halcyon import Sent

WORKSPACE = "workspace-1"
T0, T1 = "2026-03-02T08:00:00.000Z", "2026-03-02T09:00:00.000Z"

_NOW = sa.text("""
UPDATE lightfast_lookups SET next_attempt_at = now() WHERE lease_until IS NULL
""")


def page_id(name: str) -> str:
    """The id of the page of that name."""
    return str(uuid5(NAMESPACE_URL, name))


def event(type_: str, page: str, *, at: str = T0, parent: dict[str, Any] | None = None) -> Sent:
    """A thin event: what happened to which page, and no word of what is in it."""
    body = {
        "id": str(uuid4()),
        "timestamp": at,
        "workspace_id": WORKSPACE,
        "workspace_name": "Halcyon",
        "subscription_id": "subscription-1",
        "integration_id": "integration-1",
        "type": type_,
        "authors": [{"id": "author-1", "type": "person"}],
        "attempt_number": 1,
        "api_version": "2025-09-03",
        "entity": {"id": page_id(page), "type": "page"},
        "data": {"parent": parent or {"id": WORKSPACE, "type": "space"}},
    }
    return Sent("notion", body)


@dataclass
class Office:
    """A connection with a token, the workspace that it reads, and those who do the work."""

    engine: sa.Engine
    notion: Notion
    fake: Fake
    store: str = ""
    connection: str = ""
    clients: Clients = field(init=False)

    def __post_init__(self) -> None:
        self.clients = Clients(VAULT, {"notion": self.fake.url})

    def open(self, *, token: str | None = None) -> None:
        """Connect the workspace; without a token where that is the empty text."""
        self.store = make_store(self.engine)
        given = self.notion.token if token is None else token or None
        self.connection = connect(self.engine, "notion", stores=[self.store], token=given)

    def write(self, page: str, text: str, *, at: str = T0) -> None:
        """Somebody writes a page, or writes it anew."""
        blocks = [block("paragraph", rich(text))]
        if page_id(page) in self.notion.pages:
            self.notion.edit_page(page_id(page), at=at, blocks=blocks)
        else:
            self.notion.put_page(page_id(page), page, at=at, blocks=blocks)

    def deliver(self, *sent: Sent) -> list[int]:
        """The deliveries' ids, as they wait for a worker."""
        with transaction(self.engine) as conn:
            arrivals = [one.arrival(self.connection, one.body["id"]) for one in sent]
            return [id_ for id_, _ in deliveries.insert(conn, arrivals)]

    def work(self) -> None:
        """Process what is due; what has to be looked up waits."""
        drain_deliveries(self.engine, go_on=lambda: True, threads=1)

    def look_up(self) -> Counter[str]:
        """Look up everything now, without waiting for more events; what became of it."""
        ended: Counter[str] = Counter()
        with transaction(self.engine) as conn:
            conn.execute(_NOW)
        ended.update(drain_lookups(self.engine, self.clients, go_on=_Once()).ended)
        return ended

    def end(self, *sent: Sent) -> list[tuple[str, str | None]]:
        """Deliver, work, look up; each delivery's status and reason."""
        ids = self.deliver(*sent)
        self.work()
        self.look_up()
        return [self.delivery(id_) for id_ in ids]

    def delivery(self, id_: int) -> tuple[str, str | None]:
        (row,) = self.rows(
            "SELECT status, coalesce(reason, last_error) AS why"
            " FROM lightfast_webhook_deliveries WHERE id = :id",
            id=id_,
        )
        return row["status"], row["why"]

    def texts(self) -> dict[str, str]:
        """The first chunk of each document that stands, by its title."""
        rows = self.rows(
            "SELECT d.source_metadata ->> 'title' AS title, c.text"
            " FROM lightfast_docs_documents d"
            " JOIN lightfast_document_chunks c ON c.document_id = d.id AND c.position = 0"
        )
        return {row["title"]: row["text"] for row in rows}

    def reads_of(self, page: str) -> int:
        """How often the page itself was asked for."""
        return len([a for a in self.fake.requests if a.path.endswith(f"/pages/{page_id(page)}")])

    def rows(self, query: str, **given: object) -> list[dict[str, Any]]:
        with transaction(self.engine) as conn:
            return [dict(row) for row in conn.execute(sa.text(query), given).mappings()]


class _Once:
    """Goes on until everything that is due now was begun."""

    def __init__(self) -> None:
        self._left = 3

    def __call__(self) -> bool:
        self._left -= 1
        return self._left >= 0


@contextmanager
def office(engine: sa.Engine) -> Iterator[Office]:
    """An office whose workspace is connected, with a token."""
    notion = make()
    with serving(notion) as fake:
        made = Office(engine, notion, fake)
        made.open()
        yield made
        made.clients.close()
