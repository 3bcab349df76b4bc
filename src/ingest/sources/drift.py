"""Drift: the fields of a payload that no published schema of its provider names.

Law: they are kept and reported, never an error; a report is bounded, and can be shown in a log.
Performs no I/O.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from ingest.core.values import JSON

Known: TypeAlias = tuple[str, Mapping[str, JSON], frozenset[str]]
"""An object's name in reports, the object, and the fields of it that are known."""

MOST = 20
"""Names in one report."""
LONGEST = 100
"""Characters of a name that is reported."""


def drift(*objects: Known) -> tuple[str, ...]:
    """The unknown fields as `<object>.<field>`, sorted: the value of `Normalised.drift`.

    What is too long, or cannot be printed, is left out.
    """
    shown = (name for name in unknown(*objects) if len(name) <= LONGEST and name.isprintable())
    return tuple(sorted(shown)[:MOST])


def unknown(*objects: Known) -> Iterator[str]:
    """The same unbounded and in no order.

    One set difference for each object, nothing deeper: it is asked of every delivery.
    """
    for name, told, known in objects:
        for field in told.keys() - known:
            yield f"{name}.{field}"
