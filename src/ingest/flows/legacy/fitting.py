"""Whether a value of an archive's row can have come out of its column. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from ingest.flows.legacy.lines import Value
from ingest.flows.legacy.manifest import ArchivedColumn

Fits = Callable[[Value], bool]

_VARCHAR = re.compile(r"character varying\((\d+)\)")
_TIMESTAMP = re.compile(r"-?\d{4,}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?( BC)?|-?infinity")
"""As PostgreSQL writes one without a zone into JSON."""
_BITS: Mapping[str, int] = {"smallint": 16, "integer": 32, "bigint": 64}


def of(column: ArchivedColumn, enums: Mapping[str, Sequence[str]]) -> Fits:
    """The look at the values of a column; a type that we have no rule for takes everything.

    `enums`: the values of each enum, by its type's name.
    """
    fits = _of_type(column.type, enums)
    if not column.nullable:
        return lambda value: value is not None and fits(value)
    return lambda value: value is None or fits(value)


def _of_type(name: str, enums: Mapping[str, Sequence[str]]) -> Fits:
    if found := _VARCHAR.fullmatch(name):
        longest = int(found[1])
        return lambda value: isinstance(value, str) and len(value) <= longest
    if name in _BITS:
        most = 2 ** (_BITS[name] - 1)
        return lambda value: type(value) is int and -most <= value < most
    if name in enums:
        values = frozenset(enums[name])
        return lambda value: isinstance(value, str) and value in values
    return _BY_TYPE.get(name, _anything)


def _anything(_: Value) -> bool:
    return True


def _is_text(value: Value) -> bool:
    return isinstance(value, str)


def _is_timestamp(value: Value) -> bool:
    return isinstance(value, str) and _TIMESTAMP.fullmatch(value) is not None


_BY_TYPE: Mapping[str, Fits] = {
    "text": _is_text,
    "character varying": _is_text,
    "boolean": lambda value: isinstance(value, bool),
    "timestamp without time zone": _is_timestamp,
}
