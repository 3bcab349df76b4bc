"""Zendesk's kinds of event: which are ignored and why, and the metadata that records each.

Law: no kind is dropped silently. One that is ignored stands here with its reason, and its event is
recorded all the same. Performs no I/O.
"""

from __future__ import annotations

from collections.abc import Mapping

from ingest.core.times import iso
from ingest.core.values import JSON
from ingest.sources.contract import Message, Payload
from ingest.sources.zendesk.payloads import part, text, whole_id
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

UNPUBLISHED = "article.unpublished"
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


def kind(payload: Payload) -> str:
    """`ticket.created`; of a trigger's body the name of its template, or of what it names."""
    type_ = text(payload.get("type"))
    if type_ is not None:
        return type_.removeprefix(PREFIX)
    return text(payload.get("source")) or (TRIGGER if "ticket_id" in payload else "")


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
    ticket_id = _named(payload, "ticket") or whole_id(payload.get("ticket_id"))
    article_id = _named(payload, "article")
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
        return _SEED_ACTIONS.get(text(payload.get("action")) or "", "ticket.updated")
    if kind_ in DELETIONS or kind_ == UNPUBLISHED or ignored_because(kind_):
        return None
    return _SEED_ACTIONS.get(kind_) or _SEED_REST.get(domain(kind_))


def _named(payload: Payload, about: str) -> int | None:
    """`zen:ticket:7890`, and `detail.id` where the event is about such a thing."""
    subject = text(payload.get("subject")) or ""
    named = whole_id(subject.removeprefix(f"zen:{about}:"))
    if named is not None or domain(kind(payload)) != about:
        return named
    return whole_id(part(payload, "detail").get("id"))


def _triggered_at(message: Message) -> str:
    payload = message.payload
    told = text(payload.get("time")) or text(payload.get("updated_at"))
    signed = message.headers.get("x-zendesk-webhook-signature-timestamp")
    return told or signed or iso(message.received_at)
