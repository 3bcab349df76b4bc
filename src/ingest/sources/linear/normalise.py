"""What a Linear delivery means: its event, and the change or the look-up of one object.

Law: the event records the delivery, the change says what the object is; whether an object is gone
is the only thing that the action decides. What is told and what is asked is said in `kinds`.
Performs no I/O.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ingest.core.changes import Refresh
from ingest.sources.contract import Message, Normalised, Payload
from ingest.sources.linear import events, lifecycle
from ingest.sources.linear.fields import unknown_fields
from ingest.sources.linear.kinds import BY_TYPE, AnyKind, confirmed
from ingest.sources.linear.payloads import Link
from ingest.sources.linear.shapes import Place
from ingest.sources.wire import read, text, unusable

_SEED_KINDS = frozenset({"Issue", "Comment", "Project"})


def normalise(message: Message) -> Normalised:
    """The meaning of one delivery; raises `BadPayload` where its object is not whole."""
    type_ = _word(message.payload, "type")
    kind = BY_TYPE.get(type_)
    if kind is not None:
        return _object(message, type_, kind)
    return _OTHERS.get(type_, _ignored)(message, type_)


def _object(message: Message, type_: str, kind: AnyKind) -> Normalised:
    """The event of something that is a document."""
    payload = message.payload
    action = _word(payload, "action")
    place = Place(message.scope, text(payload, "url"))
    entity, change = kind.told(payload.get("data"), action, place)
    if type_ in _SEED_KINDS:
        event = events.of_document(type_, action, payload, entity)
    else:
        event = events.of_other(type_, payload)
    drift = unknown_fields(type_, payload)
    return Normalised(event, (change, *confirmed(change)), drift=drift)


def _attachment(message: Message, type_: str) -> Normalised:
    """A link of an issue to a place elsewhere was set, changed or taken away: the issue is asked,
    and where the link came from another issue, that one too.
    """
    link = read(Link, message.payload.get("data"), "data")
    place = Place(message.scope)
    issues = dict.fromkeys(id_ for id_ in (link.issue_id, link.original_issue_id) if id_)
    asked = tuple(Refresh(place.identity("issue", id_)) for id_ in issues)
    return Normalised(events.of_other(type_, message.payload), asked)


def _ignored(message: Message, type_: str) -> Normalised:
    """A kind that is no document: recorded, with the reason."""
    payload = message.payload
    return Normalised(
        events.of_other(type_, payload),
        skip=events.ignored_because(type_),
        notices=lifecycle.notices(message),
    )


_OTHERS: Mapping[str, Callable[[Message, str], Normalised]] = {"Attachment": _attachment}


def _word(payload: Payload, name: str) -> str:
    told = payload.get(name)
    word = text(told)
    if word is None:
        raise unusable(told, name, "not a name")
    return word
