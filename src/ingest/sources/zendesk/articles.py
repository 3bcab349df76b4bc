"""From the help center's articles to documents: each in its own language, and its translations.

Law: an article and each of its translations is a document; a translation is there only while its
article is, whose child it is. What is a draft, or hidden, is there for its authors alone. Performs
no I/O.
Documents: …/help_center/help-center-api/articles and …/translations.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ingest.core.changes import Change, Delete, Upsert
from ingest.core.errors import BadPayload
from ingest.core.values import JSON
from ingest.sources.contract import Lookup
from ingest.sources.wire import read, time_if
from ingest.sources.zendesk.markdown import markdown
from ingest.sources.zendesk.payloads import Article, Pages, Translation
from ingest.sources.zendesk.place import ARTICLE, TRANSLATION, Place, iso, version
from ingest.sources.zendesk.types import ZendeskDocMetadata

LOCALES = "locales"
"""In the state of an article's look-up: the languages that it was translated into."""


def article_changes(lookup: Lookup, place: Place) -> tuple[Change, ...]:
    """What was seen of an article: all of it, or the one translation that was asked for."""
    pages = read(Pages, lookup.raw if isinstance(lookup.raw, dict) else {}, "look-up")
    if lookup.identity.kind == TRANSLATION:
        found = [one for one in _translated(pages, place) if one.identity == lookup.identity]
        if not found:
            raise BadPayload("translations", "another article was answered")
        return tuple(found)
    change = _article_change(pages.article, place)
    if change.identity != lookup.identity:
        raise BadPayload("article.id", "another object was answered")
    told = tuple(_translated(pages, place))
    return (change, *told, *_missing(lookup, pages, told, place))


def _missing(
    lookup: Lookup, pages: Pages, told: Sequence[Change], place: Place
) -> Iterator[Change]:
    """The languages that the last look-up saw, and a whole list of them does not tell any more."""
    before = lookup.state.get(LOCALES) if isinstance(lookup.state, dict) else None
    if pages.translations is None or pages.some or not isinstance(before, list):
        return
    there = {change.identity for change in told}
    for locale in before:
        identity = place.identity(TRANSLATION, translation_id(pages.article.id, str(locale)))
        if identity not in there:
            yield Delete(identity, None)


def translation_id(article: int, locale: str) -> str:
    """The id of a translation's identity."""
    return f"{article}:{locale}"


def _article_change(article: Article, place: Place) -> Change:
    """The article in its own language."""
    identity = place.identity(ARTICLE, article.id)
    at = version(article.updated_at, "article.updated_at")
    if article.draft:
        return Delete(identity, at)
    page = article.html_url or f"{place.site}/hc/articles/{article.id}"
    return Upsert(
        identity=identity,
        version=at,
        source_id=f"article:{article.id}",
        title=article.title or article.name or f"Article {article.id}",
        title_is_made_up=not (article.title or article.name),
        body=markdown(article.body or "", page),
        metadata=_metadata(article, page, article.updated_at, article.locale),
        created_at=time_if(article.created_at),
        home_scope=place.account,
    )


def _translated(pages: Pages, place: Place) -> Iterator[Change]:
    """The translations into further languages; of one that is told twice the newest."""
    article = pages.article
    own = article.locale or article.source_locale
    of: dict[str, Translation] = {}
    for one in pages.translations or ():
        known = of.get(one.locale)
        if one.locale != own and (known is None or _at(known) <= _at(one)):
            of[one.locale] = one
    return (_translation_change(article, one, place) for one in of.values())


def _translation_change(article: Article, told: Translation, place: Place) -> Change:
    id_ = translation_id(article.id, told.locale)
    identity = place.identity(TRANSLATION, id_)
    if told.draft or told.hidden:
        return Delete(identity, _at(told))
    page = told.html_url or f"{place.site}/hc/{told.locale}/articles/{article.id}"
    return Upsert(
        identity=identity,
        version=_at(told),
        source_id=f"article:{id_}",
        title=told.title or article.title or article.name or f"Article {article.id}",
        title_is_made_up=not told.title,
        body=markdown(told.body or "", page),
        metadata=_metadata(article, page, told.updated_at, told.locale),
        created_at=time_if(told.created_at or told.updated_at),
        home_scope=place.account,
        parent=place.identity(ARTICLE, article.id),
    )


def _at(told: Translation) -> int:
    return version(told.updated_at, "translations.updated_at")


def _metadata(article: Article, page: str, at: str, locale: str | None) -> dict[str, JSON]:
    return ZendeskDocMetadata(
        kind="article",
        url=page,
        updated_at=iso(at),
        article_id=article.id,
        section_id=article.section_id,
        locale=locale,
        promoted=article.promoted,
        vote_sum=article.vote_sum,
    ).told()
