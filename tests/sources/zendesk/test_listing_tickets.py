"""The tickets' export against the fake: what it tells, at which price, and wherever it is cut."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from ingest.core.changes import Delete, Upsert
from ingest.sources.zendesk import ticket_pages
from ingest.sources.zendesk.client import ZendeskClient
from ingest.sources.zendesk.demo.fake import Zendesk
from ingest.testing.fakes import Fake, serving
from tests.sources.zendesk.deliveries import identity
from tests.sources.zendesk.listed import (
    AT,
    LATER,
    MARIT,
    RUI,
    Clock,
    Walk,
    account,
    anew,
    calls_of_pages,
    connected,
    looked_up,
)

EXPORT = "/incremental/tickets/cursor"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desk(clock: Clock) -> Zendesk:
    return account(clock)


@pytest.fixture
def fake(desk: Zendesk) -> Iterator[Fake]:
    with serving(desk) as running:
        yield running


@pytest.fixture
def client(fake: Fake, clock: Clock) -> Iterator[ZendeskClient]:
    with connected(fake, clock) as made:
        yield made


def _fill(desk: Zendesk, clock: Clock, count: int, comments: int = 2) -> None:
    """Old tickets, whose last minute is over."""
    desk.fill_tickets(count, first=1, by=RUI, at=AT, comments=comments)
    clock.passes(3_600)


def _whole(client: ZendeskClient, clock: Clock) -> Walk:
    return Walk(client, clock).all()


def _upsert(walk: Walk, id_: int) -> Upsert:
    found = walk.told[identity("ticket", id_)]
    assert isinstance(found, Upsert)
    return found


# What a listing tells.


def test_a_list_says_of_every_ticket_what_a_look_up_says(
    desk: Zendesk, client: ZendeskClient, clock: Clock
) -> None:
    _fill(desk, clock, 30)
    desk.put_ticket(90, "Lift", "Out of order.", by=RUI, at=AT, tags=["a"], problem_id=3)
    desk.add_comment(90, "A note.", by=MARIT, at=LATER, public=False)
    desk.add_comment(90, "Mended.", by=MARIT, at=LATER, html='<a href="https://x.example/">x</a>')
    desk.add_comment(7, "Fusionnée avec la demande #90.", by=MARIT, at=LATER, public=False)
    desk.edit_ticket(7, at=LATER, status="closed", tags=["closed_by_merge"])
    desk.put_ticket(91, "Hidden", "For us.", by=MARIT, at=AT, is_public=False)
    clock.passes(600)
    walk = _whole(client, clock)
    assert len(walk.told) == 32
    for one, change in walk.told.items():
        assert {one: change} == looked_up(client, one)
    assert walk.wanted == set()


def test_what_a_ticket_was_merged_into_is_asked_for_where_its_comments_do_not_say_it(
    desk: Zendesk, client: ZendeskClient, clock: Clock
) -> None:
    """The event said it to a look-up, which left it to the next one; a list knows nothing of it."""
    _fill(desk, clock, 3)
    desk.edit_ticket(2, at=LATER, status="closed", tags=["closed_by_merge"])
    clock.passes(600)
    walk = _whole(client, clock)
    assert walk.wanted == {identity("ticket", 2)}
    assert {one.id for one in walk.told} == {"1", "3"}


def test_a_deleted_ticket_is_told_as_gone_and_comes_back_when_it_is_restored(
    desk: Zendesk, fake: Fake, client: ZendeskClient, clock: Clock
) -> None:
    """A look-up finds nothing of it, and the list knows its version: the one difference."""
    _fill(desk, clock, 4)
    desk.delete_ticket(2)
    desk.delete_ticket(3)
    desk.scrub_ticket(3)
    clock.passes(600)
    walk = _whole(client, clock)
    gone = [identity("ticket", 2), identity("ticket", 3)]
    assert [isinstance(walk.told[one], Delete) for one in gone] == [True, True]
    assert looked_up(client, gone[0]) == {}
    assert not fake.asked_for("/tickets/2/comments")
    desk.restore_ticket(2)
    clock.passes(600)
    back = anew(walk, since=clock() - timedelta(hours=1)).all()
    assert [*back.told] == [gone[0]]
    assert isinstance(back.told[gone[0]], Upsert)


def test_tickets_that_are_gone_cost_no_request_and_are_told_once(
    desk: Zendesk, fake: Fake, client: ZendeskClient, clock: Clock
) -> None:
    """An export shows for ever what was deleted once: half of a recorded one is that."""
    _fill(desk, clock, 120)
    for id_ in range(1, 121, 2):
        desk.delete_ticket(id_)
    clock.passes(3_600)
    walk = _whole(client, clock)
    assert sum(isinstance(change, Delete) for change in walk.told.values()) == 60
    assert walk.wanted == set()
    assert len(fake.requests) <= 60 * 1.06 + 2
    clock.passes(3_600)
    again = anew(walk).all()
    assert len(again.present) >= 50
    assert not {one.id for one in again.present} & {str(id_) for id_ in range(1, 121, 2)}
    assert sum(isinstance(change, Delete) for change in again.told.values()) < 12


def test_a_live_ticket_with_the_words_of_a_scrubbed_one_is_looked_up(
    desk: Zendesk, client: ZendeskClient, clock: Clock
) -> None:
    desk.put_ticket(5, "SCRUBBED", "X", by=RUI, at=AT)
    clock.passes(600)
    walk = _whole(client, clock)
    assert walk.wanted == {identity("ticket", 5)}
    assert walk.told == {}


def test_tickets_of_ai_agents_are_asked_for_too(
    desk: Zendesk, fake: Fake, client: ZendeskClient, clock: Clock
) -> None:
    _fill(desk, clock, 40)
    _whole(client, clock)
    asked = [*fake.asked_for(EXPORT), *fake.asked_for("show_many")]
    assert {one.one("support_type_scope") for one in asked} == {"all"}


# What it costs.


def test_a_backfill_takes_little_more_than_a_request_a_ticket(
    desk: Zendesk, fake: Fake, client: ZendeskClient, clock: Clock
) -> None:
    """One for its comments, and of the rest a twentieth: that is the least that Zendesk has."""
    _fill(desk, clock, 400)
    walk = _whole(client, clock)
    assert len(walk.told) == 400
    assert len(fake.requests) <= 400 * 1.06 + 2
    assert len(fake.asked_for(EXPORT)) == 1
    assert max(calls_of_pages(fake, walk)) <= 20


def test_a_full_run_reads_again_what_has_moved_and_each_day_another_seventh(
    desk: Zendesk, fake: Fake, client: ZendeskClient, clock: Clock
) -> None:
    _fill(desk, clock, 210)
    walk = _whole(client, clock)
    clock.passes(3_600)
    desk.edit_ticket(9, at=LATER, status="solved")
    clock.passes(600)
    fake.requests.clear()
    again = anew(walk).all()
    assert len(again.told) + len(again.present) == 210
    assert 30 <= len(again.told) <= 31
    assert _upsert(again, 9).metadata["status"] == "solved"
    assert len(fake.requests) <= 31 * 1.2 + 1


def test_what_moves_no_ticket_comes_right_within_a_week_of_full_runs(
    desk: Zendesk, client: ZendeskClient, clock: Clock
) -> None:
    """Who wrote a comment has another name: no export tells of that."""
    _fill(desk, clock, 21)
    walk = _whole(client, clock)
    desk.put_user(RUI, "Rui Alves")
    renamed: set[str] = set()
    for _ in range(ticket_pages.RETOLD_DAYS):
        clock.passes(86_400)
        walk = anew(walk).all()
        assert walk.seen == {str(id_) for id_ in range(1, 22)}
        renamed |= {
            one.id
            for one, change in walk.told.items()
            if isinstance(change, Upsert) and "Rui Alves" in change.body
        }
    assert renamed == {str(id_) for id_ in range(1, 22)}


def test_a_full_run_relies_on_no_listing_that_began_in_the_middle(
    desk: Zendesk, client: ZendeskClient, clock: Clock
) -> None:
    _fill(desk, clock, 14)
    desk.touch_ticket(3)
    clock.passes(600)
    part = Walk(client, clock, since=clock() - timedelta(minutes=20)).all()
    assert part.seen == {"3"}
    assert len(anew(part, since=None).all().told) == 14


# Incremental runs.


def test_an_incremental_run_goes_on_at_the_cursor_of_the_last_listing(
    desk: Zendesk, fake: Fake, client: ZendeskClient, clock: Clock
) -> None:
    _fill(desk, clock, 60)
    walk = _whole(client, clock)
    clock.passes(900)
    fake.requests.clear()
    quiet = anew(walk, since=clock() - timedelta(minutes=25)).all()
    assert quiet.seen == set()
    assert len(fake.requests) == 2, "the export, and who asks: an empty list proves no token"
    desk.touch_ticket(5)
    desk.add_comment(6, "And now?", by=RUI, at="2026-03-09T13:20:00Z")
    desk.delete_ticket(7)
    desk.put_ticket(61, "New", "Hello.", by=RUI, at="2026-03-09T13:21:00Z")
    clock.passes(900)
    fake.requests.clear()
    busy = anew(quiet, since=clock() - timedelta(minutes=25)).all()
    assert busy.seen == {"5", "6", "7", "61"}
    assert "And now?" in _upsert(busy, 6).body
    assert len(fake.requests) == 1 + 3


def test_the_last_minute_is_seen_by_the_next_run(
    desk: Zendesk, client: ZendeskClient, clock: Clock
) -> None:
    _fill(desk, clock, 3)
    desk.put_ticket(4, "Just now", "Hello.", by=RUI, at=LATER)
    clock.passes(30)
    walk = _whole(client, clock)
    assert "4" not in walk.seen
    clock.passes(60)
    assert anew(walk, since=clock() - timedelta(minutes=5)).all().seen == {"4"}


def test_a_run_without_a_cursor_begins_at_its_time_and_never_within_the_last_minute(
    desk: Zendesk, fake: Fake, client: ZendeskClient, clock: Clock
) -> None:
    _fill(desk, clock, 3)
    desk.touch_ticket(2)
    clock.passes(300)
    walk = Walk(client, clock, since=clock() - timedelta(minutes=6)).all()
    assert walk.seen == {"2"}
    assert Walk(client, clock, since=clock()).all().seen == set()
    last = fake.asked_for(EXPORT)[-1]
    assert int(last.one("start_time")) < clock().timestamp() - 60


@pytest.mark.slow
def test_ten_thousand_tickets_are_walked_in_the_time_of_their_pages(
    desk: Zendesk, fake: Fake, client: ZendeskClient, clock: Clock
) -> None:
    _fill(desk, clock, 10_000, comments=1)
    walk = _whole(client, clock)
    assert len(walk.told) == 10_000
    assert len(fake.requests) <= 10_000 * 1.06 + 21
    fake.requests.clear()
    clock.passes(86_400)
    again = anew(walk).all()
    assert len(again.seen) == 10_000
    assert len(fake.requests) <= 10_000 / 7 * 1.08 + 21
