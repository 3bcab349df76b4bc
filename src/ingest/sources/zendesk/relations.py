"""What a ticket's fields say about others: its problem, follow-ups, what it was merged into.

Only the event `ticket.merged` names the other ticket by its id. The API has a tag for it, and a
comment that Zendesk writes in the account's language. So what the event said is handed to the
look-up that it asks for, and that leaves it to the next ones. Performs no I/O.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from ingest.core.errors import BadPayload
from ingest.core.references import Reference, ReferenceKind
from ingest.core.values import JSON
from ingest.sources.contract import Payload
from ingest.sources.wire import at, mapping, read
from ingest.sources.zendesk.conversation import forms, in_order
from ingest.sources.zendesk.payloads import Comment, Thread, Ticket, whole_id
from ingest.sources.zendesk.place import TICKET, Place

MERGED_INTO = "mergedInto"
"""The name of the other ticket's id in a look-up's hint and state."""
MERGED_TAG = "closed_by_merge"
_SAID = re.compile(r"merged into (?:request|ticket) #([1-9][0-9]{0,9})(?![0-9])")
_NUMBERED = re.compile(
    r"(?<![A-Za-z0-9_&/])(?:#|n[º°]|№|nr?\.|no\.)[ \xa0]?([1-9][0-9]{0,15}+)(?![0-9])",
    re.IGNORECASE,
)


def merged_by(payload: Payload) -> int | None:
    """The ticket that another one was merged into, in the words of the event."""
    return whole_id(mapping(payload, "event").get("target_ticket_id"))


def merged_into(*told: Payload | JSON) -> int | None:
    """The same, out of hint and state: the newest that says it comes first."""
    known = (whole_id(one.get(MERGED_INTO)) for one in told if isinstance(one, Mapping))
    return next((id_ for id_ in known if id_ is not None), None)


def relations(
    ticket: Ticket, comments: Sequence[Comment], merged: int | None, place: Place
) -> Iterator[Reference]:
    """The problem that an incident waits for, follow-ups both ways, what it was merged into.

    comments: all of the ticket's, in their order. merged: as the event said, where it did.
    """

    def related(kind: ReferenceKind, id_: int, evidence: str) -> Reference:
        thing = place.identity(TICKET, id_)
        return Reference(kind, "zendesk", f"#{id_}", "field", evidence, thing=thing)

    if ticket.problem_id:
        yield related("dependsOn", ticket.problem_id, "problem_id")
    if ticket.follows:
        yield related("relatedTo", ticket.follows, "via.source.from.ticket_id")
    for id_ in sorted(set(ticket.followup_ids or ())):
        yield related("relatedTo", id_, "followup_ids")
    if merged is not None:
        yield related("relatedTo", merged, "target_ticket_id")
    elif (found := said_target(ticket, comments)) is not None:
        yield related("relatedTo", int(found[1]), found[0].strip())


def hides_target(raw: JSON) -> bool:
    """Whether a ticket was merged into another, and its comments do not say into which: then a
    look-up may know it, since it is told what earlier ones left.
    """
    tags = at(raw, "ticket", "tags")
    if not isinstance(tags, list) or MERGED_TAG not in tags or not isinstance(raw, Mapping):
        return False
    try:
        thread = read(Thread, raw, "look-up")
    except BadPayload:  # of this one ticket, and told when it is read
        return False
    comments = in_order(thread.comments or ())
    return thread.comments is not None and said_target(thread.ticket, comments) is None


def said_target(ticket: Ticket, comments: Sequence[Comment]) -> re.Match[str] | None:
    """What Zendesk's comment says that the ticket was merged into, where its tag confirms that.

    In other languages than English it is the first ticket that the last comment names.
    """
    if MERGED_TAG not in (ticket.tags or ()):
        return None
    told = (_SAID.search(text) for c in reversed(comments) for text in forms(c))
    named = (
        found
        for text in (forms(comments[-1]) if comments else ())
        for found in _NUMBERED.finditer(text)
        if int(found[1]) != ticket.id
    )
    return next(filter(None, told), None) or next(named, None)
