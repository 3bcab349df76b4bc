"""Zendesk's API for one account: tickets with their comments, articles. The room with a network.

Law: a 404 is an end only where the token's user is known and may read. What is asked for stands in
`reading`, the lists in `ticket_pages` and `article_pages`.
"""

from __future__ import annotations

from dataclasses import dataclass

from ingest.core.errors import PermanentError, Refused
from ingest.core.values import JSON
from ingest.sources.access import Access
from ingest.sources.answers import Absent
from ingest.sources.contract import Lookup, Payload, Sight
from ingest.sources.forms import DIGITS, WORD, Form, needed, segment
from ingest.sources.http import Api
from ingest.sources.listing import Page, PageRequest
from ingest.sources.wire import at, items, mapping, text
from ingest.sources.zendesk.api import FORBIDDEN, api_of
from ingest.sources.zendesk.article_pages import ArticlePages
from ingest.sources.zendesk.articles import LOCALES
from ingest.sources.zendesk.listing import ARTICLES, TICKETS
from ingest.sources.zendesk.payloads import EVENT_LOCALE, LOCALE
from ingest.sources.zendesk.place import ARTICLE, COMMENT, TRANSLATION, Place
from ingest.sources.zendesk.reading import Reader
from ingest.sources.zendesk.relations import MERGED_INTO, merged_into
from ingest.sources.zendesk.ticket_pages import TicketPages

_TRANSLATION = Form(rf"{DIGITS.pattern}:{LOCALE.pattern}", "an article's id and a locale")


def connect(access: Access) -> ZendeskClient:
    """A client for one connection."""
    return ZendeskClient(Reader(api_of(access)), access.metadata)


@dataclass(frozen=True, slots=True)
class ZendeskClient:
    """Fulfils `contract.Client` and `listing.Lists`; `metadata` is the connection's."""

    reader: Reader
    metadata: Payload

    @property
    def api(self) -> Api:
        return self.reader.api

    def fetch_one(self, lookup: Lookup) -> Sight:
        """A ticket as {ticket, comments, users}, an article as {article, translations}.

        A translation is shown as its article is. A comment by itself is none: it is told with its
        ticket. What the event of a merge said of its ticket is left to the next look-ups, and into
        which languages an article is translated.
        """
        kind, id_ = lookup.identity.kind, lookup.identity.id
        is_article = kind in (ARTICLE, TRANSLATION)
        try:
            if kind == TRANSLATION:
                return self._translation(id_)
            known = segment(id_, f"the id of a Zendesk {kind}", DIGITS)
            if kind == ARTICLE:
                raw = self.reader.article(known, _locale(lookup.hint))
                return Sight(raw, _left(raw))
            if kind == COMMENT:
                self.reader.prove_account()
                return Sight(None)
            merged = merged_into(lookup.hint)
            state: JSON = None if merged is None else {MERGED_INTO: merged}
            return Sight(self.reader.ticket(known), state)
        except Absent as absent:
            if absent.status == FORBIDDEN:
                raise Refused(f"{absent}: the token's user may not read this") from absent
            if is_article:
                self.reader.prove_help_center()
            else:
                self.reader.prove_account()
            return Sight(None)

    def list_page(self, request: PageRequest) -> Page:
        """One page of the tickets' export, or of the help center's articles."""
        place = Place.of(needed(self.metadata, "zendeskAccountId", WORD), self.metadata)
        if request.resource == TICKETS:
            return TicketPages(self.reader, place).page(request)
        if request.resource == ARTICLES:
            return ArticlePages(self.reader, place).page(request)
        raise PermanentError("Zendesk has no such list")

    def check(self) -> str:
        """Who the token's user is, and that tickets are shown to him at all."""
        try:
            role = self.reader.role()
        except Absent as absent:
            raise Refused(f"{absent}: Zendesk shows no account to the token") from absent
        self.reader.prove_tickets()
        return f"reads as {role}"

    def close(self) -> None:
        self.api.close()

    def _translation(self, id_: str) -> Sight:
        """Its article, which has to be there, and to have it: else it is gone."""
        if not _TRANSLATION.fits(id_):
            raise PermanentError("the id of a translation is an article's, and a locale")
        article, _, locale = id_.partition(":")
        raw = self.reader.article(article, locale)
        if not isinstance(mapping(raw).get("translations"), list):
            raise Refused("the token's user may not read the translations of Zendesk's articles")
        return Sight(raw if locale in _further_locales(raw) else None)


def _left(raw: JSON) -> JSON:
    """The languages that an article is translated into, for the next look-up to miss; None where
    they are not all told.
    """
    if not isinstance(at(raw, "translations"), list) or at(raw, "some") is True:
        return None
    told: list[JSON] = [*sorted(_further_locales(raw))]
    return {LOCALES: told}


def _locale(hint: Payload) -> str | None:
    """The language that the event of an article was about."""
    told = hint.get(EVENT_LOCALE)
    return told if isinstance(told, str) and LOCALE.fits(told) else None


def _further_locales(raw: JSON) -> set[str]:
    """Those of an article's translations, without its own language."""
    found = {str(mapping(one).get("locale")) for one in items(raw, "translations")}
    return found - {text(raw, "article", "locale") or text(raw, "article", "source_locale")}
