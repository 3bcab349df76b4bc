"""What Zendesk's events say and its API does not: it stays, with a token and without."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa

from ingest.flows.lookups.clients import Clients
from ingest.flows.lookups.drain import drain_lookups
from ingest.sources.zendesk.demo.fake import Zendesk, make
from ingest.testing.fakes import Answer, Fake, Trouble, serving
from tests.factories import VAULT, connect
from tests.flows.desk import Desk, desk
from tests.flows.halcyon import Sent
from tests.sources.zendesk.deliveries import CONNECTION, body

__all__ = ["desk"]

pytestmark = pytest.mark.integration

_RUI, _AT, _LATER = 361000000001, "2026-03-09T07:40:00Z", "2026-03-09T09:30:00Z"
_NOW = "UPDATE lightfast_lookups SET next_attempt_at = now() WHERE lease_until IS NULL"


@dataclass
class Account:
    """A desk with a connection to an account."""

    desk: Desk
    zendesk: Zendesk
    fake: Fake
    clients: Clients
    connection: str

    def hear(self, name: str, **event: Any) -> None:
        """A webhook, and the look-ups that it asks for."""
        told = body(name)
        told["event"] |= event
        self.desk.deliver(self.connection, Sent("zendesk", told, {}))
        self.desk.work()
        self.desk.run(_NOW)
        drain_lookups(self.desk.engine, self.clients, go_on=lambda: True)


@pytest.fixture
def account(desk: Desk, engine: sa.Engine) -> Iterator[Account]:
    zendesk = make()
    zendesk.put_user(_RUI, "Rui")
    zendesk.put_ticket(4512, "Lift", "Out of order.", by=_RUI, at=_AT)
    with serving(zendesk) as fake:
        clients = Clients(VAULT, {"zendesk": fake.url})
        connection = connect(engine, "zendesk", CONNECTION, token=zendesk.token)
        yield Account(desk, zendesk, fake, clients, connection)
        clients.close()


def _related(desk: Desk) -> list[str]:
    (ticket,) = desk.documents().values()
    found = (ticket["relationships"] or {}).get("graph", {}).get("relatedTo", [])
    return [str(key) for key in found]


def test_what_a_ticket_was_merged_into_stays_whatever_is_heard_of_it_next(account: Account) -> None:
    """Bug: the event names the other ticket, the API's comment only in the account's language."""
    account.zendesk.add_comment(4512, "Fusionné.", by=_RUI, at=_LATER, public=False)
    account.zendesk.edit_ticket(4512, at=_LATER, status="closed", tags=["closed_by_merge"])
    account.hear("ticket.merged")
    assert _related(account.desk) == ["zendesk:#4410"]
    account.zendesk.edit_ticket(4512, at="2026-03-09T10:00:00Z", subject="Lift 7")
    account.hear("ticket.status_changed")
    (ticket,) = account.desk.documents().values()
    assert ticket["source_metadata"]["updatedAt"] > _LATER
    assert _related(account.desk) == ["zendesk:#4410"]


def test_without_a_token_a_ticket_and_its_comments_are_told_one_by_one(
    desk: Desk, engine: sa.Engine
) -> None:
    connection = connect(engine, "zendesk", CONNECTION)
    names = ("ticket.comment_added", "ticket.status_changed", "ticket.created")
    for name in names:
        assert desk.end(connection, Sent("zendesk", body(name), {}))[0] == "processed"
    assert sorted(desk.documents()) == ["4512", "comment:9001"]
    found = desk.documents()
    assert found["comment:9001"]["parent_doc_id"] == found["4512"]["id"]
    text = "SELECT text FROM lightfast_document_chunks WHERE text LIKE '%mechanic%'"
    assert len(desk.rows(text)) == 1


def test_a_language_that_is_gone_is_missed_by_the_next_look_up_of_its_article(
    account: Account,
) -> None:
    account.zendesk.tickets.clear()
    account.zendesk.put_article(360044556677, "Lifts", "<p>All.</p>", section=7, at=_AT)
    account.zendesk.put_translation(360044556677, "fr", "Ascenseurs", "<p>Tous.</p>", at=_AT)
    account.hear("article.published")
    assert len(account.desk.documents()) == 2
    account.zendesk.delete_translation(360044556677, "fr")
    account.hear("article.vote_created")
    assert sorted(account.desk.documents()) == ["article:360044556677"]
    account.zendesk.put_translation(360044556677, "fr", "Ascenseurs", "<p>Tous.</p>", at=_AT)
    account.hear("article.author_changed")
    assert len(account.desk.documents()) == 2


def test_the_language_that_an_event_names_is_a_document(account: Account) -> None:
    account.zendesk.tickets.clear()
    account.zendesk.put_article(360044556677, "Lifts", "<p>All.</p>", section=7, at=_AT)
    account.zendesk.put_translation(360044556677, "fr", "Ascenseurs", "<p>Tous.</p>", at=_AT)
    account.zendesk.includes = False
    account.fake.troubles = [Trouble(Answer(404, {"error": "x"}), path="/translations", times=9)]
    account.hear("article.published", locale="fr")
    assert sorted(account.desk.documents()) == ["article:360044556677", "article:360044556677:fr"]
    account.zendesk.delete_translation(360044556677, "fr")
    account.hear("article.unpublished", locale="fr")
    assert sorted(account.desk.documents()) == ["article:360044556677"]
