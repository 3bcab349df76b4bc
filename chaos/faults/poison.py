"""A payload that takes its worker down: it alone is to end dead, and no other with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

from chaos.accounts.github import poison
from chaos.faults.fault import AT_ONCE
from chaos.site import Site


@contextmanager
def poisoned(site: Site, chance: Random) -> Iterator[float]:
    """One such letter leaves."""
    letter = poison(f"poison-{chance.randrange(2**32):08x}")
    site.deadly.add((letter.source_type, letter.key))
    site.post(letter)
    yield AT_ONCE
