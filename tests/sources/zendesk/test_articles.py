"""Articles: an event names them, a look-up reads them."""

from __future__ import annotations

from typing import Any

import pytest

from ingest.core.changes import Change, Delete, Refresh, Upsert
from ingest.core.errors import BadPayload
from ingest.core.identity import Identity
from ingest.core.values import JSON
from ingest.sources.contract import Lookup
from ingest.sources.later import fresh
from ingest.sources.zendesk.demo.fake import make
from ingest.sources.zendesk.demo.shapes import own_translation
from ingest.sources.zendesk.documents import documents
from tests.sources.zendesk.deliveries import (
    ACCOUNT,
    CONNECTION,
    asked,
    body,
    document,
    identity,
    said,
    seen,
)
from tests.sources.zendesk.listed import NOON

_ID = 360044556677
_HTML = '<h2>Lifts</h2><p>See <a href="/hc/en-us/articles/360044556678">the map</a>.</p>'


def _raw(**fields: Any) -> Any:
    account = make()
    account.subdomain = "halcyon"
    title, at = "Which stations have lifts", "2026-03-09T08:00:00Z"
    return {"article": account.put_article(_ID, title, _HTML, section=7, at=at, **fields)}


@pytest.mark.parametrize(
    "name", ["article.published", "article.author_changed", "article.vote_created"]
)
def test_an_event_only_asks_for_its_article(name: str) -> None:
    refresh = asked(body(name))
    assert refresh.identity == identity("article", _ID)
    assert refresh.otherwise == ()


def test_an_unpublished_article_is_looked_up_or_gone_at_the_events_time() -> None:
    refresh = asked(body("article.unpublished"))
    gone = Delete(identity("article", _ID), 1_773_057_600_000_000)
    went = fresh(is_there=False)
    assert refresh == Refresh(identity("article", _ID), went, otherwise=(gone,))


@pytest.mark.parametrize("locale", ["en-us", "fr"])
def test_an_unpublished_language_is_looked_up_beside_its_article(locale: str) -> None:
    """Whether Zendesk tells that one language was unpublished, and how, nobody knows."""
    payload = body("article.unpublished") | {"event": {"locale": locale}}
    translation = Identity("zendesk", ACCOUNT, "translation", f"{_ID}:{locale}")
    asked_for = [refresh.identity for refresh in said(payload).asked]
    assert asked_for == [identity("article", _ID), translation]


CAME = fresh(is_there=True)


@pytest.mark.parametrize("locale", [None, "", "../fr", 7])
def test_a_language_that_is_none_is_not_asked_for(locale: JSON) -> None:
    assert asked(body("article.published") | {"event": {"locale": locale}}).hint == CAME
    payload = body("article.unpublished") | {"event": {"locale": locale}}
    assert asked(payload).identity == identity("article", _ID)


def test_the_language_of_an_event_is_asked_for_with_its_article() -> None:
    published = body("article.published") | {"event": {"locale": "fr"}}
    assert asked(published).hint == {**CAME, "locale": "fr"}


def test_an_article_has_every_field_of_the_seeds() -> None:
    found = document("article", _ID, _raw(vote_sum=-3, promoted=True))
    page = f"https://halcyon.zendesk.com/hc/en-us/articles/{_ID}-Which-stations-have-lifts"
    assert found.source_id == f"article:{_ID}"
    assert found.title == "Which stations have lifts"
    assert found.body == (
        "## Lifts\n\nSee [the map](https://halcyon.zendesk.com/hc/en-us/articles/360044556678)."
    )
    assert found.metadata == {
        "type": "zendesk",
        "kind": "article",
        "url": page,
        "updatedAt": "2026-03-09T08:00:00Z",
        "articleId": _ID,
        "sectionId": 7,
        "locale": "en-us",
        "promoted": True,
        "voteSum": -3,
    }
    assert found.created_at is not None


def test_a_draft_is_gone_and_back_when_it_is_published_again_unchanged() -> None:
    draft = seen("article", _ID, _raw(draft=True))
    assert isinstance(draft, Delete)
    assert isinstance(seen("article", _ID, _raw()), Upsert)
    assert draft.version == document("article", _ID, _raw()).version


def test_an_article_without_title_text_or_page_is_one_all_the_same() -> None:
    article: JSON = {"id": _ID, "updated_at": "2026-03-09T08:00:00Z", "body": None}
    raw: JSON = {"article": article}
    found = document("article", _ID, raw)
    assert found.title == f"Article {_ID}"
    assert found.body == ""
    assert found.metadata["url"] == f"https://halcyon.zendesk.com/hc/articles/{_ID}"


def _translated(**fields: Any) -> dict[str, Any]:
    """An article in English, and in French with other fields."""
    account = make()
    account.subdomain = "halcyon"
    at = "2026-03-09T08:00:00Z"
    article = account.put_article(_ID, "Lifts", _HTML, section=7, at=at, promoted=True)
    text = "<p>Tous.</p>"
    french = account.put_translation(_ID, "fr", "Ascenseurs", text, at=at) | fields
    english = own_translation(article) | {"body": "<p>Not this one.</p>"}
    return {"article": article, "translations": [english, french]}


def _documents(raw: JSON, of: Identity | None = None) -> tuple[Change | Refresh, ...]:
    found = of or identity("article", _ID)
    return documents(Lookup(found, raw=raw, sent_at=NOON, connection=CONNECTION))


_FRENCH = Identity("zendesk", ACCOUNT, "translation", f"{_ID}:fr")


def test_a_translation_is_a_child_of_its_article_with_its_own_text_time_and_page() -> None:
    english, french = _documents(_translated(updated_at="2026-03-09T11:00:00Z"))
    assert isinstance(english, Upsert)
    assert isinstance(french, Upsert)
    assert english.body.startswith("## Lifts")
    assert (french.identity, french.parent) == (_FRENCH, english.identity)
    assert (french.source_id, french.title, french.body) == (
        f"article:{_ID}:fr",
        "Ascenseurs",
        "Tous.",
    )
    assert french.version > english.version
    assert french.metadata == {
        "type": "zendesk",
        "kind": "article",
        "url": f"https://halcyon.zendesk.com/hc/fr/articles/{_ID}-Ascenseurs",
        "updatedAt": "2026-03-09T11:00:00Z",
        "articleId": _ID,
        "sectionId": 7,
        "locale": "fr",
        "promoted": True,
        "voteSum": 0,
    }


def test_a_look_up_of_a_translation_says_what_its_articles_says_of_it() -> None:
    raw = _translated()
    assert _documents(raw, _FRENCH) == _documents(raw)[1:]
    with pytest.raises(BadPayload, match="translations"):
        _documents({"article": raw["article"]}, _FRENCH)


@pytest.mark.parametrize("hiding", ["draft", "hidden"])
def test_a_translation_that_is_not_shown_is_gone_alone(hiding: str) -> None:
    english, french = _documents(_translated(**{hiding: True}))
    assert isinstance(english, Upsert)
    assert isinstance(french, Delete)
    assert not french.final


def test_of_a_locale_that_is_told_twice_the_newest_counts() -> None:
    raw = _translated()
    newer = raw["translations"][1] | {"title": "Plus neuf", "updated_at": "2026-03-09T12:00:00Z"}
    for both in ([newer, raw["translations"][1]], [raw["translations"][1], newer]):
        _, french = _documents({**raw, "translations": both})
        assert isinstance(french, Upsert)
        assert french.title == "Plus neuf"


def test_a_language_that_is_not_told_any_more_is_gone_by_the_next_look_up() -> None:
    """A translation that is deleted makes no event, and moves its article's time not at all."""
    raw = _translated()
    left: JSON = {"locales": ["fr"]}

    def after(shown: JSON) -> tuple[Change | Refresh, ...]:
        whom = identity("article", _ID)
        return documents(Lookup(whom, state=left, raw=shown, sent_at=NOON, connection=CONNECTION))

    assert after(raw) == _documents(raw)
    without = {**raw, "translations": raw["translations"][:1]}
    assert after(without)[1:] == (Delete(_FRENCH, None),)
    own = {**raw["article"], "locale": "fr"}
    assert Delete(_FRENCH, None) in after({**without, "article": own})
    for cut in ({"article": raw["article"]}, {**without, "some": True}):
        assert after(cut) == _documents(cut)
        assert len(after(cut)) == 1


@pytest.mark.parametrize(
    "bent", [{"locale": None}, {"locale": "../fr"}, {"locale": ""}, {"updated_at": None}]
)
def test_a_translation_that_cannot_be_named_is_an_error_with_its_path(bent: JSON) -> None:
    assert isinstance(bent, dict)
    with pytest.raises(BadPayload, match=r"translations\[1\]"):
        _documents(_translated(**bent))


def test_ids_of_tickets_and_articles_may_be_the_same_number() -> None:
    ticket = body("ticket.created.thin")
    ticket["detail"]["id"] = str(_ID)
    assert asked(ticket).identity != asked(body("article.published")).identity


def test_an_article_that_is_not_named_is_refused() -> None:
    payload = body("article.published") | {"subject": "zen:article:", "detail": {}}
    with pytest.raises(BadPayload, match=r"detail\.id: missing"):
        said(payload)
