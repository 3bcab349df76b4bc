"""`ingest.types`: what is written, as models of Python; judged by what every delivery means."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from ingest import types as published_types
from ingest.core.errors import BadInput
from ingest.published import Published
from ingest.sources.metadata import Metadata
from tests.types.written import meant, of_family, with_fixtures

READERS: Mapping[str, Callable[[Mapping[str, Any]], BaseModel]] = {
    "documents": published_types.document_metadata,
    "events": published_types.event_metadata,
}


@pytest.mark.parametrize("column", READERS)
def test_what_is_written_is_read_as_its_own_type_and_nothing_is_lost(
    types: Published, column: str
) -> None:
    family = getattr(types, column)
    values = of_family(family, meant(with_fixtures())[column].values())
    assert values
    union = TypeAdapter(getattr(published_types, family.any_name))
    for one in values:
        read = READERS[column](one.value)
        assert type(read).__name__ == one.type
        assert isinstance(read, Metadata)
        assert read.told() == one.value
        assert type(union.validate_python(one.value)).__name__ == one.type


def test_each_model_and_union_is_an_attribute(types: Published) -> None:
    members = {m.name for family in types.families for m in family.members}
    unions = {n for family in types.families for n in (family.name, family.any_name) if n}
    assert {*published_types.names()} == members | unions | {types.relationships.__name__}
    assert {*published_types.names()} <= {*dir(published_types)}
    for family in types.families:
        for member in family.members:
            assert getattr(published_types, member.name) is member.model


def test_a_name_that_nothing_has_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'LinaerDocMetadata'; see `names"):
        _ = published_types.LinaerDocMetadata


def test_relationships_are_read_and_may_be_missing() -> None:
    told: dict[str, Any] = {
        "mentions": {"linear": ["ENG-1"]},
        "graph": {"blockedBy": ["linear:ENG-1"]},
        "temporal": {"commitSha": "a" * 40},
    }
    read = published_types.relationships(told)
    assert read.model_dump(by_alias=True, exclude_none=True) == told
    assert published_types.relationships(None).model_dump(exclude_none=True) == {}


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"type": "nobody"}, "of type 'nobody' is written by this version"),
        ({}, "of type None is written"),
        ({"type": "linear", "kind": "spaceship"}, "of type 'linear' with kind 'spaceship' is"),
        ({"type": "linear", "kind": "issue"}, "LinearDocMetadata.id: Field required"),
    ],
)
def test_what_was_not_written_here_is_told_with_the_reason(
    told: Mapping[str, Any], said: str
) -> None:
    with pytest.raises(BadInput, match=said):
        published_types.document_metadata(told)


def test_an_error_says_nothing_of_the_value() -> None:
    with pytest.raises(BadInput) as caught:
        published_types.document_metadata(
            {"type": "linear", "kind": "issue", "id": {"x": "SECRET"}}
        )
    assert "SECRET" not in str(caught.value)
    assert not isinstance(caught.value.__cause__, ValidationError)
