"""Missed deliveries: what a provider failed to make comes in, each once, whatever hinders it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from ingest.flows.connections.lifecycle import pause_source, resume_source
from ingest.flows.subscriptions.missed import recover_missed
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
