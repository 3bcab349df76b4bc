"""How an adapter reads a provider's JSON: the models' bases, and the first fault as `BadPayload`.

Law: strict about what is needed, relaxed about the rest. A field that no document can do without is
required, and what is missing or wrong in it is an error with its JSON path. Of every other field
null, absence and what makes no sense say the same: nothing. Performs no I/O.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Annotated, Any, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    field_validator,
)

from ingest.core.canonical import clean
from ingest.core.errors import BadPayload
from ingest.core.times import parse_time, to_micros
from ingest.core.values import JSON

WHOLE = "$"
"""The path of the whole of what was sent (RFC 9535)."""
_MAPPINGS = (dict, Mapping)
"""The usual one first: for an abstract class `isinstance` takes four times as long."""


class WireModel(BaseModel):
    """Base of a provider's objects; what is not declared is not looked at.

    A provider that writes camelCase adds `ConfigDict(alias_generator=to_camel)`. No error quotes
    what was sent.
    """

    model_config = ConfigDict(hide_input_in_errors=True, extra="ignore")


class LenientModel(WireModel):
    """The same, where junk in an optional field counts as absence: the field has its default then.

    Junk in a required field stays an error.
    """

    @field_validator("*", mode="wrap")
    @classmethod
    def _default_for_junk(
        cls, raw: object, handler: ValidatorFunctionWrapHandler, info: ValidationInfo
    ) -> object:
        try:
            return handler(raw)
        except ValidationError:
            field = cls.model_fields[str(info.field_name)]
            if field.is_required():
                raise
            return field.get_default(call_default_factory=True)


M = TypeVar("M", bound=BaseModel)


def read(model: type[M], raw: JSON | Mapping[str, JSON], path: str = "") -> M:
    """What stands at `path` of what was sent, as the model.

    Raises `BadPayload` with the path of the first field that is missing or wrong. Null is missing.
    """
    if raw is None:
        raise BadPayload(path or WHOLE, "missing")
    if not isinstance(raw, dict) and isinstance(raw, Mapping):
        raw = dict(raw)  # a strict model takes no other mapping
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        raise bad_payload(error, path) from error


def bad_payload(error: ValidationError, path: str) -> BadPayload:
    """The first fault that pydantic found in what stands at `path`, as our error.

    The problem is `missing`, or pydantic's words for it, which do not quote the value.
    """
    first = error.errors(include_url=False, include_context=False)[0]
    place = below(path, first["loc"]) or WHOLE
    if first["type"] == "missing" or first["input"] is None:
        return BadPayload(place, "missing")
    problem = first["msg"].removeprefix("Value error, ")
    return BadPayload(place, problem[:1].lower() + problem[1:])


def below(path: str, steps: tuple[int | str, ...]) -> str:
    """The JSON path that these steps lead to: `data.labels[0].name`.

    `steps` as in `loc` of pydantic's errors: names and places in lists.
    """
    spelled = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)
    return f"{path}{''.join(spelled)}".removeprefix(".")


def unusable(raw: JSON, path: str, problem: str) -> BadPayload:
    """The error for what is needed at `path` and cannot be used: `missing`, or else the problem.

    For fields that are read by hand, beside the models.
    """
    return BadPayload(path, "missing" if raw is None else problem)


# Of fields that nothing depends on; `names` lead to the value, and none of them need be there.


def at(raw: JSON | Mapping[str, JSON], *names: str) -> Any:
    """The JSON value below these names; None where there is none.

    `at(payload, "data", "issue", "id")`. Lists are not gone into.
    """
    return _at(raw, names)


def _at(found: Any, names: tuple[str, ...]) -> Any:
    for name in names:
        if not isinstance(found, _MAPPINGS):
            return None
        found = found.get(name)
    return found


def text(raw: JSON | Mapping[str, JSON], *names: str) -> str | None:
    """A text that can be stored (see `clean`); None for anything else, and for the empty one."""
    found = _at(raw, names) if names else raw
    return clean(found) if isinstance(found, str) and found else None


def nonblank(raw: JSON | Mapping[str, JSON], *names: str) -> str | None:
    """The same where blanks alone say nothing either."""
    found = _at(raw, names) if names else raw
    return clean(found) if isinstance(found, str) and found.strip() else None


def mapping(raw: JSON | Mapping[str, JSON], *names: str) -> Mapping[str, JSON]:
    """An object; an empty one for anything else."""
    found = _at(raw, names) if names else raw
    return found if isinstance(found, _MAPPINGS) else {}


def items(raw: JSON | Mapping[str, JSON], *names: str) -> list[JSON]:
    """A list; an empty one for anything else."""
    found = _at(raw, names) if names else raw
    return found if isinstance(found, list) else []


def objects(raw: JSON | Mapping[str, JSON], *names: str) -> Iterator[Mapping[str, JSON]]:
    """The objects of a list, without what else is in it."""
    return (item for item in items(raw, *names) if isinstance(item, Mapping))


def _or_none(raw: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    try:
        return handler(raw)
    except ValidationError:
        return None


Loose = WrapValidator(_or_none)
"""In an annotation: junk is None, for one field of a model that is else no `LenientModel`."""
Text = Annotated[str | None, Loose]
"""A text as it was sent, the empty one too."""
Nonblank = Annotated[str | None, BeforeValidator(nonblank)]
Object = Annotated[dict[str, Any], BeforeValidator(mapping)]
Id = Annotated[str, Field(pattern=r"^[^\x00-\x20\x7f]+$", max_length=255)]
"""An id that is a text: printable, without blanks, at most 255 characters."""


# Times in ISO 8601.


def time(raw: str, path: str) -> datetime:
    """The time that the text at `path` names, in UTC; raises `BadPayload` where it names none."""
    try:
        return parse_time(raw)
    except (ValueError, OverflowError):
        raise BadPayload(path, "not an ISO 8601 time") from None


def time_if(raw: str | None) -> datetime | None:
    """The same where nothing depends on it: None for what is no time."""
    try:
        return parse_time(raw) if raw else None
    except (ValueError, OverflowError):
        return None


def version(raw: str, path: str) -> int:
    """The time at `path` in microseconds since 1970, as the version of an object.

    Raises `BadPayload` for a time before that: versions are not negative.
    """
    micros = to_micros(time(raw, path))
    if micros < 0:
        raise BadPayload(path, "a time before 1970 cannot be a version")
    return micros
