"""Values of which very many are made: frozen for mypy, and not once more at run time.

A frozen dataclass sets each field by `object.__setattr__`, three times as dear as an assignment; of
what a delivery costs that was a tenth. mypy refuses whoever assigns to a field (`--strict`, in CI).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def lean(cls: type[T]) -> type[T]:
    """`dataclass(frozen=True, slots=True)` without the check at run time: equal and hashed by its
    fields. For what is made several times for each delivery; anything else is frozen for good.
    """
    return dataclass(slots=True, unsafe_hash=True)(cls)
