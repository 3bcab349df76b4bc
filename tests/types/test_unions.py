"""The unions over all sources that are there; what holds for each alone is a law of its own."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
from pydantic import BaseModel

from ingest.core.errors import BrokenSource
from ingest.published import Family, Mark, Published, json_schema, published, typescript
from ingest.sources.registry import all_sources
from ingest.testing.laws.types import overlaps

FAMILIES = ("documents", "events", "connections")
every_family = pytest.mark.parametrize("family", FAMILIES, indirect=True)


@pytest.fixture
def family(request: pytest.FixtureRequest, types: Published) -> Family:
    found: Family = getattr(types, request.param)
    return found


@every_family
def test_the_members_of_a_source_are_told_apart_by_their_marks(family: Family) -> None:
    for members in family.by_source():
        assert overlaps(members) == [], "two members that one value could be"
        seeds = [member for member in members if member.is_seeds]
        assert seeds in ([], [members[0]])


@every_family
def test_the_seeds_unions_hold_the_seeds_members_and_no_others(family: Family) -> None:
    """Bug: the first types of a seventh source were taken for the seed's."""
    told = (Path(__file__).parent / "seed.ts").read_text("utf-8")
    (union,) = re.findall(rf"^export type {family.name} =([^;]*);", told, re.MULTILINE)
    assert {member.name for member in family.seeds} == set(re.findall(r"\w+", union))


def test_names_are_the_programs_own(types: Published) -> None:
    names = Counter(
        name
        for family in types.families
        for name in (family.name, family.any_name, *(member.name for member in family.members))
    )
    assert names.most_common(1)[0][1] == 1


class AcmeDocMetadata(BaseModel):
    type: Literal["acme"] = "acme"


class AcmeEventMetadata(BaseModel):
    type: Literal["acme"] = "acme"


class AcmeSourceMetadata(BaseModel):
    type: Literal["acme"] = "acme"


def _with_acme(*documents: type[BaseModel]) -> Published:
    """The seed's sources, and one that the seed has never heard of."""
    seeds = {name: source for name, source in all_sources().items() if source.seed_types}
    like_it = next(iter(seeds.values()))
    acme = replace(
        like_it,
        descriptor=replace(like_it.descriptor, source_type="acme", connection=AcmeSourceMetadata),
        document_types=documents,
        event_types=(AcmeEventMetadata,),
        seed_types=frozenset(),
    )
    return published({**seeds, "acme": acme})


def test_beside_another_source_the_seeds_types_stay_what_they_are() -> None:
    seeds = {name: source for name, source in all_sources().items() if source.seed_types}
    alone, beside = published(seeds), _with_acme(AcmeDocMetadata)
    for before, after in zip(alone.families, beside.families, strict=True):
        assert (after.name, after.seeds) == (before.name, before.seeds)
        assert len(after.members) == len(before.members) + 1
    assert alone.connections.any_name is None
    told = typescript(beside)
    assert "export type AnySourceConnectionMetadata =" in told
    assert "  | AcmeSourceMetadata;" in told
    assert "AnyAcmeSourceMetadata" not in told
    assert "AnySourceConnectionMetadata" in json_schema(beside)["$defs"]


def test_two_types_under_one_name_are_refused_with_both_sources_named() -> None:
    taken = next(iter(published(all_sources()).documents.seeds))
    for name in (taken.name, "EventMetadata", "DocumentRelationships"):
        model = type(name, (AcmeDocMetadata,), {})
        with pytest.raises(BrokenSource, match=f"publishes a type as {name}, and so does"):
            _with_acme(model)


def test_an_open_mark_is_any_text_but_its_neighbours(types: Published) -> None:
    opened = [m for m in types.events.members if m.mark is not None and not m.mark.values]
    for member in opened:
        neighbours = [m for m in types.events.members if m.source_type == member.source_type]
        closed = [value for m in neighbours if m.mark is not None for value in m.mark.values]
        assert member.mark == Mark("action", (), optional=False, others=tuple(closed))
