"""How GitHub's documents are called after their repository, under one name and under another.

[WH-OAS] A repository keeps its id when it is renamed or transferred, and each thing in it its
number. Performs no I/O.
"""

from __future__ import annotations

import re

from ingest.core.naming import Called, Rename
from ingest.core.slugs import bounded_key
from ingest.core.times import parse_time, to_micros
from ingest.core.values import JSON
from ingest.sources.contract import Message
from ingest.sources.github import envelopes
from ingest.sources.github.names import REPOSITORY
from ingest.sources.github.outcomes import Skipped
from ingest.sources.github.payloads import read
from ingest.sources.naming import Metadata, Naming
from ingest.sources.wire import at, text

# A page of the repository: `https://github.com/owner/repo/issues/1#issuecomment-5`.
_PAGE = re.compile(r"(https?://[^/\s]{1,255}/)([^/\s]{1,100}/[^/\s]{1,100})(?=[/?#]|\Z)")
_PAGES = ("url", "answerUrl")
_NAMES = ("repoFullName", "headRepoFullName")
_TIMES = ("updated_at", "pushed_at", "created_at")

_NOT_NAMED = "the payload does not tell what the repository was called before"


def rename(message: Message) -> Rename | Skipped:
    """`repository.renamed` and `transferred`: the name of now, and which one it follows."""
    told = read(envelopes.Renamed, message.payload).repository
    owner, _, name = told.full_name.partition("/")
    former = text(message.payload, "changes", "repository", "name", "from")
    owners = (
        text(message.payload, "changes", "owner", "from", kind, "login")
        for kind in ("user", "organization")
    )
    before = f"{next(filter(None, owners), owner)}/{former or name}"
    if before == told.full_name:
        return Skipped(_NOT_NAMED)
    return Rename("", told.full_name, before, _newest(message))


def _newest(message: Message) -> int:
    """The newest time that the repository itself tells: it was called so then, or later."""
    told = (at(message.payload, "repository", field) for field in _TIMES)
    return max((_micros(one) for one in told if isinstance(one, str)), default=0)


def _micros(told: str) -> int:
    try:
        return max(0, to_micros(parse_time(told)))
    except ValueError:
        return 0


def _within(metadata: Metadata) -> Called | None:
    told = text(metadata, "repoFullName")
    return Called("", told) if told is not None else None


def _key(key: str, before: str, after: str) -> str:
    found = REPOSITORY.match(key)
    if found is None or found[1].lower() != before.lower():
        return key
    return bounded_key(after + key[found.end(1) :])


def _metadata(told: Metadata, before: str, after: str) -> dict[str, JSON]:
    named = {field: after for field in _NAMES if told.get(field) == before}
    return {**told, **named, **{f: _page(told[f], before, after) for f in _PAGES if f in told}}


def _page(url: JSON, before: str, after: str) -> JSON:
    found = _PAGE.match(url) if isinstance(url, str) else None
    if found is None or found[2].lower() != before.lower() or not isinstance(url, str):
        return url
    return found[1] + after + url[found.end() :]


NAMING = Naming(within=_within, key=_key, metadata=_metadata, prefix=str.lower)
"""The scope itself, a repository, has the name."""
