"""Notion's JSON as Notion spells it: the fields that we read of events and of objects.

Law: required is only what no document can do without; of all else null, absence and what makes no
sense say the same; what we do not read is tolerated in any form. Answers of API versions
2022-06-28, 2025-09-03 and 2026-03-11 are read alike. Source: the types of `@notionhq/client`.
Performs no I/O.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from ingest.core.canonical import clean
from ingest.core.errors import BadPayload
from ingest.core.times import parse_time, to_micros
from ingest.core.values import JSON
from ingest.sources.contract import Payload
from ingest.sources.notion.ids import dashed

_ENVELOPE = """
    accessible_by api_version attempt_number authors data entity id integration_id subscription_id
    timestamp type workspace_id workspace_name
"""
_DATA = "page_id parent target transcript_id updated_blocks updated_properties"

ENVELOPE_FIELDS = frozenset(_ENVELOPE.split())
"""Every field of an event that we have heard of; another one is drift."""

DATA_FIELDS = frozenset(_DATA.split())


def _uuid(told: str) -> str:
    found = dashed(told)
    if found is None:
        raise ValueError("not a UUID")
    return found


def _or_nothing(value: Any, read: ValidatorFunctionWrapHandler) -> Any:
    try:
        return read(value)
    except ValidationError:
        return None


Id = Annotated[str, AfterValidator(_uuid)]
_LOOSE = WrapValidator(_or_nothing)
Text = Annotated[str | None, _LOOSE]
Flag = Annotated[bool | None, _LOOSE]
Map = Annotated[dict[str, Any] | None, _LOOSE]
Items = Annotated[list[Any] | None, _LOOSE]
"""Nothing depends on these: whatever they cannot be says nothing."""


class _Payload(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True, extra="ignore")


class Entity(_Payload):
    id: Id


class Event(_Payload):
    """What is needed of an event; the rest of it is looked up."""

    entity: Entity


class Object(_Payload):
    """What a page, a database and a comment have in common."""

    id: Id
    last_edited_time: str
    created_time: Text = None
    url: Text = None
    parent: Map = None
    in_trash: Flag = None
    archived: Flag = None
    last_edited_by: Map = None

    @property
    def is_trashed(self) -> bool:
        """`archived` is the older name of `in_trash`, and gone since 2026-03-11."""
        return bool(self.archived if self.in_trash is None else self.in_trash)

    @property
    def version(self) -> int:
        """`last_edited_time` in microseconds: Notion rounds it to the minute, so ties are usual."""
        micros = to_micros(_time(self.last_edited_time, "last_edited_time"))
        if micros < 0:
            raise BadPayload("last_edited_time", "a time before 1970 cannot be a version")
        return micros

    @property
    def created_at(self) -> datetime | None:
        try:
            return parse_time(self.created_time) if self.created_time else None
        except (ValueError, OverflowError):
            return None


class Page(Object):
    properties: Map = None


class Database(Object):
    """`properties` are its columns in answers of versions before 2025-09-03."""

    title: Items = None
    description: Items = None
    data_sources: Items = None
    properties: Map = None


class Comment(Object):
    discussion_id: Text = None
    rich_text: Items = None
    attachments: Items = None
    created_by: Map = None
    display_name: Map = None


P = TypeVar("P", bound=_Payload)


def read(model: type[P], raw: JSON, path: str) -> P:
    """The object at `path`; raises `BadPayload` with the first field that is missing or wrong."""
    if raw is None:
        raise BadPayload(path or "$", "missing")
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        raise _bad_payload(error, path) from error


def text(raw: JSON) -> str | None:
    """A text out of a field that nothing depends on; whatever is no text says nothing."""
    return clean(raw) if isinstance(raw, str) and raw else None


def at(raw: JSON | Payload, *path: str) -> Any:
    """The JSON below these names, None where one of them is not there."""
    for name in path:
        if not isinstance(raw, Mapping):
            return None
        raw = raw.get(name)
    return raw


def member(raw: JSON | Payload, *path: str) -> Payload:
    """The object below these names, an empty one where there is none."""
    found = at(raw, *path)
    return found if isinstance(found, Mapping) else {}


def members(raw: JSON | Payload, *path: str) -> Iterator[Payload]:
    """The objects in the list below these names."""
    found = at(raw, *path)
    for item in found if isinstance(found, list) else ():
        if isinstance(item, Mapping):
            yield item


def _time(told: str, path: str) -> datetime:
    try:
        return parse_time(told)
    except (ValueError, OverflowError):
        raise BadPayload(path, "not an ISO 8601 time") from None


def _bad_payload(error: ValidationError, path: str) -> BadPayload:
    first: dict[str, Any] = dict(error.errors(include_url=False, include_context=False)[0])
    for part in first["loc"]:
        path += f"[{part}]" if isinstance(part, int) else f".{part}"
    path = path.lstrip(".") or "$"
    if first["type"] == "missing" or first["input"] is None:
        return BadPayload(path, "missing")
    problem = str(first["msg"]).removeprefix("Value error, ")
    return BadPayload(path, problem[:1].lower() + problem[1:])
