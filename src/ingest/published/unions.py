"""Finds the unions of metadata: which types belong to each, and what tells its members apart.

Each source says which of its types are the seed's; the rest are ours beside them. All of one source
have the same `type`; a `Mark` tells them apart. Performs no I/O.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pydantic import BaseModel

from ingest.core.errors import BrokenSource
from ingest.published.relationships import relationships
from ingest.published.shape import shape
from ingest.sources.contract import Source

DOCUMENT_KEY, EVENT_KEY = "kind", "action"
"""The property that tells the members of one source apart."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What a member's `key` may be: one of `values`, or if there are none any text but `others`.

    optional: it may be absent too.
    """

    key: str
    values: tuple[str, ...]
    optional: bool = False
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Member:
    """One type of metadata; `mark` is None where it is the only one of its source."""

    source_type: str
    model: type[BaseModel]
    is_seeds: bool
    mark: Mark | None = None

    @property
    def name(self) -> str:
        """The name that it is published under."""
        return self.model.__name__


@dataclass(frozen=True, slots=True)
class Family:
    """One column's metadata: the seed's union under the seed's name, and everything we write.

    `any_name` names the union of all members; None where the seed's are all there are.
    """

    name: str
    any_name: str | None
    members: tuple[Member, ...]

    @property
    def seeds(self) -> tuple[Member, ...]:
        """The seed's own members."""
        return tuple(member for member in self.members if member.is_seeds)

    @property
    def has_variants(self) -> bool:
        """Whether any source has several members."""
        return any(member.mark is not None for member in self.members)

    def by_source(self) -> Iterator[tuple[Member, ...]]:
        """The members of each source, in the source's order."""
        for source_type in dict.fromkeys(member.source_type for member in self.members):
            yield tuple(m for m in self.members if m.source_type == source_type)


@dataclass(frozen=True, slots=True)
class Published:
    """Everything that is published."""

    documents: Family
    events: Family
    connections: Family
    relationships: type[BaseModel]

    @property
    def families(self) -> tuple[Family, ...]:
        """The unions, in the order in which they are told."""
        return (self.documents, self.events, self.connections)


def published(sources: Mapping[str, Source]) -> Published:
    """What these sources write; raises `BrokenSource` where two types of it have one name.

    `sources` by their types, as `registry.all_sources` gives them; their order is that of what is
    published.
    """
    documents: list[Member] = []
    events: list[Member] = []
    connections: list[Member] = []
    for source_type, source in sources.items():
        documents += _members(source_type, source, source.document_types, DOCUMENT_KEY)
        events += _members(source_type, source, source.event_types, EVENT_KEY)
        connections += _members(source_type, source, (source.descriptor.connection,), "")
    are_all_the_seeds = all(member.is_seeds for member in connections)
    any_connection = None if are_all_the_seeds else "AnySourceConnectionMetadata"
    made = Published(
        Family("DocumentSourceMetadata", "AnyDocumentSourceMetadata", tuple(documents)),
        Family("EventMetadata", "AnyEventMetadata", tuple(events)),
        Family("SourceConnectionMetadata", any_connection, tuple(connections)),
        relationships(sources),
    )
    _require_own_names(made)
    return made


def _members(
    source_type: str, source: Source, models: Sequence[type[BaseModel]], key: str
) -> Iterator[Member]:
    marks = _marks(models, key) if len(models) > 1 else [None]
    for model, mark in zip(models, marks, strict=False):
        yield Member(source_type, model, is_seeds=model in source.seed_types, mark=mark)


def _require_own_names(made: Published) -> None:
    """Raise `BrokenSource` where two types would be published under one name."""
    unions = [name for family in made.families for name in (family.name, family.any_name) if name]
    whose = dict.fromkeys((*unions, made.relationships.__name__), "the program")
    for member in (member for family in made.families for member in family.members):
        other = whose.setdefault(member.name, member.source_type)
        if other != member.source_type:
            raise BrokenSource(
                f"{member.source_type} publishes a type as {member.name}, and so does {other}; "
                "rename one of them"
            )


def _marks(models: Sequence[type[BaseModel]], key: str) -> list[Mark]:
    shapes = [shape(model) for model in models]
    values = [_literals(told["properties"][key]) for told in shapes]
    named = tuple(value for some in values for value in some)
    return [
        Mark(key, some, optional=key not in told["required"], others=() if some else named)
        for told, some in zip(shapes, values, strict=True)
    ]


def _literals(told: Mapping[str, object]) -> tuple[str, ...]:
    """The texts that a property may be; empty where it is open."""
    if "const" in told:
        return (str(told["const"]),)
    enumerated = told.get("enum")
    return tuple(map(str, enumerated)) if isinstance(enumerated, list) else ()
