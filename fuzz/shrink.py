"""A smaller input that does the same wrong: parts are left out as long as it does."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, cast

from fuzz.target import Value, size
from fuzz.trees import steps, with_at

MOST_S = 5.0
"""Processor time for one finding."""


def shrunk(value: Value, is_same: Callable[[Value], bool]) -> Value:
    """The smallest that was found within `MOST_S`, by leaving out one part after the other."""
    until = time.process_time() + MOST_S
    smaller = True
    while smaller:
        smaller = False
        for tried in _smaller(value):
            if time.process_time() > until:
                return value
            if size(tried) < size(value) and is_same(tried):
                value, smaller = tried, True
                break
    return value


def _smaller(value: Value) -> Iterator[Value]:
    """The same with one part left out, the largest first."""
    yield from _parts(value)
    ways = steps(value)
    for step in ways:
        for part in _smaller(value[step]):
            yield with_at(value, (step,), lambda _old, part=part: part)  # type: ignore[misc]


def _parts(value: Any) -> Iterator[Any]:
    if isinstance(value, str | list):
        length, value = len(value), cast("Any", value)
        while length:
            for start in range(0, len(value), length):
                yield value[:start] + value[start + length :]
            length //= 2
    elif isinstance(value, dict):
        for key in value:
            yield {name: item for name, item in value.items() if name != key}
