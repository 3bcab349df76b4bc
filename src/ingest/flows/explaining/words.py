"""Who says each relationship of a document: in which field and words, and what it found. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ingest.core.reading import KeptReading
from ingest.core.references import DEPLOYMENT
from ingest.core.values import JSON
from ingest.flows.documents.keys import aim, members
from ingest.flows.documents.shown import shown_as
from ingest.sources.registry import folded
from ingest.store.binding import Owned
from ingest.store.explaining import StandingPointer

_PARTS: Mapping[str, tuple[str, str]] = {
    "mention": ("mentions", "mention"),
    DEPLOYMENT: ("temporal", "deploymentId"),
}

Found = Literal["bound", "waiting", "several", "hidden", "deleted", "itself", "none"]
"""How the other end of a relationship stands.

bound: a document is there. waiting: none is, yet. several: that many have the key, so that it names
none. hidden, deleted: it is known, and out of sight. itself: it is the document. none: what no
document stands for, as a commit.
"""


@dataclass(frozen=True, slots=True)
class RelationshipTarget:
    """What a relationship found. by: its `key`, an `alias` of it, or its `id` at its provider."""

    found: Found
    id: str | None = None
    kind: str | None = None
    source_id: str | None = None
    by: str | None = None


@dataclass(frozen=True, slots=True)
class SaidRelationship:
    """One relationship, and why it is there.

    part, kind: as in `relationships`: `graph` and `resolves`, `mentions` and `mention`, `temporal`
        and `commitSha`.
    source: the target's; None of a temporal one.
    value: as it stands in `relationships`, without the source. key: as it was written.
    origin: `field`, `url`, `keyword`, `text`. field: where the words stand: `title`, `text`, the
        `link` of a field, or the name by which the provider's field states it.
    """

    part: str
    kind: str
    source: str | None
    value: str
    key: str
    origin: str
    field: str
    words: str
    target: RelationshipTarget


def of_references(
    pointers: Sequence[StandingPointer],
    store_id: str,
    title: str,
    reading: KeptReading | None,
    states: Mapping[str, str],
) -> Iterator[SaidRelationship]:
    """The relationships that references make, in their order.

    title: the document's. reading: what was told beside its text. states: of what can be meant by
    an id (`meant_by`).
    """
    told = reading.references if reading is not None else ()
    stated = frozenset((one.kind, one.source, one.evidence) for one in told)
    for one in pointers:
        if one.kind == DEPLOYMENT and one.shown is None:
            continue
        part, kind = _PARTS.get(one.kind, ("graph", one.kind))
        yield SaidRelationship(
            part=part,
            kind=kind,
            source=None if part == "temporal" else one.target_source,
            value=shown_as(one.target_source, one.target_key, one.shown),
            key=one.target_key,
            origin=one.origin,
            field=_field(one, title, stated),
            words=one.evidence,
            target=_target(one, aimed(one, store_id), states),
        )


def aimed(one: StandingPointer, store_id: str) -> Owned:
    """The key that a reference is bound by."""
    return aim(store_id, one.target_source, one.target_key, one.bind_key)


def of_times(
    temporal: Mapping[str, JSON],
    metadata: Mapping[str, JSON],
    found: Mapping[str, RelationshipTarget],
) -> Iterator[SaidRelationship]:
    """The temporal ones that the document states itself, each in a field of its metadata.

    found: by value, the document that it names.
    """
    for kind, value in sorted(temporal.items()):
        told = str(value)
        where = next(_places({**metadata}, told, ""), None)
        yield SaidRelationship(
            part="temporal",
            kind=kind,
            source=None,
            value=told,
            key=told,
            origin="field",
            field=kind if where is None else where[0],
            words=told if where is None else where[1],
            target=found.get(told, RelationshipTarget("none")),
        )


def _field(one: StandingPointer, title: str, stated: frozenset[tuple[str, str, str]]) -> str:
    if one.origin != "field":
        return "title" if one.evidence and one.evidence in title else "text"
    if one.kind == DEPLOYMENT:
        return "commitSha"
    if (one.kind, one.target_source, one.evidence) in stated:
        return one.evidence
    return "link"


def _target(one: StandingPointer, key: Owned, states: Mapping[str, str]) -> RelationshipTarget:
    meant = members(key)
    if one.target_document_id is not None:
        by = "id" if meant else _called(one)
        return RelationshipTarget("bound", one.target_document_id, one.target_kind, one.shown, by)
    known = {states[identity] for identity in meant if identity in states}
    if "hidden" in known:
        return RelationshipTarget("hidden", by="id")
    if "deleted" in known:
        return RelationshipTarget("deleted", by="id")
    return RelationshipTarget("several" if one.holders > 1 else "waiting")


def _called(one: StandingPointer) -> str:
    shown = (one.shown, shown_as(one.target_source, one.target_key, one.shown))
    called = {folded(one.target_source, key) for key in shown if key}
    return "key" if folded(one.target_source, one.target_key) in called else "alias"


def _places(value: JSON, told: str, at: str) -> Iterator[tuple[str, str]]:
    """Where a value stands in metadata, as a path, with all that stands there."""
    match value:
        case str() if told and told in value:
            yield at, value
        case Mapping():
            for name, part in value.items():
                yield from _places(part, told, f"{at}.{name}" if at else name)
        case list() | tuple():
            for number, part in enumerate(value):
                yield from _places(part, told, f"{at}[{number}]")
        case _:
            pass
