"""stop-gap until the budget stands"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass
class Spent:
    calls: int = 0


@contextmanager
def asking(budget: object, *, background: bool = False, spent: Spent) -> Iterator[Spent]:
    yield spent
