"""The help center's lists against the fake: every locale, sweeps, and what an export cannot see."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from ingest.core.changes import Delete, Refresh, Upsert
from ingest.core.errors import BadPayload, PermanentError, Refused, TransientError
from ingest.core.identity import Identity
from ingest.core.times import parse_time
from ingest.core.values import JSON
from ingest.sources.listing import Unlisted
from ingest.sources.zendesk.client import ZendeskClient
from ingest.sources.zendesk.demo.fake import Zendesk
from ingest.sources.zendesk.listing import LISTING, unlisted
from ingest.testing.fakes import Answer, Fake, Trouble, serving
from tests.sources.zendesk.deliveries import ACCOUNT, CONNECTION, identity
from tests.sources.zendesk.listed import (
    AT,
    LATER,
    NOON,
    Clock,
    Walk,
    account,
    anew,
    calls_of_pages,
    connected,
    looked_up,
)

LIST, EXPORT = "/help_center/articles.json", "/incremental/articles"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desk(clock: Clock) -> Zendesk:
    made = account(clock)
    for id_ in range(1, 8):
        made.put_article(id_, f"Article {id_}", f"<p>Text {id_}.</p>", section=7, at=AT)
        clock.passes(60)
    made.put_translation(2, "fr", "Les ascenseurs", "<p>Tous.</p>", at=AT)
    made.put_translation(2, "es-419", "Ascensores", "<p>Todos.</p>", at=AT)
    made.put_translation(3, "fr", "Brouillon", "<p>Pas encore.</p>", at=AT, draft=True)
    clock.passes(3_600)
    return made


@pytest.fixture
def fake(desk: Zendesk) -> Iterator[Fake]:
    with serving(desk) as running:
        yield running


@pytest.fixture
def client(fake: Fake, clock: Clock) -> Iterator[ZendeskClient]:
    with connected(fake, clock) as made:
        yield made


def _whole(client: ZendeskClient, clock: Clock) -> Walk:
    return Walk(client, clock, "articles").all()


def _since(client: ZendeskClient, clock: Clock, minutes: float) -> Walk:
    since = clock() - timedelta(minutes=minutes)
    return Walk(client, clock, "articles", since=since).all()


def _live(walk: Walk) -> set[str]:
    return {one.id for one, change in walk.told.items() if isinstance(change, Upsert)}


ALL = {*map(str, range(1, 8)), "2:fr", "2:es-419"}


@pytest.mark.parametrize("includes", [True, False])
def test_a_list_says_of_every_article_what_a_look_up_says(
    desk: Zendesk, client: ZendeskClient, clock: Clock, *, includes: bool
) -> None:
    """Whether Zendesk includes the translations, or has to be asked for them."""
    desk.includes = includes
    desk.edit_article(5, at=LATER, draft=True)
    clock.passes(600)
    for walk in (_whole(client, clock), _since(client, clock, 200)):
        assert _live(walk) == ALL - {"5"}
        for one in [one for one in walk.told if one.kind == "article"]:
            said = looked_up(client, one)
            assert said == {other: walk.told[other] for other in said}
        for one in [one for one in walk.told if one.kind == "translation"]:
            assert looked_up(client, one) == {one: walk.told[one]}
        assert isinstance(walk.told[identity("article", 5)], Delete)
        assert walk.gaps == []


def test_a_hundred_articles_with_their_translations_are_one_request(
    desk: Zendesk, fake: Fake, client: ZendeskClient, clock: Clock
) -> None:
    for id_ in range(8, 251):
        desk.put_article(id_, "More", "<p>More.</p>", section=7, at=AT)
    walk = _whole(client, clock)
    assert len(walk.told) == 250 + 3
    assert len(fake.requests) == 3
    fake.requests.clear()
    desk.includes = False
    alone = _whole(client, clock)
    assert len(alone.told) == 250 + 3
    assert len(fake.requests) == 3 + 2 * 250
    assert max(calls_of_pages(fake, alone)) <= 20


# What the export sees, and what it does not.


def test_an_incremental_run_tells_what_moved_since(
    desk: Zendesk, fake: Fake, client: ZendeskClient, clock: Clock
) -> None:
    desk.edit_article(4, at=LATER, promoted=True)
    desk.put_article(8, "New", "<p>New.</p>", section=7, at=LATER)
    clock.passes(300)
    assert _live(_since(client, clock, 10)) == {"4", "8"}
    clock.passes(3_600)
    fake.requests.clear()
    assert _since(client, clock, 10).seen == set()
    assert len(fake.requests) == 2


def test_an_export_of_several_pages_ends_and_loses_nothing(
    desk: Zendesk, fake: Fake, client: ZendeskClient, clock: Clock
) -> None:
    desk.export_size = 2
    for id_ in range(8, 13):
        desk.put_article(id_, "At once", "<p>At once.</p>", section=7, at=LATER)
    clock.passes(300)
    walk = _since(client, clock, 600)
    assert {one for one in _live(walk) if ":" not in one} == set(map(str, range(1, 13)))
    assert len(fake.asked_for(EXPORT)) <= 10


def test_a_second_that_holds_more_than_a_page_is_a_gap_and_no_silence(
    fake: Fake, client: ZendeskClient, clock: Clock
) -> None:
    start = int(clock().timestamp()) - 600
    many: list[JSON] = [{"id": n, "updated_at": AT, "translations": []} for n in range(1, 1_001)]
    more: JSON = {"articles": many, "end_time": start, "next_page": "https://x.example/?start_time"}
    fake.troubles = [Trouble(Answer(body=more), path=EXPORT)]
    walk = _since(client, clock, 10)
    assert len(walk.gaps) == 1
    assert len(_live(walk)) == 1_000
    assert int(fake.asked_for(EXPORT)[-1].one("start_time")) == start + 1


def test_what_moves_no_articles_time_is_found_by_the_sweep(
    desk: Zendesk, client: ZendeskClient, clock: Clock
) -> None:
    """Texts, drafts of translations, votes: an incremental run sees none of them."""
    desk.put_translation(1, "en-us", "Article one", "<p>Rewritten.</p>", at=LATER)
    desk.put_translation(2, "fr", "Les ascenseurs", "<p>Aucun.</p>", at=LATER)
    desk.put_translation(3, "fr", "Publié", "<p>Enfin.</p>", at=LATER)
    desk.vote(4, 3)
    clock.passes(600)
    assert _since(client, clock, 15).seen == set()
    swept = _whole(client, clock).told
    bodies = {one.id: change.body for one, change in swept.items() if isinstance(change, Upsert)}
    assert (bodies["1"], bodies["2:fr"], bodies["3:fr"]) == ("Rewritten.", "Aucun.", "Enfin.")
    voted = swept[identity("article", 4)]
    assert isinstance(voted, Upsert)
    assert voted.metadata["voteSum"] == 3
    resource = LISTING.resource("articles")
    assert resource is not None
    assert resource.narrows
    assert resource.sweep_s is not None


def test_what_is_archived_or_translated_no_more_is_not_listed_and_a_look_up_proves_it(
    desk: Zendesk, client: ZendeskClient, clock: Clock
) -> None:
    desk.delete_article(2)
    desk.put_translation(4, "fr", "Quatre", "<p>Quatre.</p>", at=AT)
    assert "4:fr" in _whole(client, clock).seen
    desk.delete_translation(4, "fr")
    walk = _whole(client, clock)
    assert walk.seen == {*map(str, range(1, 8)), "3:fr"} - {"2"}
    for kind, id_ in (("article", "2"), ("translation", "2:fr"), ("translation", "4:fr")):
        one = Identity("zendesk", ACCOUNT, kind, id_)
        ask = unlisted(Unlisted(one, f"article:{id_}", {}, NOON, CONNECTION, NOON))
        assert ask == Refresh(one)
        assert looked_up(client, one) == {}


def test_a_complete_list_names_every_kind_that_it_says(
    desk: Zendesk, client: ZendeskClient, clock: Clock
) -> None:
    desk.put_ticket(9, "Lift", "Out.", by=1, at=AT)
    clock.passes(600)
    for resource in LISTING.resources:
        walk = Walk(client, clock, resource.name).all()
        assert {one.kind for one in walk.told} == resource.kinds - resource.leaves_out


# Cuts and changes meanwhile.


@pytest.mark.parametrize("includes", [True, False])
def test_a_list_that_is_cut_at_any_page_goes_on_there_and_tells_the_same(
    desk: Zendesk, client: ZendeskClient, clock: Clock, *, includes: bool
) -> None:
    desk.page_size, desk.export_size, desk.includes = 2, 2, includes
    for since in (None, clock() - timedelta(hours=3)):
        whole = Walk(client, clock, "articles", since=since).all()
        assert len(whole.pages) >= 4
        for cut in range(len(whole.pages) - 1):
            first = whole.pages[: cut + 1]
            rest = Walk(client, clock, "articles", since=since, pages=[*first])
            assert rest.all(first[-1].cursor).told == whole.told


def test_what_nobody_touches_is_told_however_much_goes_on_meanwhile(
    desk: Zendesk, client: ZendeskClient, clock: Clock
) -> None:
    desk.page_size = 1

    def goes_on(page: int) -> None:
        if page == 1:
            desk.delete_article(1)
            desk.delete_article(2)
            desk.delete_article(6)
            desk.edit_article(4, at=LATER, promoted=True)
            desk.put_article(8, "New", "<p>New.</p>", section=7, at=LATER)

    walk = Walk(client, clock, "articles", between=goes_on).all()
    assert _live(walk) >= {"3", "4", "5", "7", "8"}


def test_a_cursor_that_is_refused_begins_the_list_anew_and_not_for_ever(
    desk: Zendesk, client: ZendeskClient, clock: Clock
) -> None:
    desk.page_size = 2

    def forgets(page: int) -> None:
        desk.cursors += page == 1

    walk = Walk(client, clock, "articles", between=forgets).all()
    assert _live(walk) == ALL

    def always(_page: int) -> None:
        desk.cursors += 1

    with pytest.raises(PermanentError, match="400"):
        Walk(client, clock, "articles", between=always).all()


# Tokens, help centers and answers that make no sense.


def test_an_account_without_a_help_center_lists_none_and_loses_none(
    desk: Zendesk, client: ZendeskClient, clock: Clock
) -> None:
    desk.help_center = False
    for walk in (_whole(client, clock), _since(client, clock, 10)):
        assert walk.seen == set()
        assert len(walk.gaps) == 1
    desk.role = None
    with pytest.raises(Refused):
        _whole(client, clock)


def test_an_empty_list_to_nobody_is_refused(
    desk: Zendesk, client: ZendeskClient, clock: Clock
) -> None:
    for id_ in range(1, 8):
        desk.delete_article(id_)
    walk = _whole(client, clock)
    assert (walk.seen, walk.gaps) == (set(), [])
    desk.role = None
    with pytest.raises(Refused):
        _whole(client, clock)


def test_a_list_that_the_token_may_not_read_is_an_error_and_prunes_nothing(
    fake: Fake, client: ZendeskClient, clock: Clock
) -> None:
    fake.troubles = [Trouble(Answer(403, {"error": "Forbidden"}), path="/articles")]
    with pytest.raises(PermanentError, match="hc:read"):
        _whole(client, clock)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(500, {}), TransientError),
        (Answer(401, {}), Refused),
        (Answer(body=b"<html>"), BadPayload),
        (Answer(body={}), BadPayload),
        (Answer(body={"articles": "x"}), BadPayload),
        (Answer(body={"articles": [{"title": "no id"}]}), BadPayload),
        (Answer(body={"articles": [], "next_page": "https://x.example"}), BadPayload),
    ],
)
@pytest.mark.parametrize("is_whole", [True, False])
def test_an_answer_that_is_no_list_is_an_error_and_never_a_short_list(
    fake: Fake,
    client: ZendeskClient,
    clock: Clock,
    *,
    answer: Answer,
    error: type[Exception],
    is_whole: bool,
) -> None:
    fake.troubles = [Trouble(answer, path="/articles")]
    since = None if is_whole else clock() - timedelta(minutes=10)
    with pytest.raises(error):
        Walk(client, clock, "articles", since=since).all()


def test_an_article_that_goes_before_it_is_read_is_looked_up(
    desk: Zendesk, fake: Fake, client: ZendeskClient, clock: Clock
) -> None:
    desk.includes = False
    missing = Answer(404, {"error": "RecordNotFound"})
    fake.troubles = [Trouble(missing, path="/help_center/articles/4.json")]
    walk = _whole(client, clock)
    assert walk.wanted == {identity("article", 4)}
    assert _live(walk) == ALL - {"4"}


def test_translations_that_stand_beside_the_articles_are_found_too(
    desk: Zendesk, fake: Fake, client: ZendeskClient, clock: Clock
) -> None:
    texts = [*desk.translations[2].values(), *desk.translations[3].values()]
    told = {"articles": [desk.articles[2], desk.articles[3]], "translations": texts, "meta": {}}
    fake.troubles = [Trouble(Answer(body=told), path=LIST)]
    assert _live(_whole(client, clock)) == {"2", "3", "2:fr", "2:es-419"}


def test_a_run_is_never_asked_for_the_last_minute(
    fake: Fake, client: ZendeskClient, clock: Clock
) -> None:
    assert Walk(client, clock, "articles", since=clock()).all().seen == set()
    asked = int(fake.asked_for(EXPORT)[-1].one("start_time"))
    assert asked < clock().timestamp() - 60
    assert parse_time("2026-03-09T12:00:00Z").timestamp() < asked


def test_what_moved_a_moment_ago_ends_the_list_and_not_with_an_error(
    desk: Zendesk, fake: Fake, client: ZendeskClient, clock: Clock
) -> None:
    """Zendesk refuses to be asked for what comes after it; it did so, and the list failed."""
    desk.edit_article(4, at=LATER, promoted=True)
    clock.passes(5)
    assert _live(_since(client, clock, 10)) == {"4"}
    asked = [int(one.one("start_time")) for one in fake.asked_for(EXPORT)]
    assert max(asked) < clock().timestamp() - 60
    clock.passes(3_600)
    assert _live(_since(client, clock, 70)) == {"4"}


def test_the_next_full_list_needs_nothing_of_the_last(
    desk: Zendesk, client: ZendeskClient, clock: Clock
) -> None:
    walk = _whole(client, clock)
    assert walk.left is None
    desk.delete_article(7)
    assert anew(walk).all().seen == {*map(str, range(1, 7)), "2:fr", "2:es-419", "3:fr"}
