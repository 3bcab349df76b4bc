"""What a Linear delivery means: its event, and the change of one issue, comment or project.

Law: the event records the delivery, the change says what the object is; whether an object is gone
is the only thing that the action decides. Performs no I/O.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from ingest.core.changes import Change, Delete, Upsert
from ingest.core.errors import BadPayload
from ingest.core.values import JSON
from ingest.sources.contract import Message, Normalised, Payload
from ingest.sources.linear import events
from ingest.sources.linear.documents import (
    Place,
    comment_document,
    issue_document,
    keys,
    project_document,
    version,
)
from ingest.sources.linear.payloads import (
    DATA_FIELDS,
    ENVELOPE_FIELDS,
    Comment,
    Entity,
    Issue,
    Project,
    read,
    text,
)

_MOST_DRIFT = 20
_LONGEST_NAME = 100

E = TypeVar("E", bound=Entity)


@dataclass(frozen=True, slots=True)
class _Built(Generic[E]):
    """A type that becomes documents. `for_good`: a removal is final, the id never returns."""

    kind: str
    model: type[E]
    document: Callable[[E, Place], Upsert]
    for_good: bool = False

    def read(self, data: JSON, action: str, place: Place) -> tuple[Entity, Change]:
        """The object, and the change that it makes."""
        if action == "remove" or (not self.for_good and _in_trash(data)):
            gone = read(Entity, data, "data")
            return gone, self._delete(gone, place)
        whole = read(self.model, data, "data")
        return whole, self.document(whole, place)

    def _delete(self, gone: Entity, place: Place) -> Delete:
        # The version is the object's own, as for every other change. `archivedAt`, the time at
        # which it went to the trash, is often later; taken as the version it would outrank a
        # restored object whose `updatedAt` did not move, also when a look-up sees it, for ever.
        # So the two tie instead: the delete wins among what is told, and a look-up settles it.
        return Delete(
            identity=place.identity(self.kind, gone.id),
            version=version(gone),
            final=self.for_good,
            aliases=keys(gone.previous_identifiers),
        )


# linear.app/developers/webhooks and the schema's `trashed`: a removed issue or project lies in the
# trash and can be restored; a comment is destroyed. An archived object is done work and stays.
_BUILT: Mapping[str, _Built[Issue] | _Built[Comment] | _Built[Project]] = {
    "Issue": _Built("issue", Issue, issue_document),
    "Comment": _Built("comment", Comment, comment_document, for_good=True),
    "Project": _Built("project", Project, project_document),
}


def normalise(message: Message) -> Normalised:
    """The meaning of one delivery; raises `BadPayload` where its object is not whole.

    An action that Linear has not published (`restore`) is read as an update: the payload holds the
    object, and its `updatedAt` decides.
    """
    payload = message.payload
    type_ = _word(payload, "type")
    built = _BUILT.get(type_)
    if built is None:
        event = events.of_other(type_, payload)
        return Normalised(event, skip=events.ignored_because(type_))
    action = _word(payload, "action")
    place = Place(message.tenant, text(payload.get("url")))
    entity, change = built.read(payload.get("data"), action, place)
    event = events.of_document(type_, action, payload, entity)
    return Normalised(event, (change,), drift=_drift(type_, payload))


def _in_trash(data: JSON) -> bool:
    return isinstance(data, Mapping) and data.get("trashed") is True


def _word(payload: Payload, name: str) -> str:
    word = text(payload.get(name))
    if word is None:
        raise BadPayload(name, "missing" if payload.get(name) is None else "not a name")
    return word


def _drift(type_: str, payload: Payload) -> tuple[str, ...]:
    """Fields that Linear's schema does not name; a bounded number of names that can be shown."""
    data = payload.get("data")
    fields = data.keys() if isinstance(data, Mapping) else set()
    unknown = [f"EntityWebhookPayload.{name}" for name in payload.keys() - ENVELOPE_FIELDS]
    unknown += [f"{type_}.{name}" for name in fields - DATA_FIELDS[type_]]
    shown = (name for name in unknown if len(name) <= _LONGEST_NAME and name.isprintable())
    return tuple(sorted(shown)[:_MOST_DRIFT])
