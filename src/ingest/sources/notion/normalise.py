"""What a Notion delivery means: its event, and which page, database or comment to look up.

Law: a delivery never holds what its object says, only that it changed, and deliveries of one object
are gathered and come in any order; so what becomes of the object is always the look-up's word,
also whether it is in the trash. Performs no I/O.
"""

from __future__ import annotations

from dataclasses import replace

from ingest.core.changes import Change, Delete, Refresh, Upsert
from ingest.core.identity import Identity
from ingest.core.values import JSON
from ingest.sources.contract import Message, Normalised, Payload
from ingest.sources.drift import drift
from ingest.sources.later import fresh
from ingest.sources.notion import events
from ingest.sources.notion.documents import TOLD_DELETED
from ingest.sources.notion.ids import dashed, undashed
from ingest.sources.notion.payloads import (
    DATA_FIELDS,
    ENVELOPE_FIELDS,
    Event,
)
from ingest.sources.wire import mapping, read, text, unusable

_PLACES = frozenset({"page", "database", "block"})
_APPEARS = (".created", ".undeleted")
_GOES = frozenset({"page.deleted", "database.deleted"})
PATIENCE_S = 60.0
"""After an event that tells of something new, a 404 is Notion's own lag."""
_AS_IN_OBJECTS = "_id"
"""Objects call the type of their parent `page_id`, events `page`."""


def normalise(message: Message) -> Normalised:
    """The meaning of one delivery; raises `BadPayload` where it names no object."""
    payload = message.payload
    type_ = text(payload, "type")
    if type_ is None:
        raise unusable(payload.get("type"), "type", "not a name")
    kind = events.LOOKED_UP.get(type_)
    if kind is None and type_ != events.COMMENT_DELETED:
        record = events.record(type_, payload)
        return Normalised(record, skip=events.ignored_because(type_))
    told = read(Event, payload)
    change: Change | Refresh
    if kind is None:
        change = _deleted_comment(message.scope, told, mapping(payload, "data"))
    else:
        change = _refresh(message.scope, kind, told.entity.id, mapping(payload, "data"))
        change = _patient(change, type_)
    return Normalised(events.record(type_, payload), (change,), drift=_unknown_fields(payload))


def _patient(asked: Refresh, type_: str) -> Refresh:
    """What comes or goes may be shown as it was before for a moment."""
    if type_.endswith(_APPEARS):
        hint = {**asked.hint, **fresh(is_there=True)}
        return replace(asked, hint=hint, patience_s=PATIENCE_S)
    if type_ in _GOES:
        return replace(asked, hint={**asked.hint, **fresh(is_there=False)})
    return asked


def again(told: Upsert) -> Refresh | None:
    """The look-up of a document, with the place where the document says that it stands."""
    identity, parent = told.identity, told.parent
    hint: dict[str, JSON] = {}
    if parent is not None:
        hint["parent"] = {"type": parent.kind, "id": parent.id}
        if identity.kind == "comment" and parent.kind == "page":
            hint["page"] = parent.id
    return Refresh(identity, hint)


def _deleted_comment(scope: str, told: Event, data: Payload) -> Delete:
    """It is sent at once, not gathered, and no comment comes back: the id is used up."""
    id_ = told.entity.id
    asked = _refresh(scope, "comment", id_, data)
    confirm = replace(asked, hint={**asked.hint, TOLD_DELETED: True}, gone=True)
    whom = Identity("notion", scope, "comment", id_)
    return Delete(whom, None, final=True, aliases=(undashed(id_),), confirm=confirm)


def _refresh(scope: str, kind: str, id_: str, data: Payload) -> Refresh:
    """The look-up, with what proves later that a missing object is gone: its parent.

    Without a token nothing else is known of the object, a `deleted` included: the time of that
    event is later than the `last_edited_time` of a page that comes back from the trash, and taken
    as a version it would hide the page for ever.
    """
    parent = _parent(data)
    if kind == "data_source" and parent is not None and parent["type"] == "database":
        # A data source is a table of its database, and no document of its own.
        known: dict[str, JSON] = {"parent": {"type": "data_source", "id": id_}}
        return Refresh(Identity("notion", scope, "database", str(parent["id"])), known)
    hint: dict[str, JSON] = {}
    if parent is not None:
        hint["parent"] = parent
    page = dashed(data.get("page_id"))
    if kind == "comment" and page is not None:
        hint["page"] = page
    return Refresh(Identity("notion", scope, kind, id_), hint)


def _parent(data: Payload) -> dict[str, JSON] | None:
    told = mapping(data, "parent")
    type_, id_ = (text(told, "type") or "").removesuffix(_AS_IN_OBJECTS), dashed(told.get("id"))
    if type_ in _PLACES and id_ is not None:
        return {"type": type_, "id": id_}
    return None


def _unknown_fields(payload: Payload) -> tuple[str, ...]:
    """What Notion's types do not name."""
    return drift(
        ("webhook", payload, ENVELOPE_FIELDS), ("data", mapping(payload, "data"), DATA_FIELDS)
    )
