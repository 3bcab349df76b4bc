"""Discussions as documents: one mapping, whoever tells of them.

Law: one state of a discussion is one document by any road. Labels and the lock move without
`updated_at`, and are left out. Performs no I/O.
"""

from __future__ import annotations

from ingest.core.changes import UPSERT_PRIORITY, Upsert
from ingest.core.times import iso, to_micros
from ingest.core.values import JSON
from ingest.sources.github.payloads import Discussion
from ingest.sources.github.places import Place, login, present, told

# [WH-OAS] Of the values of `state_reason`, `reopened` is the one that leaves it open.
_CLOSING = frozenset({"resolved", "outdated", "duplicate"})


def state(of: Discussion) -> str | None:
    """`open` or `closed`; None where the payload does not say.

    `state` may also be `locked`, `converting` or `transferring`, which hides whether it is closed;
    the reason then tells.
    """
    if of.state is None:
        return None
    closed = of.state.lower() == "closed" or _reason(of) in _CLOSING
    return "closed" if closed else "open"


def discussion(place: Place, of: Discussion, *, priority: int = UPSERT_PRIORITY) -> Upsert:
    """A discussion; issues and pull requests share its numbers, so it is keyed as they are."""
    metadata: dict[str, JSON] = {
        "type": "github",
        "kind": "discussion",
        "repoFullName": place.repository,
        "number": of.number,
        "title": of.title,
        "state": state(of),
        "stateReason": _reason(of),
        "url": of.html_url,
        "author": login(of.user),
        "category": of.category.name if of.category else None,
        "answered": of.answer_html_url is not None,
        "answerUrl": of.answer_html_url,
        "createdAt": told(of.created_at),
        "updatedAt": iso(of.updated_at),
    }
    return Upsert(
        identity=place.identity("discussion", of.number),
        version=to_micros(of.updated_at),
        source_id=place.key(of.number),
        title=of.title,
        body=of.body or "",
        metadata=present(metadata),
        created_at=of.created_at,
        aliases=(place.page(of.number),),
        home=place.repository,
        home_scope=place.scope,
        priority=priority,
    )


def _reason(of: Discussion) -> str | None:
    return of.state_reason.lower() if of.state_reason else None
