"""A source whose package is gone: its own deliveries end with a reason, and nobody else notices."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa

from ingest.core.errors import BadInput
from ingest.core.vault import Vault
from ingest.flows.connections.lifecycle import disconnect_source
from ingest.flows.connections.purge import purge_connection
from ingest.flows.doctor import Surroundings, look_at_connections
from ingest.flows.documents.bind import bind, bind_pending, note_keys
from ingest.flows.documents.keys import named
from ingest.flows.lookups.clients import Clients
from ingest.flows.lookups.drain import drain_lookups
from ingest.sources import registry
from ingest.sources.contract import Source
from ingest.store.engine import transaction
from ingest.store.upgrade import add_source_types
from tests.factories import SECRET_KEY, connect, make_store
from tests.flows import halcyon
from tests.flows.desk import Desk, desk

__all__ = ["desk"]

pytestmark = pytest.mark.integration

GONE = "uninstalled"
_BECOME = """
UPDATE lightfast_connected_sources SET source_type = CAST(:type AS source_type) WHERE id = :id
"""
_DELIVERY = """
INSERT INTO lightfast_webhook_deliveries
  (source_type, connection_id, delivery_key, body_hash, headers, body, received_at, lane)
VALUES (CAST(:type AS source_type), :id, 'key', decode(repeat('00', 32), 'hex'), '{}', '{}',
        now(), :id)
RETURNING id
"""
_LOOK_UP = """
INSERT INTO lightfast_lookups
  (connection_id, object, scope, kind, external_id, hint, next_attempt_at, patient_until)
VALUES (:id, gen_random_uuid(), 's', 'k', '1', '{}', now(), now())
"""
_REFERENCE = """
INSERT INTO lightfast_document_references
  (document_id, kind, target_source, target_key, origin, evidence, store_id)
SELECT id, 'mention', CAST(:type AS source_type), 'GONE-1', 'text', 'GONE-1', store_id
FROM lightfast_docs_documents
"""


def _gone(engine: sa.Engine, store: str) -> str:
    """A connection of a source that is not there any more."""
    with transaction(engine) as conn:
        add_source_types(conn, [GONE])
    id_ = connect(engine, "linear", stores=[store], token="a token")
    with transaction(engine) as conn:
        conn.execute(sa.text(_BECOME), {"id": id_, "type": GONE})
    return id_


def test_its_deliveries_end_and_those_of_others_are_processed(
    desk: Desk, engine: sa.Engine
) -> None:
    store = make_store(engine)
    gone, here = _gone(engine, store), connect(engine, "github", stores=[store])
    with transaction(engine) as conn:
        lost = conn.execute(sa.text(_DELIVERY), {"id": gone, "type": GONE}).scalar_one()
    (kept,) = desk.deliver(here, halcyon.issue(1))
    desk.work()
    row = desk.delivery(lost)
    assert (row["status"], row["reason"].partition(";")[0]) == (
        "dead",
        f"source type '{GONE}' is unknown",
    )
    assert desk.delivery(kept)["status"] == "processed"


def test_of_one_that_is_broken_the_reason_says_how_and_nobody_else_notices(
    desk: Desk, engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = "source 'linear' of a package 1.0 is broken: it gives no SOURCE; mend it"
    whole = registry._loaded
    store = make_store(engine)
    broken = connect(engine, "linear", stores=[store], token="a token")
    here = connect(engine, "github", stores=[store])
    with transaction(engine) as conn:
        lost = conn.execute(sa.text(_DELIVERY), {"id": broken, "type": "linear"}).scalar_one()
        conn.execute(sa.text(_LOOK_UP), {"id": broken})
    (kept,) = desk.deliver(here, halcyon.issue(1))
    with _all_but(monkeypatch, lambda name: line if name == "linear" else whole(name)):
        desk.work()
        row = desk.delivery(lost)
        assert (row["status"], row["reason"]) == ("dead", f"{line}; then replay it")
        assert desk.delivery(kept)["status"] == "processed"
        ended = drain_lookups(engine, Clients(Vault([SECRET_KEY]), {}), go_on=lambda: True).ended
        assert ended == {"put_off": 1}, "it goes on once that is mended"


@contextmanager
def _all_but(
    monkeypatch: pytest.MonkeyPatch, loaded: Callable[[str], Source | str]
) -> Iterator[None]:
    """What is loaded in the block, and nothing of it behind: all sources are remembered."""
    with monkeypatch.context() as patch:
        patch.setattr(registry, "_loaded", loaded)
        registry.all_sources.cache_clear()
        try:
            yield
        finally:
            patch.undo()
            registry.all_sources.cache_clear()


def test_a_key_of_its_can_be_noted_and_bound(engine: sa.Engine) -> None:
    store = make_store(engine)
    _gone(engine, store)
    with transaction(engine) as conn:
        noted = note_keys(conn, {named(store, GONE, "GONE-1")})
    bind(engine, noted)
    bind_pending(engine)


def test_a_reference_to_a_thing_of_its_harms_no_document(desk: Desk, engine: sa.Engine) -> None:
    store = make_store(engine)
    _gone(engine, store)
    here = connect(engine, "github", stores=[store])
    desk.end(here, halcyon.issue(1))
    desk.rows(_REFERENCE + " RETURNING document_id", type=GONE)
    assert desk.end(here, halcyon.issue(1, action="deleted"))[0] == "processed"
    assert desk.documents() == {}


def test_its_look_ups_end_and_the_drain_goes_on(desk: Desk, engine: sa.Engine) -> None:
    gone = _gone(engine, make_store(engine))
    with transaction(engine) as conn:
        conn.execute(sa.text(_LOOK_UP), {"id": gone})
    ended = drain_lookups(engine, Clients(Vault([SECRET_KEY]), {}), go_on=lambda: True).ended
    assert ended == {"hopeless": 1}


def test_the_doctor_names_its_connections(engine: sa.Engine) -> None:
    gone = _gone(engine, make_store(engine))
    (found,) = look_at_connections(engine, Surroundings({}, None))
    assert str(found.state) == "failed"
    assert (found.remedy or "").endswith(f"ingest source disconnect {gone}")


def test_it_is_not_purged_by_halves(desk: Desk, engine: sa.Engine) -> None:
    """Bug: what it fed was gone by the time that its raw deliveries could not be told apart."""
    store = make_store(engine)
    gone = _gone(engine, store)
    with transaction(engine) as conn:
        conn.execute(sa.text(_DELIVERY), {"id": gone, "type": GONE})
    disconnect_source(engine, gone)
    with pytest.raises(BadInput, match="install what brings it"):
        purge_connection(engine, gone)
    assert desk.rows("SELECT count(*) AS n FROM lightfast_webhook_deliveries") == [{"n": 1}]
