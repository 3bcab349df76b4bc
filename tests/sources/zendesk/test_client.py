"""The client against Zendesk's API as a fake plays it: pages, errors by their meaning, limits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from ingest.core.changes import Upsert
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
from ingest.sources.contract import Lookup
from ingest.sources.zendesk.client import ZendeskClient, connect
from ingest.sources.zendesk.demo import story
from ingest.sources.zendesk.demo.fake import Zendesk, make
from ingest.sources.zendesk.documents import documents
from ingest.testing.fakes import Answer, Fake, Trouble, serving
from tests.sources.zendesk.deliveries import ACCOUNT, CONNECTION, NOW, identity

TICKET, ARTICLE = identity("ticket", 4512), identity("article", 5)
FRENCH = Identity("zendesk", ACCOUNT, "translation", "5:fr")
_PASSENGER = 361000000001


def _now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def account() -> Zendesk:
    made = make()
    made.put_user(_PASSENGER, "Rui")
    made.put_ticket(4512, "Lift", "Out of order.", by=_PASSENGER, at="2026-03-09T07:40:00Z")
    made.put_article(5, "Lifts", "<p>All.</p>", section=7, at="2026-03-09T07:40:00Z")
    return made


@pytest.fixture
def fake(account: Zendesk) -> Iterator[Fake]:
    with serving(account) as running:
        yield running


@contextmanager
def _connected(fake: Fake, token: str | None = None, path: str = "") -> Iterator[ZendeskClient]:
    known = fake.provider.token if token is None else token
    with closing(connect(Access(f"{fake.url}{path}", known, CONNECTION, _now))) as made:
        yield made


@pytest.fixture
def client(fake: Fake) -> Iterator[ZendeskClient]:
    with _connected(fake) as made:
        yield made


def _body(client: ZendeskClient) -> str:
    (change,) = documents(Lookup(TICKET, raw=client.fetch_one(Lookup(TICKET)).raw, sent_at=NOW))
    assert isinstance(change, Upsert)
    return change.body


def test_a_ticket_comes_with_all_its_comments_page_by_page(
    account: Zendesk, fake: Fake, client: ZendeskClient
) -> None:
    account.page_size = 2
    for minute in range(4):
        at = f"2026-03-09T08:0{minute}:00Z"
        account.add_comment(4512, f"Word {minute}", by=_PASSENGER, at=at)
    body = _body(client)
    assert [line for line in body.split("\n") if line.startswith("Word")] == [
        "Word 0",
        "Word 1",
        "Word 2",
        "Word 3",
    ]
    assert "### Rui, 2026-03-09T08:03:00Z" in body
    pages = fake.asked_for("/comments")
    assert [page.one("page[after]") for page in pages] == ["", "2", "4"]
    assert {page.one("page[size]") for page in pages} == {"100"}


def test_comments_that_go_on_for_ever_are_given_up(fake: Fake, client: ZendeskClient) -> None:
    same = Answer(body={"comments": [], "meta": {"has_more": True, "after_cursor": "a"}})
    fake.troubles = [Trouble(same, path="/comments", times=9)]
    with pytest.raises(PermanentError, match="not where"):
        client.fetch_one(Lookup(TICKET))
    fake.troubles = [
        Trouble(
            Answer(body={"comments": [], "meta": {"has_more": True, "after_cursor": str(n)}}),
            path="/comments",
        )
        for n in range(99)
    ]
    with pytest.raises(PermanentError, match="without an end"):
        client.fetch_one(Lookup(TICKET))


def test_a_ticket_that_was_filled_with_mail_is_not_read_to_its_end(
    fake: Fake, client: ZendeskClient
) -> None:
    """Five thousand comments of 64 KB, told three times each, are 1 GB."""
    filled = [{"id": n, "plain_body": "x" * 2**16} for n in range(300)]
    fake.troubles = [
        Trouble(
            Answer(body={"comments": filled, "meta": {"has_more": True, "after_cursor": str(n)}}),
            path="/comments",
        )
        for n in range(9)
    ]
    with pytest.raises(PermanentError, match="ticket 4512 are over"):
        client.fetch_one(Lookup(TICKET))
    assert len(fake.asked_for("/comments")) == 4


def test_an_article_is_found_and_becomes_its_document(client: ZendeskClient) -> None:
    (change,) = documents(Lookup(ARTICLE, raw=client.fetch_one(Lookup(ARTICLE)).raw, sent_at=NOW))
    assert isinstance(change, Upsert)
    assert change.body == "All."


def test_an_article_is_read_in_every_locale_in_one_request_or_in_two(
    account: Zendesk, fake: Fake, client: ZendeskClient
) -> None:
    account.put_translation(5, "fr", "Ascenseurs", "<p>Tous.</p>", at="2026-03-09T07:40:00Z")
    account.put_translation(5, "es", "Ascensores", "<p>Todos.</p>", at="2026-03-09T07:40:00Z")
    included = client.fetch_one(Lookup(ARTICLE)).raw
    assert len(fake.requests) == 1
    account.includes, account.page_size = False, 2
    assert client.fetch_one(Lookup(ARTICLE)).raw == included
    assert len(fake.requests) == 4
    found = documents(Lookup(ARTICLE, raw=included, sent_at=NOW))
    assert [one.identity.id for one in found] == ["5", "5:fr", "5:es"]


@pytest.mark.parametrize("status", [403, 404])
def test_an_article_whose_translations_are_not_shown_is_read_without_them(
    account: Zendesk, fake: Fake, client: ZendeskClient, status: int
) -> None:
    account.includes = False
    fake.troubles = [Trouble(Answer(status, {"error": "x"}), path="/translations", times=2)]
    (change,) = documents(Lookup(ARTICLE, raw=client.fetch_one(Lookup(ARTICLE)).raw, sent_at=NOW))
    assert isinstance(change, Upsert)
    fake.troubles += [Trouble(Answer(403, {"error": "x"}), path="/fr/articles/5")]
    with pytest.raises(Refused, match="translations"):
        client.fetch_one(Lookup(FRENCH))


@pytest.mark.parametrize("status", [403, 404])
def test_of_translations_that_are_not_listed_the_events_own_is_read(
    account: Zendesk, fake: Fake, client: ZendeskClient, status: int
) -> None:
    """Bug: the language that an event names was not read, and its text was nowhere."""
    at = "2026-03-09T07:40:00Z"
    account.put_translation(5, "fr", "Ascenseurs", "<p>Tous.</p>", at=at)
    account.includes = False
    refused = Trouble(Answer(status, {"error": "x"}), path="/translations", times=9)
    fake.troubles = [refused]
    asked = Lookup(ARTICLE, {"locale": "fr"}, sent_at=NOW)
    for shown in (client.fetch_one(asked).raw, client.fetch_one(Lookup(FRENCH)).raw):
        english, french = documents(replace(asked, raw=shown))
        assert isinstance(french, Upsert)
        assert (french.identity, french.parent) == (FRENCH, english.identity)
        assert (french.title, french.body) == ("Ascenseurs", "Tous.")
    for own in ("en-us", "../fr", ""):
        assert len(documents(replace(asked, hint={"locale": own}, raw=_shown(client, own)))) == 1
    account.delete_translation(5, "fr")
    assert len(documents(replace(asked, raw=client.fetch_one(asked).raw))) == 1
    assert client.fetch_one(Lookup(FRENCH)).raw is None


def _shown(client: ZendeskClient, locale: str) -> JSON:
    return client.fetch_one(Lookup(ARTICLE, {"locale": locale})).raw


def test_a_thin_answer_in_another_language_has_the_time_of_its_article(
    fake: Fake, client: ZendeskClient
) -> None:
    thin = {"id": 5, "locale": "fr", "title": "Titre", "body": "<p>Texte</p>"}
    fake.troubles = [Trouble(Answer(body={"article": thin}), path="/fr/articles/5")]
    shown = client.fetch_one(Lookup(ARTICLE, {"locale": "fr"})).raw
    english, french = documents(Lookup(ARTICLE, raw=shown, sent_at=NOW))
    assert isinstance(english, Upsert)
    assert isinstance(french, Upsert)
    assert (french.version, french.title, french.body) == (english.version, "Titre", "Texte")
    other = Trouble(Answer(body={"article": {**thin, "locale": "en-us"}}), path="/fr/articles/5")
    fake.troubles = [other]
    shown = client.fetch_one(Lookup(ARTICLE, {"locale": "fr"})).raw
    assert len(documents(Lookup(ARTICLE, raw=shown, sent_at=NOW))) == 1


def test_the_languages_of_an_article_are_left_to_its_next_look_up(
    account: Zendesk, fake: Fake, client: ZendeskClient
) -> None:
    at = "2026-03-09T07:40:00Z"
    account.put_translation(5, "fr", "Ascenseurs", "<p>Tous.</p>", at=at)
    assert client.fetch_one(Lookup(ARTICLE)).state == {"locales": ["fr"]}
    account.delete_translation(5, "fr")
    assert client.fetch_one(Lookup(ARTICLE)).state == {"locales": []}
    account.includes = False
    fake.troubles = [Trouble(Answer(404, {"error": "x"}), path="/translations", times=9)]
    for asked in (Lookup(ARTICLE), Lookup(ARTICLE, {"locale": "fr"})):
        assert client.fetch_one(asked).state is None
    account.put_translation(5, "fr", "Ascenseurs", "<p>Tous.</p>", at=at)
    assert client.fetch_one(Lookup(ARTICLE, {"locale": "fr"})).state is None


def test_what_a_merge_said_is_left_to_the_next_look_ups(client: ZendeskClient) -> None:
    assert client.fetch_one(Lookup(TICKET)).state is None
    assert client.fetch_one(Lookup(TICKET, {"mergedInto": 4410})).state == {"mergedInto": 4410}


def test_a_translation_is_gone_with_its_article_or_alone_and_not_without_a_help_center(
    account: Zendesk, client: ZendeskClient
) -> None:
    at = "2026-03-09T07:40:00Z"
    account.put_translation(5, "fr", "Ascenseurs", "<p>Tous.</p>", at=at)
    assert client.fetch_one(Lookup(FRENCH)).raw is not None
    account.edit_article(5, at=at, locale="fr")
    assert client.fetch_one(Lookup(FRENCH)).raw is None, "it is the article itself by now"
    account.edit_article(5, at=at, locale="en-us")
    account.delete_translation(5, "fr")
    assert client.fetch_one(Lookup(FRENCH)).raw is None
    account.delete_article(5)
    assert client.fetch_one(Lookup(FRENCH)).raw is None
    account.help_center = False
    with pytest.raises(Refused, match="no help center"):
        client.fetch_one(Lookup(FRENCH))


@pytest.mark.parametrize("role", [None, "end-user"])
def test_an_article_that_nobody_may_see_is_not_gone(
    account: Zendesk, client: ZendeskClient, role: str | None
) -> None:
    """Anybody is answered the list of articles, so that proves no token."""
    account.delete_article(5)
    account.role = role
    with pytest.raises(Refused):
        client.fetch_one(Lookup(ARTICLE))


@pytest.mark.parametrize("id_", ["5", "5:", ":fr", "5:../users", "x:fr", "5:fr:de", ""])
def test_an_id_that_is_no_translations_is_asked_for_nowhere(
    fake: Fake, client: ZendeskClient, id_: str
) -> None:
    with pytest.raises(PermanentError):
        client.fetch_one(Lookup(Identity("zendesk", ACCOUNT, "translation", id_)))
    assert fake.requests == []


def test_what_is_gone_is_seen_as_gone_where_the_account_is_readable(
    account: Zendesk, fake: Fake, client: ZendeskClient
) -> None:
    account.delete_ticket(4512)
    account.delete_article(5)
    assert client.fetch_one(Lookup(TICKET)).raw is None
    assert client.fetch_one(Lookup(ARTICLE)).raw is None
    assert fake.asked_for("/users/me")
    account.restore_ticket(4512)
    assert client.fetch_one(Lookup(TICKET)).raw is not None


@pytest.mark.parametrize("status", [403, 404])
def test_a_ticket_whose_comments_are_not_shown_is_read_without_them(
    fake: Fake, client: ZendeskClient, status: int
) -> None:
    fake.troubles = [Trouble(Answer(status, {"error": "Forbidden"}), path="/comments")]
    (change,) = documents(Lookup(TICKET, raw=client.fetch_one(Lookup(TICKET)).raw, sent_at=NOW))
    assert isinstance(change, Upsert)
    assert change.body == "Out of order."
    assert "commentCount" not in change.metadata


def test_a_ticket_that_goes_while_its_comments_are_read_is_gone(
    account: Zendesk, fake: Fake, client: ZendeskClient
) -> None:
    missing = Answer(404, {"error": "RecordNotFound"})
    fake.troubles = [
        Trouble(missing, path="/comments"),
        Trouble(Answer(body={"ticket": account.tickets[4512]}), path="/tickets/4512"),
    ]
    account.delete_ticket(4512)
    assert client.fetch_one(Lookup(TICKET)).raw is None


@pytest.mark.parametrize("status", [403, 404])
def test_a_check_says_that_the_token_is_not_let_in(
    fake: Fake, client: ZendeskClient, status: int
) -> None:
    fake.troubles = [Trouble(Answer(status, {"error": "x"}), path="/users/me")]
    with pytest.raises(Refused):
        client.check()


@pytest.mark.parametrize("role", [None, "end-user"])
def test_a_404_to_nobody_is_no_end(
    account: Zendesk, client: ZendeskClient, role: str | None
) -> None:
    account.delete_ticket(4512)
    account.role = role
    with pytest.raises(Refused):
        client.fetch_one(Lookup(TICKET))


def test_a_404_of_an_account_that_is_not_there_is_no_end(
    account: Zendesk, fake: Fake, client: ZendeskClient
) -> None:
    fake.troubles = [Trouble(Answer(404, {"error": "No help desk"}), times=9)]
    with pytest.raises(Refused, match="no account"):
        client.fetch_one(Lookup(TICKET))
    fake.troubles = []
    account.help_center = False
    with pytest.raises(Refused, match="no help center"):
        client.fetch_one(Lookup(ARTICLE))


def test_a_wrong_token_is_refused(fake: Fake) -> None:
    for wrong in ("a@b.example/token:wrong", "an-oauth-token"):
        with _connected(fake, wrong) as client, pytest.raises(Refused):
            client.fetch_one(Lookup(TICKET))


def test_an_oauth_token_goes_as_a_bearers(account: Zendesk, fake: Fake) -> None:
    account.token = "an-oauth-token"
    with _connected(fake) as client:
        assert client.check() == "reads as admin"
    assert fake.requests[-1].headers["authorization"] == "Bearer an-oauth-token"


@pytest.mark.parametrize("path", ["", "/", "/api/v2", "/api/v2/"])
def test_the_base_may_have_the_apis_path(fake: Fake, path: str) -> None:
    with _connected(fake, path=path) as client:
        assert client.fetch_one(Lookup(TICKET)).raw is not None


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({"retry-after": "93"}, 93),
        ({"retry-after": "0", "ratelimit-reset": "9"}, 0),
        ({"ratelimit-reset": "41"}, 41),
        ({"rate-limit-reset": "24"}, 24),
        ({}, 60),
    ],
)
def test_a_limit_says_how_long_to_wait(
    fake: Fake, client: ZendeskClient, headers: dict[str, str], wait_s: float
) -> None:
    fake.troubles = [Trouble(Answer(429, {}, headers), path="/comments")]
    with pytest.raises(RateLimited) as limited:
        client.fetch_one(Lookup(TICKET))
    assert limited.value.retry_after_s == wait_s


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (403, Refused),
        (409, TransientError),
        (500, TransientError),
        (503, TransientError),
        (422, PermanentError),
        (400, PermanentError),
    ],
)
def test_a_status_has_its_meaning(
    fake: Fake, client: ZendeskClient, status: int, error: type[Exception]
) -> None:
    fake.troubles = [Trouble(Answer(status, {"error": "x"}, {"retry-after": "7"}))]
    with pytest.raises(error) as raised:
        client.fetch_one(Lookup(TICKET))
    if status == 503:
        assert isinstance(raised.value, TransientError)
        assert raised.value.retry_after_s == 7


@pytest.mark.parametrize("answer", [b"<html>", b"[]", b"7"])
def test_an_answer_that_makes_no_sense_is_permanent(
    fake: Fake, client: ZendeskClient, answer: bytes
) -> None:
    fake.troubles = [Trouble(Answer(body=answer))]
    with pytest.raises(BadPayload):
        client.fetch_one(Lookup(TICKET))


def test_an_answer_without_the_object_is_permanent(fake: Fake, client: ZendeskClient) -> None:
    fake.troubles = [Trouble(Answer(body={}), path="/articles/")]
    sight = client.fetch_one(Lookup(ARTICLE))
    with pytest.raises(BadPayload, match="article: missing"):
        documents(Lookup(ARTICLE, raw=sight.raw, sent_at=NOW))


def test_the_token_is_never_shown(fake: Fake, client: ZendeskClient) -> None:
    assert fake.provider.token not in repr(client)


def test_the_storys_account_holds_what_its_letters_name() -> None:
    account = story.provider()
    with serving(account) as fake, _connected(fake) as client:
        for kind, id_ in (("ticket", story.TICKET), ("article", story.ARTICLE)):
            ask = Lookup(identity(kind, id_))
            found = Lookup(
                ask.identity, raw=client.fetch_one(ask).raw, sent_at=NOW, connection=CONNECTION
            )
            (change,) = documents(found)
            assert isinstance(change, Upsert)
            assert "finance" not in change.body
