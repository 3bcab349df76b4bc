"""A page of Vercel's list: what of it is told whole, what is known, what has to be looked up.

Law: an item that makes another document than a look-up of it would is looked up, once: it is known
by its mark as long as the list says the same of it. Performs no I/O.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from ingest.core.errors import BadPayload
from ingest.core.identity import Identity
from ingest.core.values import JSON
from ingest.sources.listing import Listed
from ingest.sources.vercel import payloads
from ingest.sources.vercel.cursors import mark_of
from ingest.sources.vercel.documents import FAILED, LAST, REASONED, version
from ingest.sources.vercel.git import tells_commit
from ingest.sources.vercel.payloads import Seen
from ingest.sources.wire import items, nonblank, unusable

_UPLOADED = frozenset({"cli", "drop", "v0-web"})
"""Sources of deployments that have no `gitSource`, which lists leave out."""
_RUNNING = frozenset({"registered", "running"})
"""States of checks that can still fail what is ready."""

Whom = Callable[[str], Identity]


@dataclass(slots=True)
class Sorted:
    """The items of a page. look: ids to be looked up, each with its mark. met: marks of what is
    known. gap: why an item could not be read.
    """

    listed: list[Listed] = field(default_factory=list)
    present: list[Identity] = field(default_factory=list)
    look: dict[str, str] = field(default_factory=dict)
    met: list[str] = field(default_factory=list)
    unfinished: list[str] = field(default_factory=list)
    gap: str | None = None


def deployments_of(answer: JSON) -> list[JSON]:
    """The items of a page; raises `BadPayload` for an answer that is no list."""
    told = answer.get("deployments") if isinstance(answer, dict) else None
    if not isinstance(told, list):
        raise unusable(told, "deployments", "not a list")
    return items(told)


def next_of(answer: JSON) -> int | None:
    """The time in milliseconds by which the next page is asked for; None: there is none.

    Raises `BadPayload` where that is not told.
    """
    told = answer.get("pagination") if isinstance(answer, dict) else None
    if not isinstance(told, dict):
        raise unusable(told, "pagination", "not an object")
    at = told.get("next")
    if isinstance(at, str) and at.isascii() and at.isdigit() and len(at) <= 16:
        return int(at)
    if at is None or (isinstance(at, int) and not isinstance(at, bool)):
        return at
    raise BadPayload("pagination.next", "not a time in milliseconds")


def sort(page: Sequence[JSON], whom: Whom, known: Collection[str]) -> Sorted:
    """What becomes of each item; `known` are marks of what need not be looked up again."""
    found = Sorted()
    for item in page:
        try:
            of = payloads.seen(item if isinstance(item, Mapping) else {})
        except BadPayload as error:
            found.gap = f"Vercel lists a deployment that cannot be read: {error}"
            continue
        _place(found, item, of, whom(of.id), known)
    return found


def _place(found: Sorted, item: JSON, of: Seen, whom: Identity, known: Collection[str]) -> None:
    if of.url is None and not of.is_gone:  # its files are still being uploaded
        found.present.append(whom)
        found.unfinished.append(of.id)
        return
    if not _is_whole(of):
        mark = mark_of(of)
        if mark not in known:
            found.look[of.id] = mark
            return
        found.met.append(mark)
        found.present.append(whom)
    else:
        found.listed.append(Listed(whom, {"deployment": item, "events": None}))
    if is_unfinished(of):
        found.unfinished.append(of.id)


def is_unfinished(of: Seen) -> bool:
    """Whether it goes on changing, while the time that it is listed by stays."""
    if of.is_gone:
        return False
    return version(of.status or "") < version(LAST) or of.checks_state in _RUNNING


def _is_whole(of: Seen) -> bool:
    """Whether the item makes the document that a look-up would make."""
    if of.is_gone:
        return True
    if of.status is None or of.status == FAILED or payloads.time_if(of.made) is None:
        return False
    if of.environment and nonblank(of.custom_environment, "slug") is None:
        return False
    if of.status in REASONED and of.reason is None:
        return False
    return tells_commit(of.meta) or of.source in _UPLOADED
