"""A subscription by API: what stands in the database when, and what a provider may say of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from ingest.core.errors import BadInput, TransientError
from ingest.flows.subscriptions.subscribe import create_subscription, mend_subscription
from ingest.sources.subscriptions import Subscribed
from ingest.store import credentials, subscriptions
from ingest.store.credentials import WEBHOOK_SECRET
from ingest.store.engine import transaction
from tests.factories import SECRET, VAULT
from tests.flows.logbook import REPOSITORY, TYPE, Watch, watched

pytestmark = pytest.mark.integration

PUBLIC = "https://ingest.example.test"


@pytest.fixture
def watch(engine: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watch]:
    with watched(engine, monkeypatch) as made:
        yield made


def _secrets(watch: Watch) -> list[str]:
    with transaction(watch.engine) as conn:
        return [*credentials.read(conn, VAULT, watch.connection, WEBHOOK_SECRET)]


def _forget_secrets(watch: Watch) -> None:
    watch.run("DELETE FROM lightfast_source_credentials WHERE kind = 'webhook_secret'")


def _create(watch: Watch) -> Subscribed:
    return create_subscription(watch.engine, watch.clients, watch.connection, PUBLIC)


def _metadata(watch: Watch) -> dict[str, Any]:
    (row,) = watch.rows("SELECT source_metadata FROM lightfast_connected_sources")
    found: dict[str, Any] = row["source_metadata"]
    return found


def test_the_secret_is_stored_before_the_provider_hears_of_it(watch: Watch) -> None:
    _forget_secrets(watch)
    seen: list[list[str]] = []

    def answer(secret: str) -> Subscribed:
        seen.append([*_secrets(watch), secret])
        return Subscribed("1", "made")

    watch.logbook.answer = answer
    _create(watch)
    ((stored, told),) = seen
    assert stored == told
    assert len(told) > 40
    assert watch.logbook.calls == [("create", f"{PUBLIC}/webhooks/{TYPE}/{watch.connection}")]


def test_one_that_the_connection_has_is_told(watch: Watch) -> None:
    told: list[str] = []

    def answer(secret: str) -> Subscribed:
        told.append(secret)
        return Subscribed("1", "made")

    watch.logbook.answer = answer
    _create(watch)
    assert told == _secrets(watch) == [SECRET]


def test_the_providers_own_takes_the_place_of_the_one_that_was_made_for_it(watch: Watch) -> None:
    _forget_secrets(watch)
    watch.logbook.answer = lambda _secret: Subscribed("1", "made", "the provider's own")
    _create(watch)
    assert _secrets(watch) == ["the provider's own"]
    watch.logbook.answer = lambda _secret: Subscribed("2", "made", "another of its own")
    _create(watch)
    assert _secrets(watch) == ["the provider's own", "another of its own"]
    with transaction(watch.engine) as conn:
        listed = credentials.listing(conn, watch.connection)
    ends = [one.expires_at for one in listed if one.kind == WEBHOOK_SECRET]
    assert [end is None for end in ends] == [False, True]


def test_no_transaction_is_open_while_the_provider_is_asked(watch: Watch) -> None:
    pool: Any = watch.engine.pool
    open_: list[tuple[str, int]] = []
    watch.logbook.trouble = lambda what, _about: open_.append((what, pool.checkedout()))
    watch.is_up = False
    watch.logbook.send(1, minutes_ago=3.0)
    watch.logbook.sends_again = False
    _create(watch)
    mend_subscription(watch.engine, watch.clients, watch.connection, PUBLIC)
    watch.look()
    assert {what for what, _ in open_} == {"create", "mend", "look", "missed", "redeliver", "read"}
    assert {count for _, count in open_} == {0}


def test_what_was_begun_and_did_not_end_is_made_again(watch: Watch) -> None:
    """The answer was lost, or we were killed: nobody knows the secret, or what it is called."""

    def away(_secret: str) -> Subscribed:
        raise TransientError("the answer is lost")

    watch.logbook.answer = away
    with pytest.raises(TransientError):
        _create(watch)
    with transaction(watch.engine) as conn:
        told = subscriptions.read(conn, watch.connection)
    assert told is not None
    assert (told.answered, told.external_id) == (False, None)
    watch.logbook.answer = lambda _secret: Subscribed("1", "made")
    for wanted in ("create", "mend"):
        mend_subscription(watch.engine, watch.clients, watch.connection, PUBLIC)
        assert watch.logbook.calls[-1][0] == wanted


def test_what_names_the_subscription_is_kept_beside_the_rest(watch: Watch) -> None:
    before = _metadata(watch)
    watch.logbook.answer = lambda _secret: Subscribed("7", "made", None, {"githubHookId": "7"})
    _create(watch)
    assert _metadata(watch) == {**before, "githubHookId": "7"}


def test_no_answer_makes_the_connection_stand_for_something_else(watch: Watch) -> None:
    before = _metadata(watch)
    other = {"githubRepoId": str(REPOSITORY + 1)}
    watch.logbook.answer = lambda _secret: Subscribed("7", "made", "its own secret", dict(other))
    with pytest.raises(BadInput, match="would stand for something else"):
        _create(watch)
    assert _metadata(watch) == before
    assert _secrets(watch)[-1] == "its own secret"
