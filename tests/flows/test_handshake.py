"""A handshake's token is captured once, by the connection that waits for it, and shown once."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from ingest.core.errors import BadInput, BadSignature, IngestError, NotConnected
from ingest.flows.connections.connect import connect_source
from ingest.flows.connections.credentials import replace_credentials
from ingest.flows.connections.lifecycle import disconnect_source
from ingest.flows.receiving import handshake
from ingest.flows.receiving.arrivals import insert_into
from ingest.flows.receiving.intake import Intake
from ingest.flows.receiving.requests import Incoming
from ingest.flows.receiving.secrets import Keyring, stored_secrets
from ingest.sources.registry import source
from ingest.store.credentials import WEBHOOK_SECRET
from ingest.store.engine import transaction
from tests.factories import METADATA, SECRET, VAULT, connect, make_store, signed

pytestmark = pytest.mark.integration

TOKEN, OTHER = "secret_first-token-of-a-test", "secret_another-token-of-a-test"


@dataclass(frozen=True)
class Door:
    """A receiver on one database."""

    engine: sa.Engine

    def connect(self, source_type: str = "notion") -> str:
        """A source without a secret, connected as a person does it."""
        return connect_source(
            self.engine,
            source(source_type).descriptor,
            name="a source of a test",
            metadata=METADATA[source_type],
            store_ids=[make_store(self.engine)],
            secrets={},
            vault=VAULT,
        )

    def knock(
        self, connection_id: str | None, body: object, headers: dict[str, str] | None = None
    ) -> str:
        """One request; the status that it is answered with."""
        told = {"content-type": "application/json", **(headers or {})}
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        keyring = Keyring(stored_secrets(self.engine, VAULT), {"notion": (SECRET,)})
        shake = handshake.shaken_in(self.engine, lambda: VAULT)
        incoming = Incoming("notion", connection_id, told, raw, datetime.now(UTC))
        insert = insert_into(self.engine)
        return Intake(keyring, insert, lambda: None, 10**6, shake).take(incoming).status

    def event(self, connection_id: str, secret: str) -> str:
        body = json.dumps({"id": str(uuid.uuid4()), "workspace_id": "workspace-1"}).encode()
        return self.knock(connection_id, body, signed("notion", body, secret))

    def show(self, connection_id: str) -> str:
        return handshake.show(self.engine, VAULT, connection_id)

    def let_time_pass(self) -> None:
        with transaction(self.engine) as conn:
            conn.execute(
                sa.text("UPDATE lightfast_handshakes SET armed_until = now() - interval '1 s'")
            )

    def deliveries(self) -> int:
        with transaction(self.engine) as conn:
            count = conn.execute(sa.text("SELECT count(*) FROM lightfast_webhook_deliveries"))
            return int(count.scalar_one())


@pytest.fixture
def door(engine: sa.Engine) -> Door:
    return Door(engine)


def _bring(token: str) -> dict[str, str]:
    return {"verification_token": token}


def test_the_token_is_captured_shown_once_and_verifies_from_then_on(door: Door) -> None:
    connection = door.connect()
    assert door.knock(connection, _bring(TOKEN)) == "handshake"
    assert door.deliveries() == 0
    assert door.show(connection) == TOKEN
    with pytest.raises(BadInput, match="shown already"):
        door.show(connection)
    assert door.event(connection, TOKEN) == "accepted"


def test_a_signed_handshake_is_captured_as_well(door: Door) -> None:
    connection = door.connect()
    body = json.dumps(_bring(TOKEN), separators=(",", ":")).encode()
    assert door.knock(connection, body, signed("notion", body, TOKEN)) == "handshake"
    assert door.knock(connection, body, signed("notion", body, TOKEN)) == "handshake"
    assert door.show(connection) == TOKEN


def test_nobody_puts_his_own_secret_in_the_place_of_a_live_one(door: Door) -> None:
    connection = door.connect()
    door.knock(connection, _bring(TOKEN))
    with pytest.raises(BadSignature):
        door.knock(connection, _bring(OTHER))
    assert door.show(connection) == TOKEN
    with pytest.raises(BadSignature):
        door.event(connection, OTHER)


def test_what_the_provider_sends_again_is_answered_and_changes_nothing(door: Door) -> None:
    connection = door.connect()
    assert [door.knock(connection, _bring(TOKEN)) for _ in range(3)] == ["handshake"] * 3
    assert door.show(connection) == TOKEN


def test_after_a_quarter_of_an_hour_nothing_is_captured(door: Door) -> None:
    connection = door.connect()
    door.let_time_pass()
    with pytest.raises(BadSignature):
        door.knock(connection, _bring(TOKEN))
    with pytest.raises(BadInput, match="--rearm"):
        door.show(connection)
    handshake.rearm(door.engine, connection)
    assert door.knock(connection, _bring(TOKEN)) == "handshake"
    assert door.show(connection) == TOKEN


def _rearmed(door: Door) -> str:
    """A live connection that waits for a token once more."""
    connection = door.connect()
    door.knock(connection, _bring(TOKEN))
    door.show(connection)
    handshake.rearm(door.engine, connection)
    return connection


def test_rearmed_a_stranger_s_token_harms_nobody(door: Door) -> None:
    """Bug: the first unsigned token that came took the place of the secret that worked."""
    connection = _rearmed(door)
    assert door.knock(connection, _bring(OTHER)) == "handshake"
    assert door.knock(connection, _bring(OTHER)) == "handshake"
    with pytest.raises(BadSignature):
        door.event(connection, OTHER)
    assert door.event(connection, TOKEN) == "accepted"


def test_the_old_secret_works_until_the_new_one_is_confirmed(door: Door) -> None:
    connection = _rearmed(door)
    door.knock(connection, _bring(OTHER))
    assert door.show(connection) == OTHER
    assert door.event(connection, TOKEN) == "accepted"
    handshake.confirm(door.engine, connection)
    assert door.event(connection, OTHER) == "accepted"
    with pytest.raises(BadSignature):
        door.event(connection, TOKEN)
    with pytest.raises(BadInput, match="no token waits to be confirmed"):
        handshake.confirm(door.engine, connection)


def test_what_the_provider_did_not_take_is_forgotten_when_it_is_rearmed(door: Door) -> None:
    connection = _rearmed(door)
    door.knock(connection, _bring(OTHER))
    door.show(connection)
    handshake.rearm(door.engine, connection)
    with pytest.raises(BadSignature):
        door.event(connection, OTHER)
    assert door.event(connection, TOKEN) == "accepted"


def test_a_token_that_nobody_was_shown_is_forgotten_when_it_is_rearmed(door: Door) -> None:
    """Bug: a stranger who was first went on signing for a connection that was rearmed."""
    connection = door.connect()
    door.knock(connection, _bring(OTHER))
    handshake.rearm(door.engine, connection)
    with pytest.raises(BadSignature):
        door.event(connection, OTHER)
    assert door.knock(connection, _bring(TOKEN)) == "handshake"
    assert door.show(connection) == TOKEN
    assert door.event(connection, TOKEN) == "accepted"
    with pytest.raises(BadSignature):
        door.event(connection, OTHER)


def test_what_nobody_was_shown_cannot_be_confirmed(door: Door) -> None:
    """Else a token that came unasked would end the secrets that somebody has set since."""
    connection = door.connect()
    door.knock(connection, _bring(OTHER))
    given = {WEBHOOK_SECRET: TOKEN}
    replace_credentials(door.engine, connection, given, VAULT)
    with pytest.raises(BadInput, match="no token waits to be confirmed"):
        handshake.confirm(door.engine, connection)
    assert door.event(connection, TOKEN) == "accepted"
    assert door.show(connection) == OTHER
    handshake.rearm(door.engine, connection)
    assert door.event(connection, TOKEN) == "accepted"
    with pytest.raises(BadSignature):
        door.event(connection, OTHER)


def test_a_handshake_that_is_signed_by_another_token_is_none(door: Door) -> None:
    connection = door.connect()
    body = json.dumps(_bring(TOKEN)).encode()
    with pytest.raises(BadSignature):
        door.knock(connection, body, signed("notion", body, OTHER))


def test_the_route_of_everybody_captures_nothing(door: Door) -> None:
    door.connect()
    with pytest.raises(BadSignature):
        door.knock(None, _bring(TOKEN))


def test_a_connection_that_was_given_its_secret_waits_for_none(door: Door) -> None:
    connection = connect(door.engine, "notion", secret=SECRET)
    with pytest.raises(BadSignature):
        door.knock(connection, _bring(TOKEN))


@pytest.mark.parametrize(
    "body", [{"verification_token": ""}, {"verification_token": 7}, [], "secret_x", {}]
)
def test_what_is_no_handshake_is_refused(door: Door, body: object) -> None:
    connection = door.connect()
    with pytest.raises(IngestError):
        door.knock(connection, body)
    with pytest.raises(BadInput):
        door.show(connection)


def test_a_disconnected_source_captures_nothing(door: Door) -> None:
    connection = door.connect()
    disconnect_source(door.engine, connection)
    with pytest.raises(NotConnected):
        door.knock(connection, _bring(TOKEN))


def test_a_source_without_a_handshake_says_so(door: Door) -> None:
    connection = door.connect("linear")
    with pytest.raises(BadInput, match="no handshake"):
        door.show(connection)
    with pytest.raises(BadInput, match="no handshake"):
        handshake.rearm(door.engine, connection)
