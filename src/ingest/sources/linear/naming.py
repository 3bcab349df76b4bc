"""How Linear's issues are called after their team's key, under one key and under another.

linear.app/docs/teams: a team's key can be changed; its issues then have other identifiers with the
numbers that they had, and the former ones go on leading to them. Performs no I/O.
"""

from __future__ import annotations

import re

from ingest.core.naming import Called
from ingest.core.values import JSON
from ingest.sources.linear.keys import IDENTIFIER
from ingest.sources.naming import Metadata, Naming
from ingest.sources.wire import text

_PAGE = re.compile(
    r"(https://linear\.app/(?:[^/\s]{1,100}/)?issue/)([A-Za-z][A-Za-z0-9]{0,9})(?=-[0-9])"
)
_IDENTIFIERS = ("identifier", "issueIdentifier")


def _within(metadata: Metadata) -> Called | None:
    """The team, by its id; a comment's is its issue's, whose identifier it repeats."""
    team = text(metadata, "teamId")
    told = (text(metadata, field) for field in _IDENTIFIERS)
    found = next((match for key in told if key and (match := IDENTIFIER.fullmatch(key))), None)
    return Called(team, found[1].upper()) if team is not None and found is not None else None


def _tells(metadata: Metadata) -> bool:
    """Only an issue says what its team's key is by now."""
    return metadata.get("kind") == "issue"


def _key(key: str, before: str, after: str) -> str:
    found = IDENTIFIER.fullmatch(key)
    if found is None or found[1].upper() != before.upper():
        return key
    return after + key[found.end(1) :]


def _metadata(told: Metadata, before: str, after: str) -> dict[str, JSON]:
    made: dict[str, JSON] = dict(told)
    for field in _IDENTIFIERS:
        key = text(told, field)
        if key is not None:
            made[field] = _key(key, before, after)
    if told.get("teamKey") == before:
        made["teamKey"] = after
    url = text(told, "url")
    page = _PAGE.match(url) if url is not None else None
    if url is not None and page is not None and page[2].upper() == before.upper():
        made["url"] = page[1] + after + url[page.end() :]
    return made


NAMING = Naming(within=_within, key=_key, metadata=_metadata, prefix=str.upper, tells=_tells)
"""A team of the organization has the name."""
