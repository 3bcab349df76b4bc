"""From Zendesk's objects to documents: a ticket with its conversation; articles see `articles`.

Law: a document is a pure function of the object and its connection's settings, never of the event
or the delivery that carried it. What an event tells of a ticket is the look-up's document without
the comments. Performs no I/O.
"""

from __future__ import annotations

from collections.abc import Mapping

from ingest.core.changes import Change, Delete, Refresh, Upsert
from ingest.core.errors import BadPayload
from ingest.sources.contract import Lookup
from ingest.sources.later import caught_up, later
from ingest.sources.wire import read, time_if
from ingest.sources.zendesk.articles import article_changes
from ingest.sources.zendesk.conversation import conversation, in_order, linked, shown_of
from ingest.sources.zendesk.payloads import Thread
from ingest.sources.zendesk.place import ARTICLE, COMMENT, TICKET, TRANSLATION, Place, iso, version
from ingest.sources.zendesk.relations import merged_into, relations
from ingest.sources.zendesk.types import ZendeskDocMetadata

GONE = frozenset({"deleted", "scrubbed"})
"""Statuses of a ticket that is not there any more: exports and events still show it."""

# Events call a ticket of the archive by that name; the API calls it closed, as which it went there.
_STATUSES: Mapping[str, str] = {"archived": "closed"}


def documents(lookup: Lookup) -> tuple[Change | Refresh, ...]:
    """What a look-up saw or a list told: one change of a ticket, of an article one a locale."""
    place = Place.of(lookup.identity.scope, lookup.connection)
    if lookup.identity.kind in (ARTICLE, TRANSLATION):
        return caught_up(lookup, article_changes(lookup, place))
    thread = read(Thread, lookup.raw if isinstance(lookup.raw, dict) else {}, "look-up")
    change = ticket_change(thread, place, merged_into(lookup.hint, lookup.state))
    if change.identity != lookup.identity:
        raise BadPayload("ticket.id", "another object was answered")
    said = caught_up(lookup, (change,))
    return said if len(said) > 1 or _has_comment(lookup, thread) else (*said, *later(lookup))


def _has_comment(lookup: Lookup, thread: Thread) -> bool:
    """Whether the comment that the event told of is among those that are shown."""
    told = lookup.hint.get(COMMENT)
    return told is None or thread.comments is None or any(c.id == told for c in thread.comments)


def again(told: Upsert) -> Refresh | None:
    """Every document can be looked up, but a comment, which is read with its ticket."""
    return Refresh(told.identity) if told.identity.kind != COMMENT else None


def ticket_change(thread: Thread, place: Place, merged: int | None = None) -> Change:
    """The ticket, or its end where its status says so.

    merged: the ticket that it was merged into, as an event said.
    """
    ticket = thread.ticket
    if ticket.status in GONE:
        return ended(ticket.id, version(ticket.updated_at), place, scrubbed=ticket.status)
    return ticket_document(thread, place, merged)


def ended(id_: int, at: int, place: Place, *, scrubbed: str | None = None) -> Delete:
    """A deleted ticket can be restored; one whose text was scrubbed away cannot."""
    identity = place.identity(TICKET, id_)
    return Delete(identity, at, final=scrubbed == "scrubbed", aliases=(f"#{id_}",))


def ticket_document(thread: Thread, place: Place, merged: int | None = None) -> Upsert:
    """A ticket: its description, and its comments where they were looked up."""
    ticket, at = thread.ticket, version(thread.ticket.updated_at)
    comments = in_order(thread.comments or ())
    shown = shown_of(comments, place)
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
        body=conversation(thread, comments, place),
        metadata=metadata.told(),
        created_at=time_if(ticket.created_at),
        aliases=(f"#{ticket.id}",),
        references=tuple(relations(ticket, comments, merged, place)),
        home_scope=place.account,
        title_is_made_up=not ticket.subject,
        links=linked(shown, place),
    )
