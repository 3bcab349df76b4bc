"""The tickets' export cut at any page, while the world goes on, and with whatever goes wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import timedelta
from random import Random

import pytest

from ingest.core.changes import Change, Delete, Upsert
from ingest.core.errors import (
    BadPayload,
    PermanentError,
    RateLimited,
    Refused,
    TransientError,
)
from ingest.core.identity import Identity
from ingest.core.values import JSON
from ingest.sources.access import Access
from ingest.sources.listing import Page
from ingest.sources.zendesk.client import ZendeskClient, connect
from ingest.sources.zendesk.demo.fake import Zendesk
from ingest.testing.fakes import Answer, Fake, Trouble, serving
from tests.sources.zendesk.deliveries import identity
from tests.sources.zendesk.listed import (
    AT,
    LATER,
    RUI,
    Clock,
    Walk,
    account,
    anew,
    calls_of_pages,
    connected,
    looked_up,
    told,
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


# Cuts and changes meanwhile.


def test_a_listing_that_is_cut_at_any_page_goes_on_there_and_tells_the_same(
    desk: Zendesk, client: ZendeskClient, clock: Clock
) -> None:
    desk.export_size, desk.page_size = 25, 2
    _fill(desk, clock, 70, comments=5)
    whole = _whole(client, clock)
    assert len(whole.pages) > 6
    for cut in range(len(whole.pages) - 1):
        first = whole.pages[: cut + 1]
        clock.passes(7_200)
        with_rest = Walk(client, clock, pages=[*first]).all(first[-1].cursor)
        assert with_rest.told == whole.told
        assert with_rest.left == whole.left


def test_what_nobody_touches_is_told_however_much_goes_on_meanwhile(
    desk: Zendesk, client: ZendeskClient, clock: Clock
) -> None:
    desk.export_size = 20
    _fill(desk, clock, 80)

    def goes_on(page: int) -> None:
        """Touches, deletes and creates, before and behind where the listing stands."""
        if page < 20:
            desk.edit_ticket(2 + page, at=LATER, status="pending")
            desk.delete_ticket(79 - page)
            desk.put_ticket(100 + page, "New", "Hello.", by=RUI, at=LATER)
            clock.passes(120)

    walk = Walk(client, clock, between=goes_on).all()
    gone = {id_ for id_ in range(60, 80) if id_ not in desk.tickets}
    untouched = {id_ for id_ in (*range(1, 80),) if id_ in desk.tickets}
    for id_ in untouched:
        assert isinstance(walk.told[identity("ticket", id_)], Upsert), id_
    for id_ in gone:
        one = identity("ticket", id_)
        assert one in walk.wanted or isinstance(walk.told[one], Delete), id_
    clock.passes(600)
    after = anew(walk, since=clock() - timedelta(hours=1)).all()
    final = {**walk.told, **after.told}
    alive = {one.id for one, change in final.items() if isinstance(change, Upsert)}
    assert alive >= {str(id_) for id_ in desk.tickets}


def test_a_ticket_that_goes_while_it_is_told_is_looked_up(
    desk: Zendesk, fake: Fake, client: ZendeskClient, clock: Clock
) -> None:
    _fill(desk, clock, 25)
    first = Walk(client, clock).ask(None)
    desk.delete_ticket(22)
    rest = Walk(client, clock, pages=[first]).all(first.cursor)
    assert rest.wanted == {identity("ticket", 22)}
    assert len(rest.told) == 24
    fake.troubles = [Trouble(Answer(404, {"error": "RecordNotFound"}), path="/tickets/4/comments")]
    assert _whole(client, clock).wanted == {identity("ticket", 4)}


def test_tickets_that_are_not_told_together_are_asked_for_by_themselves(
    desk: Zendesk, fake: Fake, client: ZendeskClient, clock: Clock
) -> None:
    """Nobody says whether the list of many has what lies in the archive."""
    _fill(desk, clock, 50)
    usual = _whole(client, clock).told
    none: JSON = {"tickets": [], "next_page": None, "count": 0}
    fake.troubles = [Trouble(Answer(body=none), path="show_many", times=99)]
    walk = _whole(client, clock)
    assert walk.told == usual
    assert max(calls_of_pages(fake, walk)) <= 21


# Cursors that are refused.


def test_a_cursor_that_is_refused_in_the_middle_loses_nothing_and_begins_nothing_anew(
    desk: Zendesk, fake: Fake, client: ZendeskClient, clock: Clock
) -> None:
    desk.export_size = 15
    for id_ in range(1, 61):
        desk.put_ticket(id_, f"Ticket {id_}", "Hello.", by=RUI, at=AT)
        clock.passes(900)

    def forgets(page: int) -> None:
        desk.cursors += page == 1

    walk = Walk(client, clock, between=forgets).all()
    assert len(walk.told) == 60
    restarts = [one.one("start_time") for one in fake.asked_for(EXPORT) if one.one("start_time")]
    assert len(restarts) == 2
    assert int(restarts[1]) > int(restarts[0]) + 900


def test_a_kept_cursor_that_is_refused_is_begun_again_where_it_stood(
    desk: Zendesk, client: ZendeskClient, clock: Clock
) -> None:
    _fill(desk, clock, 10)
    walk = _whole(client, clock)
    clock.passes(7_200)
    desk.edit_ticket(4, at=LATER, status="solved")
    clock.passes(7_200)
    desk.cursors += 1
    again = anew(walk, since=clock() - timedelta(minutes=20)).all()
    assert "4" in again.seen, "it moved before `since`, and after the listing that was kept"
    full = anew(again, since=None).all()
    assert full.seen == {str(id_) for id_ in range(1, 11)}


def test_a_cursor_that_is_refused_again_and_again_ends_the_list_with_an_error(
    desk: Zendesk, client: ZendeskClient, clock: Clock
) -> None:
    desk.export_size = 5
    _fill(desk, clock, 60)

    def forgets(_page: int) -> None:
        desk.cursors += 1

    with pytest.raises(PermanentError, match="400"):
        Walk(client, clock, between=forgets).all()


@pytest.mark.parametrize("cursor", ["7", 5, [], {"page": 2}, {"start": "x"}, {"todo": ["x"]}])
def test_a_cursor_that_nobody_can_read_begins_the_list_anew(
    desk: Zendesk, client: ZendeskClient, clock: Clock, cursor: JSON
) -> None:
    _fill(desk, clock, 3)
    assert Walk(client, clock, kept=cursor).all(cursor).seen == {"1", "2", "3"}


# Tokens, limits and answers that make no sense.


@pytest.mark.parametrize("role", [None, "end-user"])
def test_an_empty_export_to_nobody_is_refused(
    desk: Zendesk, fake: Fake, client: ZendeskClient, clock: Clock, role: str | None
) -> None:
    assert _whole(client, clock).seen == set()
    desk.role = role
    empty = {"tickets": [], "end_of_stream": True, "after_cursor": None}
    fake.troubles = [Trouble(Answer(body=empty), path=EXPORT)]
    with pytest.raises(Refused):
        _whole(client, clock)


def test_an_agent_who_may_not_export_stops_the_list_and_not_the_connection(
    desk: Zendesk, client: ZendeskClient, clock: Clock
) -> None:
    _fill(desk, clock, 3)
    desk.role = "agent"
    with pytest.raises(PermanentError, match="for admins"):
        _whole(client, clock)
    assert client.check() == "reads as agent"
    desk.role = None
    with pytest.raises(Refused):
        _whole(client, clock)


def test_a_token_that_is_not_let_in_is_refused(fake: Fake, clock: Clock) -> None:
    with connected(fake, clock, "an-oauth-token") as client, pytest.raises(Refused):
        _whole(client, clock)


def test_the_limit_of_the_export_puts_off_the_page_and_no_look_up(
    desk: Zendesk, client: ZendeskClient, clock: Clock
) -> None:
    """It is ten requests a minute; the account's own limit holds for all that is asked."""
    desk.exports_a_minute, desk.export_size = 10, 1
    _fill(desk, clock, 12)
    cursor: JSON = None
    for _ in range(10):
        cursor = Walk(client, clock).ask(cursor).cursor
    with pytest.raises(TransientError) as put_off:
        Walk(client, clock).ask(cursor)
    assert not isinstance(put_off.value, RateLimited)
    assert put_off.value.retry_after_s is not None
    assert 0 < put_off.value.retry_after_s <= 61
    clock.passes(put_off.value.retry_after_s)
    assert Walk(client, clock).all(cursor).seen == {"11", "12"}


@pytest.mark.parametrize("left", [{"x-rate-limit-remaining": "0"}, {}])
def test_the_limit_of_the_account_holds_for_all(
    fake: Fake, client: ZendeskClient, clock: Clock, left: dict[str, str]
) -> None:
    fake.troubles = [Trouble(Answer(429, {}, {"retry-after": "31", **left}), path=EXPORT)]
    with pytest.raises(RateLimited) as limited:
        _whole(client, clock)
    assert limited.value.retry_after_s == 31


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(500, {}), TransientError),
        (Answer(503, {}, {"retry-after": "7"}), TransientError),
        (Answer(401, {}), Refused),
        (Answer(body=b"<html>"), BadPayload),
        (Answer(body=[]), BadPayload),
        (Answer(body={}), BadPayload),
        (Answer(body={"tickets": None, "end_of_stream": True}), BadPayload),
        (Answer(body={"tickets": {}, "end_of_stream": True}), BadPayload),
        (Answer(body={"tickets": [7], "end_of_stream": True}), BadPayload),
        (Answer(body={"tickets": [{"id": "x"}], "end_of_stream": True}), BadPayload),
        (Answer(body={"tickets": []}), BadPayload),
        (Answer(body={"tickets": [], "end_of_stream": False}), BadPayload),
    ],
)
@pytest.mark.parametrize("page", [0, 1])
def test_an_answer_that_is_no_list_is_an_error_and_never_a_short_list(
    desk: Zendesk,
    fake: Fake,
    client: ZendeskClient,
    clock: Clock,
    *,
    answer: Answer,
    error: type[Exception],
    page: int,
) -> None:
    desk.export_size = 3
    _fill(desk, clock, 9)
    cursor = Walk(client, clock).ask(None).cursor if page else None
    fake.troubles = [Trouble(answer, path=EXPORT)]
    with pytest.raises(error):
        Walk(client, clock).all(cursor)
    assert len(Walk(client, clock).all(cursor).seen) == 9 - 3 * page


def test_an_export_that_leads_to_itself_is_an_error(
    desk: Zendesk, fake: Fake, client: ZendeskClient, clock: Clock
) -> None:
    desk.export_size = 3
    _fill(desk, clock, 9)
    cursor = Walk(client, clock).ask(None).cursor
    assert isinstance(cursor, dict)
    same = {"tickets": [], "end_of_stream": False, "after_cursor": cursor["after"]}
    fake.troubles = [Trouble(Answer(body=same), path=EXPORT)]
    with pytest.raises(BadPayload, match="after_cursor"):
        Walk(client, clock).ask(cursor)


# Conversations.


def test_comments_are_paged_to_their_end(
    desk: Zendesk, client: ZendeskClient, clock: Clock
) -> None:
    desk.page_size = 2
    _fill(desk, clock, 5, comments=9)
    walk = _whole(client, clock)
    assert all(_upsert(walk, id_).metadata["commentCount"] == 9 for id_ in range(1, 6))


def test_comments_that_are_refused_are_left_out_as_a_look_up_does(
    desk: Zendesk, fake: Fake, client: ZendeskClient, clock: Clock
) -> None:
    _fill(desk, clock, 3)
    fake.troubles = [Trouble(Answer(403, {"error": "Forbidden"}), path="/comments", times=2)]
    walk = _whole(client, clock)
    without = [id_ for id_ in (1, 2, 3) if "commentCount" not in _upsert(walk, id_).metadata]
    assert without == [1, 2]


def test_a_conversation_that_is_too_long_for_a_page_is_looked_up_and_the_others_told(
    desk: Zendesk, fake: Fake, client: ZendeskClient, clock: Clock
) -> None:
    desk.page_size = 1
    _fill(desk, clock, 4)
    for number in range(25):
        desk.add_comment(2, f"Word {number}", by=RUI, at=AT)
    clock.passes(600)
    walk = _whole(client, clock)
    assert walk.wanted == {identity("ticket", 2)}
    assert len(walk.told) == 3
    assert len(fake.asked_for("/tickets/2/comments")) == 20
    assert client.reader.conversation("2", {}).calls == 27


def test_comments_that_make_no_sense_fail_the_page(
    desk: Zendesk, fake: Fake, client: ZendeskClient, clock: Clock
) -> None:
    _fill(desk, clock, 3)
    for answer in (Answer(body={}), Answer(body=b"<html>"), Answer(body={"comments": "x"})):
        fake.troubles = [Trouble(answer, path="/tickets/2/comments")]
        with pytest.raises(BadPayload):
            _whole(client, clock)


def test_a_connection_that_names_no_account_lists_nothing(fake: Fake, clock: Clock) -> None:
    """A document's identity begins with its account's id, and no answer tells that."""
    access = Access(fake.url, fake.provider.token, {"type": "zendesk"}, clock)
    with closing(connect(access)) as made, pytest.raises(Refused, match="zendeskAccountId"):
        _whole(made, clock)


# All of it at once.


@pytest.mark.parametrize("seed", range(12))
def test_whatever_goes_on_and_goes_wrong_the_next_run_ends_where_the_account_stands(
    desk: Zendesk, fake: Fake, client: ZendeskClient, clock: Clock, seed: int
) -> None:
    """A third of all requests fails, a page that failed is asked for again with its cursor; between
    pages tickets are made, edited, deleted, restored, and cursors forgotten.
    """
    chance = Random(seed)
    desk.export_size = chance.choice([3, 7, 40])
    _fill(desk, clock, 40)
    known: dict[Identity, Change] = {}
    kept: JSON = None
    since = None
    for run in range(4):
        began, cursor, happened = clock(), None, 0
        while True:
            page = _asked_until_answered(fake, Walk(client, clock, since=since, kept=kept), cursor)
            known |= told([page])
            for wanted in [refresh.identity for refresh in page.wanted]:
                known |= looked_up(client, wanted) or {wanted: Delete(wanted, 0)}
            cursor = page.cursor
            if cursor is None:
                break
            if run < 3 and happened < 8:
                _something_happens(desk, clock, chance)
                happened += 1
        kept, since = page.kept, began - timedelta(minutes=10)
        clock.passes(900)
    alive = {one.id for one, change in known.items() if isinstance(change, Upsert)}
    assert alive == {str(id_) for id_ in desk.tickets}
    for one in [one for one in known if one.id in alive]:
        assert {one: known[one]} == looked_up(client, one)


_FAULTS = (
    Answer(500, {}),
    Answer(503, {}, {"retry-after": "1"}),
    Answer(429, {}, {"retry-after": "1", "x-rate-limit-remaining": "9"}),
)


def _asked_until_answered(fake: Fake, walk: Walk, cursor: JSON) -> Page:
    """A page; what fails on the way fails once, and each time somewhere else."""
    for failing in range(3):
        before = len(fake.requests)
        fault = Trouble(_FAULTS[failing], path="/tickets", times=1)
        fake.troubles = [fault]
        with suppress(TransientError):
            return walk.ask(cursor)
        assert len(fake.requests) > before
    fake.troubles = []
    return walk.ask(cursor)


def _something_happens(desk: Zendesk, clock: Clock, chance: Random) -> None:
    alive = sorted(desk.tickets)
    at = clock().isoformat().replace("+00:00", "Z")
    for id_ in chance.sample(alive, 3):
        desk.add_comment(id_, f"Word of {at}", by=RUI, at=at)
    desk.edit_ticket(chance.choice(alive), at=at, status="solved")
    desk.delete_ticket(chance.choice(alive))
    if desk.deleted and chance.random() < 0.4:
        desk.restore_ticket(chance.choice(sorted(desk.deleted)))
    desk.put_ticket(max(alive) + 1, "New", "Hello.", by=RUI, at=at)
    desk.cursors += chance.random() < 0.1
    clock.passes(chance.choice([1, 30, 120, 700]))
