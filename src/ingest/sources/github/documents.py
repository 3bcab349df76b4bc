"""What a look-up lookup, as changes: the same documents that webhooks tell where they tell all.

Law: an answer of GitHub's makes the document that a webhook of the same state makes. What the
client hands over is `{"object": <GitHub's JSON>}` with, where they are not in it, `number` and
`parent` of the conversation and the issues that it is `blocked_by`. Performs no I/O.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from pydantic import BaseModel

from ingest.core.changes import Change, Delete, Refresh, Upsert
from ingest.core.errors import BadPayload
from ingest.core.identity import Identity
from ingest.core.values import JSON
from ingest.sources.contract import Lookup
from ingest.sources.github import conversations, discussions, payloads, releases, remarks
from ingest.sources.github.files import branch_documents
from ingest.sources.github.payloads import Around, read
from ingest.sources.github.places import Place, name_of
from ingest.sources.later import caught_up
from ingest.sources.wire import text

# `https://github.com/owner/repo/pull/12#discussion_r5`.
_PAGE = re.compile(
    r"https?://[^/\s]{1,255}/([^/\s]{1,100}/[^/\s]{1,100})/"
    r"(?:(issues|pull|discussions)/([1-9][0-9]{0,17})(?![0-9])|releases/)"
)
# `https://api.github.com/repos/owner/repo/issues/comments/5`; all that answers of 2012 have.
_API = re.compile(r"https?://[^?#\s]{1,255}?/repos/([^/\s]{1,100}/[^/\s]{1,100})/")
_PARENTS: Mapping[str, str] = {
    "issues": "issue",
    "issue": "issue",
    "pull": "pull_request",
    "pull_request": "pull_request",
    "pull-request": "pull_request",
}
_LOOKED_UP = frozenset({"issue", "pull_request", "discussion", "release"})
_UNDER_A_NUMBER = frozenset({"review", "review_comment", "discussion_comment"})

M = TypeVar("M", bound=BaseModel)
_Changes = tuple[Change | Refresh, ...]


@dataclass(frozen=True, slots=True)
class _Seen(Generic[M]):
    """One of GitHub's objects as it was lookup, and where."""

    lookup: Lookup
    around: Around
    of: M
    place: Place
    page: re.Match[str] | None

    @property
    def number(self) -> int:
        """The number of the conversation that it stands in."""
        told: JSON = self.around.number
        told = self.lookup.hint.get("number") if told is None else told
        if type(told) is int and told > 0:
            return told
        if self.page is None or self.page[3] is None:
            raise BadPayload("number", "the conversation's number is neither told nor in its URL")
        return int(self.page[3])

    @property
    def parent(self) -> str:
        """What a comment is on: `issue` or `pull_request`."""
        told = (self.around.parent, self.lookup.hint.get("parent"), self.page and self.page[2])
        for name in told:
            if isinstance(name, str) and name in _PARENTS:
                return _PARENTS[name]
        raise BadPayload("parent", "neither told nor in the comment's URL")

    def is_asked_for(self, id_: int) -> None:
        """Raises `BadPayload` where the answer is about another object."""
        if str(id_) != self.lookup.identity.id:
            raise BadPayload("object", f"not {self.lookup.identity.id}, which was asked for")


def documents(lookup: Lookup) -> tuple[Change | Refresh, ...]:
    """The changes that a look-up's answer makes; raises `BadPayload` with the path."""
    if lookup.identity.kind == "branch":
        return branch_documents(lookup)
    make = _KINDS.get(lookup.identity.kind)
    if make is None:
        raise BadPayload("kind", f"nothing is looked up as {lookup.identity.kind[:40]!r}")
    return caught_up(lookup, make(lookup))


def again(told: Upsert) -> Refresh | None:
    """The look-up of what a document stands for; a file is looked up with its branch."""
    return look_up_of(told.identity, told.metadata)


def look_up_of(identity: Identity, metadata: Mapping[str, JSON]) -> Refresh | None:
    """The same by the document's metadata."""
    kind, number = identity.kind, metadata.get("number")
    if kind in _LOOKED_UP:
        return Refresh(identity)
    if kind in _UNDER_A_NUMBER:
        return Refresh(identity, {"number": number})
    if kind == "comment":
        parent = _PARENTS.get(str(metadata.get("conversation")))
        return Refresh(identity, {"number": number, "parent": parent})
    return None


def _see(lookup: Lookup, model: type[M]) -> _Seen[M]:
    around = read(Around, lookup.raw)
    of = read(model, around.object, "object")
    page = _PAGE.match(str(around.object.get("html_url")))
    named = page or _API.match(str(around.object.get("url")))
    name = named[1] if named else text(lookup.connection, "repoFullName")
    if name is None:
        raise BadPayload("object.html_url", "names no repository")
    return _Seen(lookup, around, of, Place(lookup.identity.scope, name_of(lookup, name)), page)


def _issue(lookup: Lookup) -> _Changes:
    """Pull requests answer as issues too, with less: what is meant then is the pull request."""
    seen = _see(lookup, payloads.Issue)
    seen.is_asked_for(seen.of.number)
    if payloads.is_pull_request(seen.of.pull_request):
        return (Refresh(seen.place.identity("pull_request", seen.of.number)),)
    _stated("object.state", seen.of.state)
    blocked_by = tuple(key for issue in seen.around.blocked_by or () if (key := _key(issue)))
    return (conversations.issue(seen.place, seen.of, blocked_by=blocked_by),)


def _pull_request(lookup: Lookup) -> _Changes:
    seen = _see(lookup, payloads.PullRequest)
    seen.is_asked_for(seen.of.number)
    _stated("object.state", seen.of.state)
    return (conversations.pull_request(seen.place, seen.of),)


def _discussion(lookup: Lookup) -> _Changes:
    seen = _see(lookup, payloads.Discussion)
    seen.is_asked_for(seen.of.number)
    _stated("object.state", discussions.state(seen.of))
    return (discussions.discussion(seen.place, seen.of),)


def _comment(lookup: Lookup) -> _Changes:
    seen = _see(lookup, payloads.Comment)
    seen.is_asked_for(seen.of.id)
    return (remarks.comment(seen.place, seen.of, number=seen.number, parent=seen.parent),)


def _review(lookup: Lookup) -> _Changes:
    """A pending review, which the token's own user may see, is no document."""
    seen = _see(lookup, payloads.Review)
    seen.is_asked_for(seen.of.id)
    if seen.of.state.lower() == "pending":
        return (Delete(lookup.identity, None),)
    return (remarks.review(seen.place, seen.of, number=seen.number, seen_at=lookup.sent_at),)


def _review_comment(lookup: Lookup) -> _Changes:
    seen = _see(lookup, payloads.ReviewComment)
    seen.is_asked_for(seen.of.id)
    return (remarks.review_comment(seen.place, seen.of, number=seen.number),)


def _discussion_comment(lookup: Lookup) -> _Changes:
    seen = _see(lookup, payloads.DiscussionComment)
    seen.is_asked_for(seen.of.id)
    return (remarks.discussion_comment(seen.place, seen.of, number=seen.number),)


def _release(lookup: Lookup) -> _Changes:
    """A token that may push sees drafts; a release that was unpublished is one again. A draft need
    not have a tag.
    """
    told = read(Around, lookup.raw).object
    if told.get("draft") is True and str(told.get("id")) == lookup.identity.id:
        return (Delete(lookup.identity, None),)
    seen = _see(lookup, payloads.Release)
    seen.is_asked_for(seen.of.id)
    return (releases.release(seen.place, seen.of, seen_at=lookup.sent_at),)


def _key(issue: payloads.Blocking) -> str | None:
    page = _PAGE.match(issue.html_url or "")
    return f"{page[1]}#{issue.number}" if page else None


def _stated(path: str, state: str | None) -> None:
    if state is None:
        raise BadPayload(path, "required and missing")


_KINDS: Mapping[str, Callable[[Lookup], _Changes]] = {
    "issue": _issue,
    "pull_request": _pull_request,
    "discussion": _discussion,
    "comment": _comment,
    "review": _review,
    "review_comment": _review_comment,
    "discussion_comment": _discussion_comment,
    "release": _release,
}
