"""What a Zendesk delivery means: its event, and what becomes of one ticket or article.

Law: the event says which object, and only for a deletion what became of it. A conversation or an
article is never in an event, so with a token every other event is a look-up; what its `detail`
tells, and one comment, stand in where there is none. Performs no I/O.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ingest.core.changes import UPSERT_PRIORITY, Change, Delete, Refresh, Upsert
from ingest.core.values import JSON
from ingest.sources.contract import Message, Normalised, Payload
from ingest.sources.drift import drift
from ingest.sources.later import fresh
from ingest.sources.wire import at, mapping, read, text, unusable
from ingest.sources.zendesk import events
from ingest.sources.zendesk.articles import translation_id
from ingest.sources.zendesk.comments import comment_changes
from ingest.sources.zendesk.documents import GONE, ended, ticket_change
from ingest.sources.zendesk.payloads import (
    DETAIL_FIELDS,
    ENVELOPE_FIELDS,
    EVENT_LOCALE,
    LOCALE,
    Gone,
    Thread,
    Ticket,
    whole_id,
)
from ingest.sources.zendesk.place import ARTICLE, COMMENT, TRANSLATION, Place, version
from ingest.sources.zendesk.relations import MERGED_INTO, merged_by

PATIENCE_S = 30.0
"""The API may show a new object that late after its event."""

_PRIORITIES: Mapping[str, int] = {
    events.MERGED: UPSERT_PRIORITY + 100,
    events.PROBLEM_LINKED: UPSERT_PRIORITY + 50,
}
"""Of the events of one save these say more of the ticket than its `detail` does."""

# A detail may hold an id and nothing else; without its time nothing can be told of a ticket.
_WHOLE = "updated_at"


def normalise(message: Message) -> Normalised:
    """The meaning of one delivery; raises `BadPayload` where its object cannot be known."""
    kind = events.kind(message.payload)
    event = events.recorded(message, kind)
    reason = events.ignored_because(kind)
    if reason is not None:
        return Normalised(event, skip=reason)
    place = Place.of(message.scope, message.connection)
    drift = _unknown_fields(kind, message.payload)
    return Normalised(event, _changes(kind, message.payload, place), drift=drift)


def _changes(kind: str, payload: Payload, place: Place) -> tuple[Change | Refresh, ...]:
    if kind == events.TRIGGER:
        # The template's words are an admin's, and unescaped: they say which ticket, no more.
        return (_look_up(place, "ticket", _known_id(events.ticket_named(payload), "ticket_id")),)
    if events.domain(kind) == "article":
        return _article(kind, payload, place)
    id_ = _id(payload, "ticket")
    gone = _gone(kind, id_, payload, place)
    if gone is not None and gone.final:
        return (gone,)
    if gone is not None:
        # Not every deletion moves `updated_at`: a ticket that a look-up saw at the same second
        # would stay. So the deletion counts at once, and a look-up confirms it.
        return (gone, replace(_look_up(place, "ticket", id_), hint=fresh(is_there=False)))
    return (_ticket(kind, id_, payload, place),)


def _ticket(kind: str, id_: int, payload: Payload, place: Place) -> Refresh:
    detail = mapping(payload, "detail")
    merged = merged_by(payload) if kind == events.MERGED else None
    told: tuple[Change, ...] = ()
    told_at: int | None = None
    if detail.get(_WHOLE) is not None:
        linked = (
            {"problem_id": at(payload, "event", "current")} if kind == events.PROBLEM_LINKED else {}
        )
        ticket = read(Ticket, {**detail, "id": id_, **linked}, "detail")
        told = (_told(kind, ticket, place, merged),)
        told_at = version(ticket.updated_at, "detail.updated_at")
    told += comment_changes(kind, payload, id_, place)
    returns = kind in events.RETURNS
    hint = fresh(told_at, is_there=True if returns else None)
    comment = whole_id(mapping(payload, "event", "comment").get("id"))
    if kind == events.COMMENTED and comment is not None:
        hint[COMMENT] = comment
    if merged is not None:
        hint[MERGED_INTO] = merged
    patience_s = PATIENCE_S if returns else 0.0
    asked = _look_up(place, "ticket", id_, otherwise=told, patience_s=patience_s)
    return replace(asked, hint=hint)


def _told(kind: str, ticket: Ticket, place: Place, merged: int | None) -> Change:
    """The ticket as the event tells it."""
    change = ticket_change(Thread(ticket=ticket), place, merged)
    if not isinstance(change, Upsert):
        return change
    return replace(change, priority=_PRIORITIES.get(kind, change.priority))


def _gone(kind: str, id_: int, payload: Payload, place: Place) -> Delete | None:
    """The ticket's end, by the kind of event or by the status that it has."""
    told = read(Gone, mapping(payload, "detail"), "detail")
    if kind not in events.DELETIONS and told.status not in GONE:
        return None
    permanent = kind == events.PERMANENT
    scrubbed = "scrubbed" if permanent else told.status
    if told.updated_at:
        gone_at = version(told.updated_at, "detail.updated_at")
    else:
        gone_at = 0 if permanent and payload.get("time") is None else _time_of(payload)
    gone = ended(id_, gone_at, place, scrubbed=scrubbed)
    if not gone.final:
        return gone
    confirm = replace(_look_up(place, "ticket", id_, patience_s=PATIENCE_S), gone=True)
    return replace(gone, confirm=confirm)


def _article(kind: str, payload: Payload, place: Place) -> tuple[Refresh, ...]:
    """An article's events name it, and perhaps a language, and tell nothing of its text."""
    id_ = _id(payload, "article")
    locale = text(mapping(payload, "event"), "locale")
    named = locale if locale is not None and LOCALE.fits(locale) else None
    hint: dict[str, JSON] = {} if named is None else {EVENT_LOCALE: named}
    if kind != events.UNPUBLISHED:
        returns = kind in events.RETURNS
        new = fresh(is_there=True) if returns else {}
        asked = _look_up(place, ARTICLE, id_, patience_s=PATIENCE_S if returns else 0.0)
        return (replace(asked, hint={**new, **hint}),)
    # With a token the look-up says it in the article's own version: told at the event's time,
    # the deletion would outrank an article that is published again unchanged.
    # Where a language is named, the article may go on in others.
    went = fresh(is_there=False)
    ended = [(ARTICLE, str(id_), went if named is None else {})]
    if named is not None:
        ended.append((TRANSLATION, translation_id(id_, named), went))
    ended_at = _time_of(payload)
    return tuple(
        Refresh(of, lag, otherwise=(Delete(of, ended_at),))
        for kind, which, lag in ended
        for of in [place.identity(kind, which)]
    )


def _look_up(
    place: Place,
    kind: str,
    id_: int,
    *,
    otherwise: tuple[Change, ...] = (),
    patience_s: float = 0.0,
) -> Refresh:
    identity = place.identity(kind, id_)
    return Refresh(identity, otherwise=otherwise, patience_s=patience_s)


def _id(payload: Payload, about: str) -> int:
    """`detail.id`, or what the event is about: `zen:ticket:7890`."""
    told = mapping(payload, "detail").get("id")
    if told is None:
        told = events.named(payload, about)
    if told is None and about == "ticket":
        told = events.ticket_named(payload)
    return _known_id(told, "detail.id")


def _known_id(told: JSON, path: str) -> int:
    id_ = whole_id(told)
    if id_ is None:
        raise unusable(told, path, "not an id")
    return id_


def _time_of(payload: Payload) -> int:
    time = payload.get("time")
    if not isinstance(time, str):
        raise unusable(time, "time", "not a text")
    return version(time, "time")


def _unknown_fields(kind: str, payload: Payload) -> tuple[str, ...]:
    """What Zendesk's documents do not name; the words of a trigger's template are an admin's."""
    if kind == events.TRIGGER:
        return ()
    about = events.domain(kind)
    return drift(
        ("event", payload, ENVELOPE_FIELDS),
        (about, mapping(payload, "detail"), DETAIL_FIELDS[about]),
    )
