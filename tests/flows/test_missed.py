"""Missed deliveries: what a provider failed to make comes in, each once, whatever hinders it."""

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
from ingest.flows.connections.lifecycle import pause_source, resume_source
from ingest.flows.subscriptions.missed import recover_missed
from ingest.sources.subscriptions import MissedPage
from ingest.store import missed
from ingest.store.engine import transaction
from tests.factories import signed
from tests.flows.logbook import TYPE, Watch, watched

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


def test_what_failed_is_sent_again_verified_as_any_other_and_comes_in_once(watch: Watch) -> None:
    came = watch.logbook.send(0)
    lost = _miss(watch, 1, 2, 3, 4, 5)
    done = watch.look()
    assert (done["redelivered"], done["recovered"], done["end"]) == (5, 0, 1)
    assert watch.queue() == dict.fromkeys([came, *lost], 1)
    assert watch.marked() == set()
    watch.look()
    assert watch.logbook.count("redeliver") == 5
    assert watch.waiting() == set()
    shown = watch.shown()
    assert (shown["found"], shown["redelivered"], shown["lost"]) == (5, 5, 0)
    assert watch.work() == {f"900{number}" for number in range(6)}


def test_what_the_provider_cannot_send_again_is_read_and_marked(watch: Watch) -> None:
    watch.logbook.sends_again = False
    lost = _miss(watch, 1, 2, 3)
    done = watch.look()
    assert (done["recovered"], watch.rung) == (3, ["ingest"])
    assert watch.queue() == dict.fromkeys(lost, 1)
    assert watch.marked() == set(lost)
    assert watch.work() == {"9001", "9002", "9003"}


def test_it_was_received_when_the_provider_tried_to_send_it(watch: Watch) -> None:
    """Order is judged by that, and freshness is not: the log vouches for its time."""
    watch.logbook.sends_again = False
    _miss(watch, 1, minutes_ago=13.0)
    watch.look()
    (row,) = watch.rows(
        """SELECT extract(epoch FROM now() - received_at) / 60 AS minutes
           FROM lightfast_webhook_deliveries"""
    )
    assert 12.9 < row["minutes"] < 14.0


def test_what_was_read_and_is_sent_again_by_a_person_is_known(watch: Watch) -> None:
    watch.logbook.sends_again = False
    (key,) = _miss(watch, 1)
    watch.look()
    watch.logbook.sends_again = True
    watch.logbook.redeliver("0")
    assert watch.queue() == {key: 1}
    assert watch.marked() == {key}


def test_no_request_can_mark_itself(watch: Watch) -> None:
    body = watch.logbook.log
    watch.logbook.send(1)
    assert body
    headers = {**body[0].headers, "x-ingest-recovered": "api", "x-github-delivery": "other"}
    watch.logbook._try("other", headers, body[0].body, body[0].at)
    assert watch.queue()["other"] == 1
    assert watch.marked() == set()


def test_a_log_that_the_provider_does_not_hold_any_more_is_told(watch: Watch) -> None:
    watch.logbook.sends_again = watch.logbook.keeps_bodies = False
    (key,) = _miss(watch, 1)
    assert watch.look()["lost"] == 1
    assert watch.waiting() == set()
    shown = watch.shown()
    assert shown["lost"] == 1
    assert shown["last_error"] == f"{key}: the provider's log does not hold it any more"


def test_what_fails_again_is_sent_three_times_and_then_read(watch: Watch) -> None:
    """A receiver that refuses it, whose secret is another: the log vouches for it still."""
    (key,) = _miss(watch, 1)
    watch.logbook.receive = lambda _headers, _body: False
    for _ in range(3):
        assert watch.look()["redelivered"] == 1
    assert watch.look()["recovered"] == 1
    assert watch.queue() == {key: 1}
    assert watch.marked() == {key}
    assert watch.shown()["found"] == 1
    assert watch.look()["redelivered"] == 0


def test_what_is_on_its_way_is_not_asked_for_again_at_once(watch: Watch) -> None:
    _miss(watch, 1)
    watch.logbook.receive = lambda _headers, _body: False
    watch.look()
    watch.run("UPDATE lightfast_missed_checks SET due_at = now()")
    with transaction(watch.engine) as conn:
        check = missed.claim(conn, [TYPE])
        assert check is not None
        assert missed.next_due(conn, check, again_s=1.0, least_age_s=0.0) is None


def test_an_app_wide_delivery_is_here_and_one_of_another_connection_is_not(watch: Watch) -> None:
    """Another connection's own route acts for that one alone."""
    keys = _miss(watch, 1, 2)
    other = watch.connect()
    watch.run("UPDATE lightfast_connected_sources SET is_active = false WHERE id = :id", id=other)
    for attempt, to in zip(watch.logbook.log, (other, watch.connection), strict=True):
        watch.receive(_signed(attempt.headers, attempt.body), attempt.body, to)
    watch.run(
        "UPDATE lightfast_webhook_deliveries SET connection_id = NULL WHERE delivery_key = :key",
        key=keys[1],
    )
    assert watch.look()["redelivered"] == 1
    assert watch.queue() == {keys[0]: 2, keys[1]: 1}


def _signed(headers: object, body: bytes) -> dict[str, str]:
    assert isinstance(headers, dict)
    return signed(TYPE, body, headers=headers)


# What hinders it.


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


# When it is looked into.


def test_a_log_is_looked_into_every_quarter_of_an_hour_and_at_once_after_a_gap(
    watch: Watch,
) -> None:
    assert _tick(watch) == 1
    assert _tick(watch) == 0
    watch.beat(seconds_ago=600.0)
    watch.beat()
    assert _tick(watch) == 1
    assert _tick(watch) == 0
    watch.run("UPDATE lightfast_missed_checks SET due_at = due_at - interval '15 minutes'")
    assert _tick(watch) == 1


def _tick(watch: Watch) -> int:
    """Whose tick it is does not count here; how many looks there were."""
    watch.run("DELETE FROM lightfast_schedule_slots")
    done = recover_missed(watch.engine, watch.clients, watch.rung.append, go_on=lambda: True)
    return done["end"]


def test_of_several_beats_one_has_the_tick(watch: Watch) -> None:
    assert _tick(watch) == 1
    watch.make_due()
    done = recover_missed(watch.engine, watch.clients, watch.rung.append, go_on=lambda: True)
    assert not done


def test_a_paused_connection_is_left_alone_and_made_up_for(watch: Watch) -> None:
    watch.look()
    pause_source(watch.engine, watch.connection)
    lost = _miss(watch, 1, 2, minutes_ago=0.0)
    assert not watch.look()
    resume_source(watch.engine, watch.connection)
    assert watch.look()["redelivered"] == 2
    assert watch.queue() == dict.fromkeys(lost, 1)


def test_two_workers_never_look_into_one_log_at_once(watch: Watch) -> None:
    with transaction(watch.engine) as conn:
        assert missed.claim(conn, [TYPE]) is not None
    assert not watch.look()


def test_nothing_is_sent_again_to_a_receiver_that_is_not_there(watch: Watch) -> None:
    """It is waited for an hour; then what was missed is read."""
    (old,) = _miss(watch, 1, minutes_ago=70.0)
    (new,) = _miss(watch, 2)
    watch.run("UPDATE lightfast_connected_sources SET connected_at = now() - interval '1 day'")
    watch.beat(seconds_ago=600.0)
    done = watch.look()
    assert (done["redelivered"], done["recovered"]) == (0, 1)
    assert (watch.queue(), watch.waiting()) == ({old: 1}, {new})
    watch.beat()
    assert watch.look()["redelivered"] == 1
    assert watch.queue() == {old: 1, new: 1}


def test_what_is_older_than_any_log_is_forgotten(watch: Watch) -> None:
    _miss(watch, 1)
    watch.logbook.receive = lambda _headers, _body: False
    watch.look()
    watch.run("UPDATE lightfast_missed_deliveries SET missed_at = now() - interval '9 days'")
    watch.logbook.log.clear()
    watch.look()
    assert (watch.waiting(), watch.shown()["lost"]) == (set(), 1)


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
