"""Secrets as they are stored, for many at once; and a flood of unknown ids beside an honest one."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

import pytest
import sqlalchemy as sa

from ingest.core.errors import BadSettings, NotConnected
from ingest.core.vault import Vault
from ingest.flows.connections.connect import connect_source
from ingest.flows.receiving import handshake
from ingest.flows.receiving.secrets import ConnectionSecrets, Keyring, Secrets, stored_secrets
from ingest.sources.registry import source
from ingest.store import connections, credentials
from ingest.store.engine import transaction
from tests.factories import METADATA, SECRET, SECRET_KEY, VAULT, connect, make_store

GITHUB = source("github").descriptor


@pytest.mark.integration
def test_one_reading_tells_of_all_connections_what_may_verify_their_requests(
    engine: sa.Engine,
) -> None:
    github, linear = connect(engine, "github"), connect(engine, "linear", secret=None)
    paused, gone = connect(engine, "github"), connect(engine, "github")
    with transaction(engine) as conn:
        credentials.add(conn, VAULT, github, credentials.WEBHOOK_SECRET, "newer")
        credentials.add(conn, VAULT, github, credentials.API_TOKEN, "a token verifies nothing")
        connections.set_status(conn, paused, is_active=False, status=connections.PAUSED)
        connections.set_status(conn, gone, is_active=False, status=connections.DISCONNECTED)
    read = stored_secrets(engine, VAULT)
    assert read([github, linear, paused, gone, "unknown", "'; --"]) == {
        github: ConnectionSecrets("github", Secrets((SECRET, "newer"))),
        linear: ConnectionSecrets("linear", Secrets(())),
        paused: ConnectionSecrets("github", Secrets((SECRET,))),
    }


@pytest.mark.integration
def test_a_handshake_may_come_while_it_is_waited_for_and_once_more_when_it_came(
    engine: sa.Engine,
) -> None:
    made = connect_source(
        engine,
        source("notion").descriptor,
        name="of a test",
        metadata=METADATA["notion"],
        store_ids=[make_store(engine)],
        secrets={},
        vault=VAULT,
    )
    read = stored_secrets(engine, VAULT)
    assert read([made])[made].secrets.shakes
    with transaction(engine) as conn:
        conn.execute(sa.text("UPDATE lightfast_handshakes SET armed_until = now()"))
    assert not read([made])[made].secrets.shakes
    handshake.rearm(engine, made)
    assert read([made])[made].secrets.shakes
    with transaction(engine) as conn:
        conn.execute(
            sa.text("UPDATE lightfast_handshakes SET armed_until = NULL, captured_at = now()")
        )
    assert read([made])[made].secrets.shakes


@pytest.mark.integration
def test_a_secret_that_no_key_opens_is_that_connections_fault_alone(engine: sa.Engine) -> None:
    sealed, open_ = connect(engine, "github", secret=None), connect(engine, "github")
    other = Vault(["another key, of which this program knows nothing"])
    with transaction(engine) as conn:
        credentials.add(conn, other, sealed, credentials.WEBHOOK_SECRET, SECRET)
    keyring = Keyring(stored_secrets(engine, Vault([SECRET_KEY])), {})
    asked = keyring.ask(GITHUB, sealed), keyring.ask(GITHUB, open_)
    assert [one.result(20) is not None for one in asked] == [True, True]
    assert keyring.look_up(GITHUB, open_).live == (SECRET,)
    with pytest.raises(BadSettings, match="INGEST_SECRET_KEY"):
        keyring.look_up(GITHUB, sealed)


@pytest.mark.integration
def test_a_secret_that_no_key_opens_leaves_those_beside_it_in_use(engine: sa.Engine) -> None:
    """Bug: a secret given anew, as the doctor says, let nobody in before the other was retired."""
    connection = connect(engine, "github", vault=Vault(["a key that is lost, of many characters"]))
    with transaction(engine) as conn:
        credentials.add(conn, VAULT, connection, credentials.WEBHOOK_SECRET, "given anew")
    found = Keyring(stored_secrets(engine, VAULT), {}).look_up(GITHUB, connection)
    assert found.live == ("given anew",)
    assert "INGEST_SECRET_KEY" in (found.fault or "")


def test_a_flood_of_unknown_ids_costs_a_few_readings_and_holds_nobody_up() -> None:
    """A thousand asked the database one after the other, and the honest one behind them."""
    calls: list[int] = []

    def load(ids: Sequence[str]) -> dict[str, ConnectionSecrets]:
        calls.append(len(ids))
        time.sleep(0.01)
        return {
            id_: ConnectionSecrets("github", Secrets((SECRET,))) for id_ in ids if id_ == "honest"
        }

    keyring = Keyring(load, {})

    def ask(id_: str) -> None:
        with pytest.raises(NotConnected):
            keyring.look_up(GITHUB, id_)

    strangers = [threading.Thread(target=ask, args=(f"unknown-{n}",)) for n in range(500)]
    for stranger in strangers:
        stranger.start()
    assert keyring.look_up(GITHUB, "honest").live == (SECRET,)
    before = len(calls)
    assert keyring.look_up(GITHUB, "honest").live == (SECRET,), "a kept one asks nobody"
    for stranger in strangers:
        stranger.join()
    assert sum(calls) == 501
    assert len(calls) < 100, f"{len(calls)} readings, {before} before the honest one's was done"
