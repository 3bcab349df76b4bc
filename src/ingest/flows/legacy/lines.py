"""The lines of an archive: JSON in which no number loses a digit. Performs no I/O."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from functools import partial
from typing import NoReturn, TypeAlias

Value: TypeAlias = "dict[str, Value] | list[Value] | str | int | Decimal | bool | None"
"""JSON as an archive's rows hold it. A number with a fraction or an exponent is a `Decimal`, and so
is one of more than 4,000 digits."""
Row: TypeAlias = dict[str, Value]
"""A row by the names of its columns."""

_LONGEST_INT = 4_000
"""Digits; Python refuses to read 4,301 as an int."""


def parse(line: bytes) -> Row:
    """The row of a line.

    Raises `ValueError` with what is wrong: not UTF-8, not JSON, no object, or nested deeper than
    can be read.
    """
    try:
        value = _read(line.decode("utf-8"))
    except RecursionError as error:
        raise ValueError("nested too deeply to be read") from error
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - what is wrong is the line
    return value


def _read(text: str) -> Value:
    try:
        return _QUICKLY.decode(text)  # type: ignore[no-any-return] # theirs is Any
    except json.JSONDecodeError:
        raise
    except ValueError:  # an integer of too many digits
        return _SLOWLY.decode(text)  # type: ignore[no-any-return] # as above


def _not_json(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")


def _integer(digits: str) -> int | Decimal:
    return int(digits) if len(digits) <= _LONGEST_INT else Decimal(digits)


_QUICKLY = json.JSONDecoder(parse_float=Decimal, parse_constant=_not_json)
_SLOWLY = json.JSONDecoder(parse_float=Decimal, parse_int=_integer, parse_constant=_not_json)


def to_json(value: Value | Mapping[str, Value]) -> str:
    """The JSON text of a value, with every digit of its numbers; fit for a `jsonb` parameter."""
    match value:
        case Decimal():
            return str(value)
        case dict():
            members = (f"{_text(name)}: {to_json(member)}" for name, member in value.items())
            return f"{{{', '.join(members)}}}"
        case list():
            return f"[{', '.join(map(to_json, value))}]"
        case _:
            return _text(value)


_text = partial(json.dumps, ensure_ascii=False)
