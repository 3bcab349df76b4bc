"""Payloads bent at any place: the places, and what may come to stand there."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
"""Any JSON value, and floats that JSON does not have."""


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every value inside, its own first."""
    inside: list[tuple[Any, Any]] = list(value.items()) if isinstance(value, dict) else []
    if isinstance(value, list):
        inside = list(enumerate(value))
    return [path, *(deeper for key, item in inside for deeper in paths(item, (*path, key)))]


def at(payload: Any, path: tuple[Any, ...]) -> Any:
    """What stands there."""
    for key in path:
        payload = payload[key]
    return payload
