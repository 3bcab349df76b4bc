"""What all of Linear's documents are made with: places, versions, states, priorities, keys.

Law: a document is a pure function of the object and its URL, never of the event or the delivery
that carried it, so the same object gives the same document by whatever road it comes.
Performs no I/O.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from ingest.core.identity import Identity
from ingest.core.slugs import bounded_key
from ingest.core.values import JSON
from ingest.sources import wire
from ingest.sources.linear.payloads import Entity, State

# schema.graphql, `WorkflowState.type`, `ProjectStatusType` and `InitiativeStatus`, in the seed's
# four words. What is paused was begun and is not over; an initiative is `Active` once begun.
_STATES: Mapping[str, str] = {
    "triage": "todo",
    "backlog": "todo",
    "unstarted": "todo",
    "planned": "todo",
    "started": "in-progress",
    "active": "in-progress",
    "paused": "in-progress",
    "completed": "done",
    "canceled": "canceled",
    "duplicate": "canceled",
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where an object stands: its organization, and the URL that the envelope gives it."""

    organization: str
    url: str | None = None

    def identity(self, kind: str, id_: str) -> Identity:
        return Identity("linear", self.organization, kind, id_)


def version(entity: Entity) -> int:
    """The object's own `updatedAt`, in microseconds since the epoch."""
    return wire.version(entity.updated_at, "data.updatedAt")


def created(text: str) -> datetime:
    return wire.time(text, "data.createdAt")


def keys(told: Iterable[str | None] | None) -> tuple[str, ...]:
    """Former and further keys of an object, as aliases."""
    return tuple(bounded_key(key) for key in told or () if key)


def named_keys(entity: Entity, *told: str | None) -> tuple[str, ...]:
    """What an object is called beside its id, and what it was called before."""
    return keys(dict.fromkeys((*told, *(entity.previous_identifiers or ()))))


def parent_of(place: Place, **ids: str | None) -> Identity | None:
    """The first of the kinds that is told, in the order given."""
    return next((place.identity(kind, id_) for kind, id_ in ids.items() if id_), None)


def state_word(state: State | None) -> str | None:
    """One of the seed's four words, where the type is known."""
    return _STATES.get(state.type.lower()) if state and state.type else None


def whole_priority(told: float | None) -> int | None:
    """0 none, 1 urgent to 4 low: whole, though the schema says Float; else none was told."""
    return int(told) if told is not None and 0 <= told <= 4 else None


def paragraphs(*texts: str | None) -> str:
    """A short text above a long one."""
    return "\n\n".join(filter(None, texts))


def known(**fields: JSON) -> dict[str, JSON] | None:
    """The fields that say something."""
    return {name: value for name, value in fields.items() if value} or None
