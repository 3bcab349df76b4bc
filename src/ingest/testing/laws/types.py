"""Laws of what a source publishes: the metadata that it writes, as types told apart by a mark.

What they protect: whoever reads documents and events in TypeScript or by JSON Schema can rely on
the type that a value says it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ingest.published import Family, Member, published
from ingest.published.shape import shape
from ingest.published.typescript import type_of
from ingest.testing.laws.fixtures import Suite


def _families(suite: Suite) -> Iterator[Family]:
    yield from published({suite.source_type: suite.source}).families


def _members(suite: Suite) -> Iterator[Member]:
    for family in _families(suite):
        yield from family.members


def test_a_source_publishes_its_types(suite: Suite) -> None:
    """What is stored of a source is described for whoever reads it.

    Remedy: give `Source` its `document_types` and `event_types`.
    """
    assert suite.source.document_types, "document_types are empty"
    assert suite.source.event_types, "event_types are empty"


def test_every_member_names_its_source_in_every_value(suite: Suite) -> None:
    """A value says whose it is, so that the unions of several sources can be told apart.

    Remedy: each model has `type: Literal["…"] = "…"` with the source's type.
    """
    for member in _members(suite):
        told = shape(member.model)
        named = told["properties"].get("type", {}).get("const")
        assert named == member.source_type, f"{member.name} says type {named!r}"
        assert "type" in told["required"], f"{member.name} may be without its type"


def test_the_members_of_a_source_are_told_apart_by_their_marks(suite: Suite) -> None:
    """A stored value is of exactly one type.

    Remedy: where there are several, each document type has its own `kind`, each event type its own
    `action`, as a `Literal`; one event type may have any other action.
    """
    for family in _families(suite):
        assert overlaps(family.members) == [], f"{family.name}: marks that two members have"


def overlaps(members: tuple[Member, ...]) -> list[object]:
    """Marks that more than one member has; None stands for a mark that is absent."""
    if len(members) == 1:
        return [] if members[0].mark is None else ["marked, though alone"]
    had: Counter[object] = Counter()
    for member in members:
        mark = member.mark
        assert mark is not None, f"{member.name} cannot be told from its neighbours"
        had.update(mark.values or ["any other"])
        had.update([None] if mark.optional else [])
    return [mark for mark, times in had.items() if times > 1]


def test_nothing_that_is_written_is_null(suite: Suite) -> None:
    """A field that is not known is absent, in every value that was ever stored.

    Remedy: an optional field is `… | None = None`, and is written with `exclude_none`.
    """
    for member in _members(suite):
        told = shape(member.model)
        types = [type_of(value, told.get("$defs", {})) for value in told["properties"].values()]
        nullable = [one for one in types if "null" in one.split(" | ")]
        assert not nullable, f"{member.name} writes null: {nullable}"
