"""Missed deliveries under trouble: limits, faults and lost rights make one late, and lose none."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from ingest.core.errors import (
    BudgetSpent,
    PermanentError,
    RateLimited,
    Refused,
    TransientError,
)
from ingest.sources.subscriptions import MissedPage
from tests.flows.logbook import Watch, watched

pytestmark = pytest.mark.integration


@pytest.fixture
def watch(engine: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watch]:
    with watched(engine, monkeypatch) as made:
        yield made


def _miss(watch: Watch, *numbers: int, minutes_ago: float = 5.0) -> list[str]:
    """Webhooks of a time at which the receiver is down."""
    watch.is_up = False
    keys = [watch.logbook.send(number, minutes_ago=minutes_ago) for number in numbers]
    watch.is_up = True
    return keys


def test_a_walk_goes_on_at_its_page_and_what_it_named_stays(watch: Watch) -> None:
    lost = _miss(watch, *range(9))
    calls = {"n": 0}

    def trouble(what: str, _about: str) -> None:
        calls["n"] += what == "missed"
        if calls["n"] == 3:
            raise TransientError("answers 503")

    watch.logbook.trouble = trouble
    assert watch.look()["put_off"] == 1
    assert watch.waiting() == set(lost[-4:])
    assert watch.shown()["last_error"] == "answers 503"
    watch.logbook.calls.clear()
    assert watch.look()["redelivered"] == 9
    assert watch.logbook.calls[0] == ("missed", "5")
    assert watch.queue() == dict.fromkeys(lost, 1)
    assert watch.shown()["last_error"] is None


def test_a_tick_that_is_over_leaves_the_rest_to_the_next(watch: Watch) -> None:
    lost = _miss(watch, *range(7))
    for _ in range(12):
        watch.look(requests=2)
    assert watch.queue() == dict.fromkeys(lost, 1)
    assert watch.logbook.count("redeliver") == 7


def test_to_wait_as_told_holds_the_connection(watch: Watch) -> None:
    _miss(watch, 1)

    def trouble(what: str, _about: str) -> None:
        if what == "redeliver":
            raise RateLimited("too many", retry_after_s=77.0)

    watch.logbook.trouble = trouble
    assert watch.look()["limited"] == 1
    (row,) = watch.rows(
        "SELECT extract(epoch FROM held_until - now()) AS s FROM lightfast_connection_conditions"
    )
    assert 70 < row["s"] <= 77
    (one,) = watch.rows("SELECT tries FROM lightfast_missed_deliveries")
    assert one["tries"] == 0


def test_a_spent_budget_is_nobodys_problem(watch: Watch) -> None:
    _miss(watch, 1)

    def trouble(_what: str, _about: str) -> None:
        raise BudgetSpent("nothing left", retry_after_s=30.0)

    watch.logbook.trouble = trouble
    assert watch.look()["put_off"] == 1
    assert watch.shown()["last_error"] is None
    (row,) = watch.rows(
        "SELECT extract(epoch FROM due_at - now()) AS s FROM lightfast_missed_checks"
    )
    assert 25 < row["s"] <= 30


def test_who_may_not_see_webhooks_is_told_so_and_nothing_is_paused(watch: Watch) -> None:
    def trouble(what: str, _about: str) -> None:
        if what != "check":
            raise Refused("403: give it the right to see webhooks")

    watch.logbook.trouble = trouble
    assert watch.look()["failed"] == 1
    assert watch.shown()["last_error"] == "403: give it the right to see webhooks"
    assert _status(watch) == "configured"
    assert ("check", "") not in watch.logbook.calls


@pytest.mark.parametrize("is_known", [True, False])
def test_only_a_token_that_is_proven_to_be_unknown_pauses(watch: Watch, is_known: bool) -> None:
    def trouble(what: str, _about: str) -> None:
        if what == "missed" or not is_known:
            raise Refused("401: no such token", stale=True)

    watch.logbook.trouble = trouble
    assert watch.look()["failed" if is_known else "unknown"] == 1
    assert _status(watch) == ("configured" if is_known else "refused")


def _status(watch: Watch) -> str:
    query = "SELECT config_status FROM lightfast_connected_sources"
    (row,) = watch.rows(query)
    return str(row["config_status"])


def test_one_that_cannot_be_had_leaves_the_others_alone(watch: Watch) -> None:
    bad, *good = _miss(watch, 1, 2, 3)

    def trouble(what: str, about: str) -> None:
        if about == bad and what == "redeliver":
            raise PermanentError("422: nothing to send")

    watch.logbook.trouble = trouble
    done = watch.look()
    assert (done["redelivered"], done["lost"]) == (2, 1)
    assert watch.queue() == dict.fromkeys(good, 1)
    assert watch.shown()["last_error"] == f"{bad}: 422: nothing to send"


def test_a_fault_of_the_source_at_one_of_them_is_given_up_in_the_end(watch: Watch) -> None:
    bad, *good = _miss(watch, 1, 2, 3)

    def trouble(_what: str, about: str) -> None:
        if about == bad:
            raise KeyError("payload")

    watch.logbook.trouble = trouble
    assert watch.look()["failed"] == 1
    assert watch.shown()["last_error"] == "source fault: KeyError"
    watch.run("UPDATE lightfast_missed_deliveries SET tries = 6 WHERE delivery_key = :k", k=bad)
    watch.look()
    assert watch.queue() == dict.fromkeys(good, 1)
    assert bad not in watch.waiting()
    assert watch.shown()["lost"] == 1


def test_one_that_its_provider_always_fails_at_holds_up_no_other(watch: Watch) -> None:
    bad, *good = _miss(watch, 1, 2, 3)

    def trouble(_what: str, about: str) -> None:
        if about == bad:
            raise TransientError("answers 500")

    watch.logbook.trouble = trouble
    assert watch.look()["put_off"] == 1
    watch.run("UPDATE lightfast_missed_checks SET due_at = now()")
    watch.look_now()
    assert watch.queue() == dict.fromkeys(good, 1)
    assert bad in watch.waiting()


def test_a_log_that_leads_in_a_circle_is_no_endless_loop(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch.logbook, "missed", lambda _since, _cursor: MissedPage((), "again"))
    assert watch.look()["failed"] == 1
    assert watch.shown()["last_error"].endswith("leads to the page that it came with")


def test_a_cursor_that_the_provider_takes_no_more_is_left(watch: Watch) -> None:
    lost = _miss(watch, *range(5))

    def trouble(what: str, about: str) -> None:
        if what == "missed" and about:
            raise PermanentError("400: no such cursor")

    watch.logbook.trouble = trouble
    assert watch.look()["failed"] == 1
    watch.logbook.page_size = 10
    assert watch.look()["redelivered"] == 5
    assert watch.queue() == dict.fromkeys(lost, 1)


@pytest.mark.parametrize(
    "seed", [0, 1, *(pytest.param(one, marks=pytest.mark.slow) for one in range(2, 20))]
)
def test_whatever_fails_in_between_each_comes_in_once(watch: Watch, seed: int) -> None:
    """A third of all requests fail, ticks end anywhere, and the receiver comes and goes."""
    drawn = random.Random(seed)
    errors = (
        TransientError("answers 502"),
        RateLimited("answers 429", retry_after_s=1.0),
        BudgetSpent("spent", retry_after_s=1.0),
        Refused("answers 403"),
    )

    def trouble(_what: str, _about: str) -> None:
        if drawn.random() < 1 / 3:
            raise drawn.choice(errors)

    watch.logbook.trouble = trouble
    sent = []
    for number in range(10):
        watch.is_up = drawn.random() < 0.4
        sent.append(watch.logbook.send(number))
        if drawn.random() < 0.3:
            watch.look(requests=drawn.randrange(1, 6))
    watch.is_up = True
    for _ in range(25):
        watch.look(requests=drawn.randrange(1, 12))
    watch.logbook.trouble = lambda _what, _about: None
    watch.look()
    watch.look()
    assert watch.queue() == dict.fromkeys(sent, 1)
    assert watch.waiting() == set()
    assert watch.shown()["lost"] == 0
