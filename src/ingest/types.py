"""What is written, as pydantic models, for Python programs that read the tables.

    from ingest.types import document_metadata, relationships

    told = document_metadata(row["source_metadata"])    # the model of its source and kind
    edges = relationships(row["relationships"])         # a DocumentRelationships

Every model is an attribute under the name that `ingest types` publishes it under, and so are the
unions of the seed (`DocumentSourceMetadata`, `EventMetadata`, `SourceConnectionMetadata`) and of
all that is written (`AnyDocumentSourceMetadata`, …), for a `TypeAdapter`. A checker that is to
know a model's fields reads it from its source: `from ingest.sources.<source>.types import …`.
Performs no I/O.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Union

from pydantic import BaseModel, ValidationError

from ingest.core.errors import BadInput
from ingest.core.values import JSON
from ingest.published import Family, Member, Published, published
from ingest.sources.registry import all_sources

__all__ = [
    "connection_metadata",
    "document_metadata",
    "event_metadata",
    "names",
    "relationships",
]


def document_metadata(told: Mapping[str, JSON]) -> BaseModel:
    """A document's `source_metadata`. Raises `BadInput` for what no source here writes."""
    return _read(_published().documents, told)


def event_metadata(told: Mapping[str, JSON]) -> BaseModel:
    """An ingestion event's `event_metadata`. Raises `BadInput` for what no source here writes."""
    return _read(_published().events, told)


def connection_metadata(told: Mapping[str, JSON]) -> BaseModel:
    """A connected source's `source_metadata`. Raises `BadInput` for what no source here has."""
    return _read(_published().connections, told)


def relationships(told: Mapping[str, JSON] | None) -> BaseModel:
    """A document's `relationships`; without any, all parts are None. Raises `BadInput`."""
    return _valid(_published().relationships, told or {})


def names() -> tuple[str, ...]:
    """The names of all models and unions that are attributes of this module, sorted."""
    return tuple(sorted(_attributes()))


def __getattr__(name: str) -> Any:
    """A model, or a union of models."""
    if name.startswith("_") or name not in _attributes():
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; see `names()`")
    return _attributes()[name]


def __dir__() -> list[str]:
    return [*__all__, *names()]


@cache
def _published() -> Published:
    return published(all_sources())


@cache
def _attributes() -> Mapping[str, Any]:
    made = _published()
    found: dict[str, Any] = {made.relationships.__name__: made.relationships}
    for family in made.families:
        found |= {member.name: member.model for member in family.members}
        found[family.name] = _union(family.seeds)
        if family.any_name is not None:
            found[family.any_name] = _union(family.members)
    return found


def _union(members: tuple[Member, ...]) -> Any:
    return Union[tuple(member.model for member in members)]  # noqa: UP007 - made of a tuple


def _read(family: Family, told: Mapping[str, JSON]) -> BaseModel:
    source_type = told.get("type")
    members = [one for one in family.members if one.source_type == source_type]
    for member in members:
        if _fits(member, told):
            return _valid(member.model, told)
    known = ", ".join(dict.fromkeys(one.source_type for one in family.members))
    what = _marked(members, told)
    raise BadInput(
        f"no {family.name} of type {source_type!r}{what} is written by this version (it knows "
        f"{known}): a newer version wrote it, or a source that is not installed here; install that"
    )


def _fits(member: Member, told: Mapping[str, JSON]) -> bool:
    """Whether the mark says that it is of this member."""
    mark = member.mark
    if mark is None:
        return True
    value = told.get(mark.key)
    if value is None:
        return mark.optional
    return value in mark.values if mark.values else value not in mark.others


def _marked(members: list[Member], told: Mapping[str, JSON]) -> str:
    key = next((one.mark.key for one in members if one.mark is not None), None)
    return "" if key is None else f" with {key} {told.get(key)!r}"


def _valid(model: type[BaseModel], told: Mapping[str, JSON]) -> BaseModel:
    try:
        return model.model_validate(told)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join((model.__name__, *map(str, first["loc"])))
        raise BadInput(f"{where}: {first['msg']}; was it written by ingest?") from None
