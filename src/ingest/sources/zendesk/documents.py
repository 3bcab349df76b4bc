"""From Zendesk's objects to documents: a ticket with its conversation; articles see `articles`.

Law: a document is a pure function of the object and its connection's settings, never of the event
or the delivery that carried it. What an event tells of a ticket is the look-up's document without
the comments. Performs no I/O.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from ingest.core.bounds import MARK, MAX_BODY_CHARS
from ingest.core.changes import Change, Delete, Refresh, Upsert
from ingest.core.errors import BadPayload
from ingest.core.references import Reference, ReferenceKind
from ingest.sources import wire
from ingest.sources.contract import Lookup
from ingest.sources.wire import read, time_if
from ingest.sources.zendesk.articles import article_changes
from ingest.sources.zendesk.markdown import links, markdown
from ingest.sources.zendesk.payloads import Comment, Thread, Ticket
from ingest.sources.zendesk.place import ARTICLE, TICKET, TRANSLATION, Place, iso, version
from ingest.sources.zendesk.types import ZendeskDocMetadata

GONE = frozenset({"deleted", "scrubbed"})
"""Statuses of a ticket that is not there any more: exports and events still show it."""

# Events call a ticket of the archive by that name; the API calls it closed, as which it went there.
_STATUSES: Mapping[str, str] = {"archived": "closed"}

# Zendesk's own comment in a ticket that was merged into another, which its tag confirms.
_MERGED_TAG = "closed_by_merge"
_MERGED = re.compile(r"merged into (?:request|ticket) #([1-9][0-9]{0,9})(?![0-9])")
_BLANK = "&nbsp;"
"""The one entity that Zendesk leaves in a plain text."""


def documents(lookup: Lookup) -> tuple[Change | Refresh, ...]:
    """What a look-up saw or a list told: one change of a ticket, of an article one a locale."""
    place = Place.of(lookup.identity.scope, lookup.connection)
    if lookup.identity.kind in (ARTICLE, TRANSLATION):
        return article_changes(lookup, place)
    thread = read(Thread, lookup.raw if isinstance(lookup.raw, dict) else {}, "look-up")
    change = ticket_change(thread, place)
    if change.identity != lookup.identity:
        raise BadPayload("ticket.id", "another object was answered")
    return (change,)


def again(told: Upsert) -> Refresh:
    """Every document can be looked up."""
    return Refresh(told.identity)


def ticket_change(thread: Thread, place: Place) -> Change:
    """The ticket, or its end where its status says so."""
    ticket = thread.ticket
    if ticket.status in GONE:
        return ended(ticket.id, version(ticket.updated_at), place, scrubbed=ticket.status)
    return ticket_document(thread, place)


def ended(id_: int, at: int, place: Place, *, scrubbed: str | None = None) -> Delete:
    """A deleted ticket can be restored; one whose text was scrubbed away cannot."""
    identity = place.identity(TICKET, id_)
    return Delete(identity, at, final=scrubbed == "scrubbed", aliases=(f"#{id_}",))


def ticket_document(thread: Thread, place: Place) -> Upsert:
    """A ticket: its description, and its comments where they were looked up."""
    ticket, at = thread.ticket, version(thread.ticket.updated_at)
    comments = _in_order(thread.comments or ())
    shown = [c for c in comments if c.public or place.private_notes]
    metadata = ZendeskDocMetadata(
        kind="ticket",
        url=f"{place.site}/agent/tickets/{ticket.id}",
        updated_at=iso(ticket.updated_at),
        ticket_id=ticket.id,
        status=_STATUSES.get(ticket.status or "", ticket.status),
        priority=ticket.priority,
        ticket_type=ticket.type,
        assignee_id=ticket.assignee_id,
        submitter_id=ticket.submitter_id,
        tags=sorted(set(ticket.tags or ())),
        comment_count=None if thread.comments is None else len(shown),
    )
    return Upsert(
        identity=place.identity(TICKET, ticket.id),
        version=at,
        source_id=str(ticket.id),
        title=ticket.subject or f"Ticket #{ticket.id}",
        body=_conversation(thread, comments, place),
        metadata=metadata.told(),
        created_at=time_if(ticket.created_at),
        aliases=(f"#{ticket.id}",),
        references=tuple(_related(ticket, comments, place)),
        home_scope=place.account,
        title_is_made_up=not ticket.subject,
        links=_linked(shown, place),
    )


def _in_order(comments: Sequence[Comment]) -> list[Comment]:
    """As they were written; `created_at` has a grain of one second, ids go up."""
    return sorted(comments, key=lambda c: (wire.time(c.created_at, "comments.created_at"), c.id))


def _conversation(thread: Thread, comments: Sequence[Comment], place: Place) -> str:
    """The description, which is the first comment, then each further one under its heading."""
    description, rest = _opening(thread.ticket, comments, place)
    names = {user.id: user.name for user in thread.users or () if user.id and user.name}
    parts, size = [description], len(description)
    for place_in_rest, comment in enumerate(rest):
        if size > MAX_BODY_CHARS:
            parts.append(f"[{MARK} cut here: {len(rest) - place_in_rest:,} more comments]")
            break
        author = names.get(comment.author_id or 0) or f"user {comment.author_id}"
        note = "" if comment.public else "Internal note, "
        said = _said(comment, place)
        parts.append(f"### {note}{author}, {iso(comment.created_at)}\n\n{said}")
        size += len(parts[-1]) + (len(comment.html_body or "") if _is_html(comment) else 0)
    return "\n\n".join(filter(None, parts))


def _opening(
    ticket: Ticket, comments: Sequence[Comment], place: Place
) -> tuple[str, list[Comment]]:
    """The description where all may read it, and the comments that are shown below it."""
    shown = [c for c in comments if c.public or place.private_notes]
    described = (ticket.description or "").strip()
    if not place.private_notes:
        hidden = not comments[0].public if comments else ticket.is_public is False
        if hidden:
            return "", shown
    if comments and _even(described) in {_even(text) for text in _forms(comments[0])}:
        return described, shown[1:]
    return described, shown


def _even(text: str) -> str:
    return " ".join(text.split())


def _forms(comment: Comment) -> Iterator[str]:
    yield from filter(None, (comment.plain_body, comment.body))


def _is_html(comment: Comment) -> bool:
    """Whether its text is made out of HTML, which costs by its length, whatever becomes of it."""
    return comment.plain_body is None and comment.html_body is not None


def _said(comment: Comment, place: Place) -> str:
    if comment.plain_body is not None:
        return comment.plain_body.replace(_BLANK, " ").strip()
    if comment.html_body is not None:
        return markdown(comment.html_body, place.site)
    return (comment.body or "").strip()


def _linked(shown: Sequence[Comment], place: Place) -> tuple[str, ...]:
    """What the comments link to: a plain text keeps a link's label and loses its URL."""
    return tuple(sorted({u for c in shown if c.html_body for u in links(c.html_body, place.site)}))


def _related(ticket: Ticket, comments: Sequence[Comment], place: Place) -> Iterator[Reference]:
    """The problem that an incident waits for, follow-ups both ways, what it was merged into."""

    def related(kind: ReferenceKind, id_: int, evidence: str) -> Reference:
        thing = place.identity(TICKET, id_)
        return Reference(kind, "zendesk", f"#{id_}", "field", evidence, thing=thing)

    if ticket.problem_id:
        yield related("dependsOn", ticket.problem_id, "problem_id")
    if ticket.follows:
        yield related("relatedTo", ticket.follows, "via.source.from.ticket_id")
    for id_ in sorted(set(ticket.followup_ids or ())):
        yield related("relatedTo", id_, "followup_ids")
    if _MERGED_TAG in (ticket.tags or ()):
        told = [_MERGED.search(text) for c in reversed(comments) for text in _forms(c)]
        merged = next(filter(None, told), None)
        if merged:
            into = related("relatedTo", int(merged[1]), _MERGED_TAG)
            yield replace(into, evidence=merged[0])
