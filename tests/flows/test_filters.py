"""What a filter needs and a payload does not tell is asked for first, or the thing stays out."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from ingest.core.changes import Delete, Upsert
from ingest.core.identity import Identity
from ingest.flows.connections.credentials import replace_credentials
from ingest.flows.documents.statements import asked_for, statements_of, unplaced
from ingest.sources.registry import source
from ingest.store import connections
from ingest.store.connections import Connection
from ingest.store.credentials import API_TOKEN
from ingest.store.engine import transaction
from ingest.store.reasons import TOKENLESS, UNPLACED
from tests.factories import VAULT, connect, make_store
from tests.flows.desk import Desk, desk
from tests.flows.halcyon import Sent

__all__ = ["desk"]

THING = Identity("linear", "organization-1", "document", "document-1")
TEAMS: dict[str, Any] = {"linearOrganizationId": "organization-1", "onlyTeamIds": ["team-1"]}


def _narrowed(**metadata: Any) -> Connection:
    return Connection("c", "linear", "c", TEAMS | metadata, True, "configured", "o", None)


def _upsert(labels: frozenset[str] | None) -> Upsert:
    return Upsert(THING, 5, "document-1", "Plan", "A text", {"kind": "document"}, labels=labels)


@pytest.mark.parametrize(
    ("labels", "wanted"),
    [
        (frozenset({"team-1"}), True),
        (frozenset({"team-1", "team-2"}), True),
        (frozenset({"team-2"}), False),
        (frozenset(), False),
        (None, False),
    ],
)
def test_what_is_not_proven_to_be_in_is_out(labels: frozenset[str] | None, wanted: bool) -> None:
    (statement,) = statements_of(source("linear"), _narrowed(), [_upsert(labels)])
    assert statement.wanted is wanted
    everything = _narrowed(onlyTeamIds=None)
    (statement,) = statements_of(source("linear"), everything, [_upsert(labels)])
    assert statement.wanted, "no filter leaves nothing out"


def test_what_is_gone_is_asked_for_nothing() -> None:
    (statement,) = statements_of(source("linear"), _narrowed(), [Delete(THING, 5)])
    assert statement.wanted
    assert not unplaced(source("linear"), _narrowed(), [Delete(THING, 5)])


def test_what_does_not_say_where_it_is_becomes_a_look_up_and_the_rest_is_told() -> None:
    found, told = source("linear"), (_upsert(None), Delete(THING, 5))
    lost = unplaced(found, _narrowed(), told)
    kept, asks = asked_for(found, told, (), lost)
    assert kept == (Delete(THING, 5),)
    assert [ask.identity for ask in asks] == [THING]


def _document(id_: str = "document-1") -> Sent:
    """A thin payload: the documents of a team name neither project nor initiative."""
    data = {
        "id": id_,
        "title": "Plan",
        "content": "A text",
        "slugId": "plan",
        "createdAt": "2026-03-01T09:00:00.000Z",
        "updatedAt": "2026-03-01T09:00:00.000Z",
    }
    body = {
        "action": "create",
        "type": "Document",
        "createdAt": "2026-03-01T10:00:00.000Z",
        "data": data,
        "organizationId": "organization-1",
        "webhookId": "webhook-1",
        "url": "https://linear.app/halcyon/document/plan",
    }
    return Sent("linear", body, {"linear-event": "Document"})


@pytest.mark.integration
def test_without_a_token_it_is_out_and_says_what_would_tell(desk: Desk, engine: sa.Engine) -> None:
    """Bug: documents of an excluded team were stored, as a thin payload names none."""
    store = make_store(engine)
    narrowed = connect(engine, "linear", TEAMS, stores=[store])
    ended = desk.end(narrowed, _document())
    assert ended == ("skipped", UNPLACED)
    assert UNPLACED.startswith(TOKENLESS)
    assert desk.documents(store) == {}
    assert replace_credentials(engine, narrowed, {API_TOKEN: "lin_api_" + "a" * 40}, VAULT) == 1
    desk.work()
    (look_up,) = desk.rows("SELECT kind, external_id FROM lightfast_lookups")
    assert look_up == {"kind": "document", "external_id": "document-1"}
    assert desk.documents(store) == {}, "nothing is stored before it is known"
    with transaction(engine) as conn:
        assert connections.by_id(conn, [narrowed])[narrowed].is_active
