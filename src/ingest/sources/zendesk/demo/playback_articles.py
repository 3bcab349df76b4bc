"""Recorded answers of Zendesk's help center, which tell articles and their translations.

…/help_center/help-center-api/articles, …/translations
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ingest.sources.listing import PageRequest
from ingest.sources.zendesk.demo.playback_room import (
    ARTICLE,
    LONG_AGO,
    NOW,
    an_article,
    look_up,
    nothing_of,
    objects_of,
    playback_of,
)
from ingest.testing.fakes import Answer
from ingest.testing.playback import Playback, Steps, Unasked
from ingest.testing.recorded import RecordedAnswer

_LIST = "help_center/articles"


def article(of: RecordedAnswer, _at: re.Match[str]) -> Playback | Unasked:
    """One, with its translations where they were asked for."""
    told = of.object.get("article")
    if not isinstance(told, dict) or not isinstance(told.get("id"), int):
        return Unasked("article", "the answer shows none")
    routes: dict[str, Steps] = {f"GET {_LIST}/{told['id']}.json": of.answer()}
    documents = _documents([told], objects_of(of.object.get("translations")))
    return playback_of("article", routes, [look_up(ARTICLE, told["id"])], documents, objects=1)


def translations(of: RecordedAnswer, at: re.Match[str]) -> Playback:
    """Those of one article, in a language that is none of these."""
    own = an_article(int(at["id"]))
    told = [{"source_id": own["id"], **one} for one in objects_of(of.object.get("translations"))]
    path = f"{_LIST}/{own['id']}"
    no_more = nothing_of("translations")
    routes: dict[str, Steps] = {
        f"GET {path}.json": Answer(200, {"article": own}),
        f"GET {path}/translations.json": (of.answer(), no_more),
    }
    documents = _documents([own], [{**one, "source_id": own["id"]} for one in told])
    asks = [look_up(ARTICLE, int(own["id"]))]
    return playback_of("list of translations", routes, asks, documents, objects=len(told))


def articles(of: RecordedAnswer, at: re.Match[str]) -> Playback | Unasked:
    """All of them, whichever part of the help center was listed; or one that was made."""
    if "article" in of.object:
        return article(of, at)
    no_more = nothing_of("articles")
    asks = [PageRequest("articles", None, NOW)]
    return _played(of, "list of articles", asks, {f"GET {_LIST}.json": (of.answer(), no_more)})


def articles_export(of: RecordedAnswer, _at: re.Match[str]) -> Playback:
    """Those whose own data moved."""
    path = "GET help_center/incremental/articles.json"
    no_more = Answer(200, {"articles": [], "next_page": None, "count": 0})
    asks = [PageRequest("articles", LONG_AGO, NOW)]
    return _played(of, "export of articles", asks, {path: (of.answer(), no_more)})


def _played(
    of: RecordedAnswer, kind: str, asks: list[PageRequest], routes: Mapping[str, Steps]
) -> Playback:
    told = objects_of(of.object.get("articles"))
    alone: dict[str, Steps] = {
        f"GET {_LIST}/{one.get('id')}.json": of.answer({"article": one}) for one in told
    }
    documents = _documents(told, objects_of(of.object.get("translations")))
    return playback_of(kind, {**alone, **routes}, asks, documents, objects=len(told))


def _documents(
    told: Iterable[Mapping[str, Any]], beside: Iterable[Mapping[str, Any]]
) -> dict[str, str | None]:
    """What articles become, with the translations in them or beside them."""
    found: dict[str, str | None] = {}
    for one in told:
        if not one.get("draft"):
            found[f"article:{one['id']}"] = one.get("title") or one.get("name")
        further = objects_of(one.get("translations"))
        further += [{**each} for each in beside if each.get("source_id") == one["id"]]
        own = one.get("locale") or one.get("source_locale")
        for each in further:
            if each.get("locale") != own and not (each.get("draft") or each.get("hidden")):
                found[f"article:{one['id']}:{each.get('locale')}"] = each.get("title") or None
    return found
