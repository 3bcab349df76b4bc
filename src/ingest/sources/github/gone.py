"""What a payload says of an object that is gone: whose it was, and that it never returns.

Law: numbers and ids are given once, so each deletion is final; its tombstone still answers to its
key. Performs no I/O.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from ingest.core.changes import Delete
from ingest.core.identity import Identity
from ingest.core.times import to_micros
from ingest.core.values import JSON
from ingest.sources.contract import Message
from ingest.sources.github import envelopes
from ingest.sources.github.outcomes import Outcome, ask
from ingest.sources.github.payloads import Repository, read
from ingest.sources.github.places import Place, place_of
from ingest.sources.github.remarks import key


def issue(message: Message) -> Outcome:
    told = read(envelopes.IssueGone, message.payload)
    place, of = _place(message, told.repository), told.issue
    return _gone(place.identity("issue", of.number), of.updated_at, place.key(of.number))


def discussion(message: Message) -> Outcome:
    told = read(envelopes.DiscussionGone, message.payload)
    place, of = _place(message, told.repository), told.discussion
    keys = (place.key(of.number), place.page(of.number))
    return _gone(place.identity("discussion", of.number), of.updated_at, *keys)


def release(message: Message) -> Outcome:
    told = read(envelopes.ReleaseGone, message.payload)
    place, of = _place(message, told.repository), told.release
    keys = (place.tag(of.tag_name),) if of.tag_name else ()
    return _gone(place.identity("release", of.id), of.updated_at or of.created_at, *keys)


def comment(message: Message) -> Outcome:
    told = read(envelopes.IssueCommentGone, message.payload)
    return _remark(message, told.repository, "comment", told.comment, told.issue.number)


def review_comment(message: Message) -> Outcome:
    told = read(envelopes.ReviewCommentGone, message.payload)
    number = told.pull_request.number
    return _remark(message, told.repository, "review_comment", told.comment, number)


def discussion_comment(message: Message) -> Outcome:
    told = read(envelopes.DiscussionCommentGone, message.payload)
    number = told.discussion.number
    return _remark(message, told.repository, "discussion_comment", told.comment, number)


def _remark(
    message: Message, repository: Repository, kind: str, of: envelopes.GoneId, number: int
) -> Outcome:
    place = _place(message, repository)
    known_as = key(place, kind, of.id, number=number)
    return _gone(place.identity(kind, of.id), of.updated_at, known_as, number=number)


def _gone(
    identity: Identity, at: datetime | None, *keys: str, number: int | None = None
) -> Outcome:
    """`number` is that of the conversation, by which some comments are looked up."""
    hint: dict[str, JSON] = {} if number is None else {"number": number}
    confirm = replace(ask(identity, hint), gone=True)
    version = to_micros(at) if at else 0
    return (Delete(identity, version, final=True, aliases=keys, confirm=confirm),)


def _place(message: Message, repository: Repository) -> Place:
    return place_of(message, repository.full_name)
