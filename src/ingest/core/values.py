"""JSON as Python values: the type, and how bytes become it. Performs no I/O."""

from __future__ import annotations

import json
import math
import re
from typing import NoReturn, TypeAlias

import orjson

from ingest.core.canonical import clean_json
from ingest.core.errors import BadPayload

JSON: TypeAlias = "dict[str, JSON] | list[JSON] | str | int | float | bool | None"

MAX_DEPTH = 250
"""Deeper nesting is refused: no provider sends it, and what we store must be writable again."""

MAX_VALUES = 1_000_000
"""More values (objects, lists, texts, numbers) are refused before one is made: an empty list of
three bytes takes a hundred of memory. The largest tree that GitHub answers with has 700,000."""

# What begins a value, or parts two, beside the marks of strings; all other bytes.
_STRUCTURE = b'[{,"'
_OTHER_BYTES = bytes(set(range(256)) - set(_STRUCTURE))
_STRING = re.compile(rb'"[^"]*+"?')
_STRINGS_OF_A_VALUE = 2  # a name, and a text
_CONTROL = re.compile(rb"[\x00-\x1f]")


def loads(raw: bytes, *, raw_controls: bool = False) -> JSON:
    """The value of one JSON document, cleaned of U+0000 and lone surrogates.

    raw_controls: whether control characters (a line feed, a tab) may stand raw in strings, as in a
    template that somebody filled with texts. Raises `BadPayload` with the path `$` for anything
    else: not UTF-8, not JSON, NaN, a number that is too long, nesting over `MAX_DEPTH`, over
    `MAX_VALUES` values.
    """
    raw = raw.removeprefix(b"\xef\xbb\xbf")
    _refuse_number(raw)
    lenient = False
    try:
        value: JSON = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        lenient = raw_controls and _CONTROL.search(raw) is not None
        if not lenient and b"\\ud" not in raw.lower():
            raise BadPayload("$", f"is not JSON: {_short(error)}") from error
        value = _loads_leniently(raw, strict=not lenient)
    if raw.count(b"[") + raw.count(b"{") > MAX_DEPTH:
        _refuse_depth(value)
    return clean_json(value) if lenient or b"\\u" in raw else value


def _refuse_number(raw: bytes) -> None:
    """Count what may begin a value; only where that is too much, what does, outside of strings.

    A value takes a byte at least.
    """
    if len(raw) <= MAX_VALUES or _count(raw) <= MAX_VALUES:
        return
    bare = raw.replace(b"\\\\", b"").replace(b'\\"', b"").translate(None, _OTHER_BYTES)
    strings = bare.count(b'"') // 2
    if strings > _STRINGS_OF_A_VALUE * MAX_VALUES or _count(_STRING.sub(b"", bare)) > MAX_VALUES:
        raise BadPayload("$", f"has more than {MAX_VALUES:,} values")


def _count(raw: bytes) -> int:
    """How many values there are, an empty list or object counted twice; or more than that, where
    strings hold such marks.
    """
    return raw.count(b"[") + raw.count(b"{") + raw.count(b",") + 1


def _loads_leniently(raw: bytes, *, strict: bool) -> JSON:
    """orjson refuses an escaped lone surrogate, which is legal JSON; the standard library reads it,
    and control characters in strings too, unless it shall be strict.

    RFC 8259, section 8.2, allows such strings and leaves their meaning open.
    """
    try:
        value: JSON = json.loads(
            raw.decode(),
            strict=strict,
            parse_constant=_refuse_constant,
            parse_int=_whole,
            parse_float=_fraction,
        )
    except (ValueError, RecursionError) as error:
        raise BadPayload("$", f"is not JSON: {_short(error)}") from error
    return value


def _whole(digits: str) -> int | float:
    """As orjson reads it: what has more than 64 bits is a fraction."""
    number = int(digits)
    return number if -(2**63) <= number < 2**64 else _fraction(digits)


def _fraction(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError("a number is out of range")
    return number


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _refuse_depth(value: JSON) -> None:
    """Level by level rather than by recursion, so that the depth cannot exhaust the stack."""
    level: list[JSON] = [value]
    for _ in range(MAX_DEPTH):
        level = [
            item
            for container in level
            if isinstance(container, dict | list)
            for item in (container.values() if isinstance(container, dict) else container)
            if isinstance(item, dict | list)
        ]
        if not level:
            return
    raise BadPayload("$", f"is nested deeper than {MAX_DEPTH} levels")


def _short(error: Exception) -> str:
    return str(error)[:200]
