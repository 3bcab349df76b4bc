"""Zendesk's kinds of event: which are ignored and why, and the metadata that records each.

Law: no kind is dropped silently. One that is ignored stands here with its reason, and its event is
recorded all the same. Performs no I/O.
"""

from __future__ import annotations

from collections.abc import Mapping

from ingest.core.times import iso
from ingest.core.values import JSON
from ingest.sources.contract import Message, Payload
from ingest.sources.wire import mapping, text
from ingest.sources.zendesk.payloads import whole_id
from ingest.sources.zendesk.types import (
    SeedAction,
    ZendeskEventMetadata,
    ZendeskOtherEventMetadata,
)

PREFIX = "zen:event-type:"
TRIGGER = "zendesk-trigger"
"""What the template for triggers and automations says of itself in `source`."""

_NOT_BUILT = "its text does not become a document"
_PEOPLE = "people and their organizations are not documents"
_ROUTING = "it concerns agents and their work, not a document"

# developer.zendesk.com/api-reference/webhooks/event-types: whole types, or what stands before the
# dot, where all types of it are ignored.
IGNORED: Mapping[str, str] = {
    "agent": _ROUTING,
    "agent_availability": _ROUTING,
    "article.comment_changed": "comments on articles do not become documents",
    "article.comment_created": "comments on articles do not become documents",
    "article.comment_published": "comments on articles do not become documents",
    "article.comment_unpublished": "comments on articles do not become documents",
    "article.subscription_created": "who follows an article is not in its document",
    "community_post": _NOT_BUILT,
    "messaging_ticket": "the messages of a live chat come with the ticket that they become",
    "omnichannel_config": _ROUTING,
    "organization": _PEOPLE,
    "user": _PEOPLE,
}

WANTED = (
    "article.published",
    "article.unpublished",
    "article.vote_changed",
    "article.vote_created",
    "article.vote_removed",
    "ticket.agent_assignment_changed",
    "ticket.comment_added",
    "ticket.comment_made_private",
    "ticket.comment_redacted",
    "ticket.created",
    "ticket.description_changed",
    "ticket.marked_as_spam",
    "ticket.merged",
    "ticket.permanently_deleted",
    "ticket.priority_changed",
    "ticket.problem_link_changed",
    "ticket.soft_deleted",
    "ticket.status_changed",
    "ticket.subject_changed",
    "ticket.submitter_changed",
    "ticket.tags_changed",
    "ticket.type_changed",
    "ticket.undeleted",
)
"""What a subscription is made for: events that change what a document shows, without prefix.

Others that name a ticket (its group, its form, its deadlines) are taken too where they come.
"""

MERGED = "ticket.merged"
PROBLEM_LINKED = "ticket.problem_link_changed"
UNPUBLISHED = "article.unpublished"
COMMENTED = "ticket.comment_added"
PERMANENT = "ticket.permanently_deleted"
DELETIONS = frozenset({"ticket.soft_deleted", "ticket.marked_as_spam", PERMANENT})
RETURNS = frozenset({"ticket.created", "ticket.undeleted", "article.published"})
"""After these the object is there, also where the API does not show it yet."""

_SEED_ACTIONS: Mapping[str, SeedAction] = {
    "ticket.created": "ticket.created",
    "article.published": "article.published",
}
_SEED_REST: Mapping[str, SeedAction] = {"ticket": "ticket.updated", "article": "article.updated"}
_LONGEST_NAME = 100

# Templates are an admin's. These names for a ticket's id are the usual ones; `id` alone is a ticket
# where another word of tickets stands beside it.
_ID_NAMES = ("ticket_id", "ticketId", "ticket.id")
_BESIDE_ID = frozenset({"subject", "title", "description", "status", "priority", "requester"})


def is_event(payload: Payload) -> bool:
    """Whether it is Zendesk's own event; else an admin wrote its body."""
    return (text(payload, "type") or "").startswith(PREFIX)


def kind(payload: Payload) -> str:
    """`ticket.created`; of a trigger's body the name of its template, or of what it names."""
    type_ = text(payload, "type") or ""
    if is_event(payload):
        return type_.removeprefix(PREFIX)
    source = text(payload, "source") or ""
    if ticket_named(payload) is not None and (not source or "zendesk" in source.lower()):
        return TRIGGER
    return type_ or source


def ticket_named(payload: Payload) -> JSON:
    """The id of a ticket in a body that an admin wrote; None where it names none."""
    told = [payload.get(name) for name in _ID_NAMES]
    whole = payload.get("ticket")
    told.append(whole.get("id") if isinstance(whole, Mapping) else whole_id(whole))
    if not is_event(payload) and not _BESIDE_ID.isdisjoint(payload):
        told.append(whole_id(payload.get("id")))
    return next((id_ for id_ in told if id_ is not None), None)


def domain(kind_: str) -> str:
    """What an event is about: `ticket` of `ticket.created`."""
    return kind_.partition(".")[0]


def ignored_because(kind_: str) -> str | None:
    """Why deliveries of this kind change no document; None where they do."""
    reason = IGNORED.get(kind_) or IGNORED.get(domain(kind_))
    if reason is not None:
        return f"{kind_[:_LONGEST_NAME]}: {reason}"
    if kind_ == TRIGGER or kind_.startswith(("ticket.", "article.")):
        return None
    return f"unknown event {kind_[:_LONGEST_NAME] or 'without a type'}"


def recorded(message: Message, kind_: str) -> dict[str, JSON]:
    """The event: in the seed's terms where it has a word, else under Zendesk's own name."""
    payload = message.payload
    webhook_id = message.headers.get("x-zendesk-webhook-id", "")
    action = _seed_action(kind_, payload)
    ticket_id = named(payload, "ticket") or whole_id(ticket_named(payload))
    article_id = named(payload, "article")
    at = _triggered_at(message)
    if action is None:
        return ZendeskOtherEventMetadata(
            action=f"{PREFIX}{kind_[:_LONGEST_NAME]}",
            webhook_id=webhook_id,
            ticket_id=ticket_id,
            article_id=article_id,
            triggered_at=at,
        ).told()
    return ZendeskEventMetadata(
        action=action,
        webhook_id=webhook_id,
        ticket_id=ticket_id,
        article_id=article_id,
        triggered_at=at,
    ).told()


def _seed_action(kind_: str, payload: Payload) -> SeedAction | None:
    if kind_ == TRIGGER:
        return _SEED_ACTIONS.get(text(payload, "action") or "", "ticket.updated")
    if kind_ in DELETIONS or kind_ == UNPUBLISHED or ignored_because(kind_):
        return None
    return _SEED_ACTIONS.get(kind_) or _SEED_REST.get(domain(kind_))


def named(payload: Payload, about: str) -> int | None:
    """`zen:ticket:7890`, and `detail.id` where the event is about such a thing."""
    before, _, after = (text(payload, "subject") or "").rpartition(":")
    found = whole_id(after) if before == f"zen:{about}" else None
    if found is not None or domain(kind(payload)) != about:
        return found
    return whole_id(mapping(payload, "detail").get("id"))


def _triggered_at(message: Message) -> str:
    payload = message.payload
    told = text(payload, "time") or text(payload, "updated_at")
    signed = message.headers.get("x-zendesk-webhook-signature-timestamp")
    return told or signed or iso(message.received_at)
