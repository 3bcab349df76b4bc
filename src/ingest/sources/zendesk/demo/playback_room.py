"""The account that stands around a recorded answer of Zendesk's, made up: an agent, who reads it;
tickets that nobody commented on, articles in one language.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from ingest.core.identity import Identity
from ingest.core.values import JSON
from ingest.sources.contract import Lookup
from ingest.testing.fakes import Answer, Asked
from ingest.testing.playback import Ask, End, Playback, Steps, routed

NOW, LONG_AGO = datetime(2030, 1, 1, tzinfo=UTC), datetime(2000, 1, 1, tzinfo=UTC)
TICKET, ARTICLE = "ticket", "article"
_ACCOUNT = "1"
_METADATA: dict[str, JSON] = {
    "type": "zendesk",
    "zendeskSubdomain": "recorded",
    "zendeskAccountId": _ACCOUNT,
}
_AT = "2026-01-01T00:00:00Z"
_BESIDE = re.compile(r"GET /api/v2/(?:tickets|help_center/articles)/[0-9]+/([a-z]+)\.json")
_AGENT = {"user": {"id": 1, "role": "admin", "name": "Marit"}}


def a_ticket(id_: int) -> dict[str, Any]:
    """A ticket called `A ticket`."""
    told = {"id": id_, "subject": "A ticket", "description": "Said.", "status": "open"}
    return {**told, "created_at": _AT, "updated_at": _AT}


def an_article(id_: int) -> dict[str, Any]:
    """An article called `An article`, in a language that no translation is in."""
    told = {"id": id_, "title": "An article", "body": "<p>Said.</p>", "locale": "xx"}
    return {**told, "source_locale": "xx", "draft": False, "created_at": _AT, "updated_at": _AT}


def look_up(kind: str, id_: int) -> Lookup:
    """One object looked up."""
    return Lookup(Identity("zendesk", _ACCOUNT, kind, str(id_)))


def playback_of(
    kind: str,
    routes: Mapping[str, Steps],
    asks: Iterable[Ask],
    documents: Mapping[str, str | None],
    *,
    objects: int = 0,
    ends: frozenset[End] = frozenset({"read"}),
    hook: str | None = None,
) -> Playback:
    """One in this account; routes are below `/api/v2`. hook: the webhook of the connection."""
    whole: dict[str, Steps] = {"GET /api/v2/users/me.json": Answer(200, _AGENT)}
    whole |= {at.replace(" ", " /api/v2/", 1): steps for at, steps in routes.items()}
    script = routed(whole, _around)
    metadata = _METADATA if hook is None else {**_METADATA, "webhookId": hook}
    return Playback(kind, metadata, script, tuple(asks), objects, documents, ends)


def objects_of(told: Any) -> list[dict[str, Any]]:
    """Those of a list; none of what is none."""
    return [one for one in told if isinstance(one, dict)] if isinstance(told, list) else []


def nothing_of(name: str) -> Answer:
    """A list with nothing on its only page."""
    return Answer(200, {name: [], "meta": {"has_more": False}})


def number_of(told: str | None) -> int:
    """What a header counts; 0 where it does not."""
    return int(told) if told and told.isdigit() else 0


def _around(asked: Asked) -> Answer:
    """What is not recorded: nobody said anything, and nothing is translated."""
    at = f"{asked.method} {asked.path}"
    found = _BESIDE.fullmatch(at)
    if found is not None:
        return nothing_of(found[1])
    return Answer(404, {"error": "RecordNotFound", "description": "Not found"})
