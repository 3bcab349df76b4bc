"""What an event tells of one comment of a ticket, where nobody can be asked for all of them.

With a token a ticket's comments stand in its document, and are read with it. Without one each that
an event tells is a document of its own, a child of its ticket: an event tells the ticket without
its conversation, so that what one event said would be lost with the next. Performs no I/O.
"""

from __future__ import annotations

from ingest.core.changes import Change, Delete, Upsert
from ingest.sources import wire
from ingest.sources.contract import Payload
from ingest.sources.wire import mapping, read, text
from ingest.sources.zendesk.conversation import is_same
from ingest.sources.zendesk.payloads import EventComment, Teller, whole_id
from ingest.sources.zendesk.place import COMMENT, TICKET, Place, iso
from ingest.sources.zendesk.types import ZendeskCommentDocMetadata

_ADDED, _HIDDEN, _REDACTED = (
    "ticket.comment_added",
    "ticket.comment_made_private",
    "ticket.comment_redacted",
)
_KINDS = frozenset({_ADDED, _HIDDEN, _REDACTED})


def comment_changes(
    kind: str, payload: Payload, ticket_id: int, place: Place
) -> tuple[Change, ...]:
    """The comment, its end, or nothing where the event tells none, or one that stays out.

    An event has no time of the comment's own: its version is that of the event.
    """
    raw, time = mapping(payload, "event", "comment"), text(payload, "time")
    if kind not in _KINDS or time is None or whole_id(raw.get("id")) is None:
        return ()
    told = read(EventComment, raw, "event.comment")
    said = (told.body or "").strip()
    public = told.is_public and kind != _HIDDEN
    if said and (public or place.private_notes):
        described = text(payload, "detail", "description") or ""
        return () if is_same(said, described) else (_document(kind, told, time, ticket_id, place),)
    gone = Delete(place.identity(COMMENT, told.id), wire.version(time, "time"))
    return () if kind == _ADDED else (gone,)


def _document(kind: str, told: EventComment, time: str, ticket_id: int, place: Place) -> Upsert:
    author = told.author or Teller()
    metadata = ZendeskCommentDocMetadata(
        kind="comment",
        url=f"{place.site}/agent/tickets/{ticket_id}",
        updated_at=iso(time),
        comment_id=told.id,
        ticket_id=ticket_id,
        author_id=author.id,
        author_name=author.name,
    )
    return Upsert(
        identity=place.identity(COMMENT, told.id),
        version=wire.version(time, "time"),
        source_id=f"comment:{told.id}",
        title=f"Comment on ticket {ticket_id}",
        title_is_made_up=True,
        body=(told.body or "").strip(),
        metadata=metadata.told(),
        created_at=wire.time(time, "time") if kind == _ADDED else None,
        parent=place.identity(TICKET, ticket_id),
    )
