"""Rotations end: a secret has a last day, and nothing needs the old encryption key any more."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from ingest.core.errors import BadInput, BadSettings
from ingest.core.vault import Vault
from ingest.flows import sweep
from ingest.flows.connections.credentials import (
    STEP,
    expire_other_secrets,
    list_secrets,
    retire_secret,
    rotate_keys,
)
from ingest.store import credentials, handshakes
from ingest.store.credentials import API_TOKEN, WEBHOOK_SECRET
from ingest.store.engine import transaction
from tests.factories import SECRET_KEY, VAULT, connect

pytestmark = pytest.mark.integration

NEW_KEY = "a new key of more than thirty-two characters"
ROTATING, AFTERWARDS = Vault([NEW_KEY, SECRET_KEY]), Vault([NEW_KEY])


def read(engine: sa.Engine, connection: str, vault: Vault = VAULT) -> list[str]:
    with transaction(engine) as conn:
        return [*credentials.read(conn, vault, connection, WEBHOOK_SECRET)]


def add(engine: sa.Engine, connection: str, secret: str) -> int:
    with transaction(engine) as conn:
        return credentials.add(conn, VAULT, connection, WEBHOOK_SECRET, secret)


def test_all_is_sealed_anew_and_the_old_key_can_go(engine: sa.Engine) -> None:
    connection = connect(engine, "notion", secret="one", token="a token")
    with transaction(engine) as conn:
        handshakes.arm(conn, connection, 60)
        handshakes.capture(conn, VAULT, "notion", connection, "a captured token")
    assert dict(rotate_keys(engine, ROTATING)) == {"rotated": 3}
    assert read(engine, connection, AFTERWARDS) == ["one"]
    with transaction(engine) as conn:
        assert credentials.read(conn, AFTERWARDS, connection, API_TOKEN) == ["a token"]
        assert handshakes.show(conn, AFTERWARDS, connection) == "a captured token"
    with pytest.raises(BadSettings):
        read(engine, connection)


def test_a_rotation_that_is_run_again_finds_nothing_to_do(engine: sa.Engine) -> None:
    connect(engine, "github", secret="one")
    rotate_keys(engine, ROTATING)
    assert dict(rotate_keys(engine, ROTATING)) == {"current": 1}


def test_many_are_rotated_in_steps(engine: sa.Engine) -> None:
    connection = connect(engine, "github", secret=None)
    with transaction(engine) as conn:
        sealed = VAULT.encrypt("one of many")
        conn.execute(
            sa.text("""
                INSERT INTO lightfast_source_credentials (connection_id, kind, secret)
                SELECT :id, 'webhook_secret', :sealed FROM generate_series(1, :count)
            """),
            {"id": connection, "sealed": sealed, "count": 2 * STEP + 1},
        )
    assert dict(rotate_keys(engine, ROTATING)) == {"rotated": 2 * STEP + 1}
    assert len(read(engine, connection, AFTERWARDS)) == 2 * STEP + 1


def test_what_no_key_opens_is_counted_and_left_as_it_is(engine: sa.Engine) -> None:
    connect(engine, "github", secret="one")
    other = Vault(["another key of more than thirty-two characters"])
    assert dict(rotate_keys(engine, other)) == {"closed": 1}
    assert dict(rotate_keys(engine, ROTATING)) == {"rotated": 1}


def test_older_secrets_end_and_the_newest_stays(engine: sa.Engine) -> None:
    connection = connect(engine, "github", secret="old")
    add(engine, connection, "new")
    assert expire_other_secrets(engine, connection, 3600) == 1
    assert read(engine, connection) == ["old", "new"]
    expire_other_secrets(engine, connection, 86_400)
    (old, new) = list_secrets(engine, connection)
    assert old.expires_at is not None
    assert (old.expires_at - old.created_at).total_seconds() < 7200, "an end is not put off"
    assert new.expires_at is None
    expire_other_secrets(engine, connection, 0)
    assert read(engine, connection) == ["new"]
    assert [one.live for one in list_secrets(engine, connection)] == [False, True]
    sweep.forget_expired(engine)
    assert len(list_secrets(engine, connection)) == 1


def test_a_secret_is_retired_at_once_and_only_by_its_own_connection(engine: sa.Engine) -> None:
    connection, stranger = connect(engine, "github", secret="old"), connect(engine, "github")
    (old,) = list_secrets(engine, connection)
    with pytest.raises(BadInput, match="has no secret"):
        retire_secret(engine, stranger, old.id)
    assert retire_secret(engine, connection, old.id) == WEBHOOK_SECRET
    assert read(engine, connection) == []


def test_an_expired_token_is_no_token(engine: sa.Engine) -> None:
    connection = connect(engine, "github", token="a token")
    with transaction(engine) as conn:
        conn.execute(
            sa.text("UPDATE lightfast_source_credentials SET expires_at = now() - interval '1 s'")
        )
        assert credentials.newest(conn, [connection], API_TOKEN) == {}
        assert credentials.kinds(conn, connection) == {}
