"""What happens at the providers: for a while they answer with limits, errors, halves, nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

from chaos.site import Site
from ingest.testing.faults import FaultKind, Faults
from ingest.testing.sample import sample_of

_LASTS_S = (3.0, 8.0)
_SHARE = 0.5
_KINDS: dict[str, tuple[FaultKind, ...]] = {
    "throttled": ("limited", "503 told"),
    "erring": ("500", "502", "503"),
    "broken": ("cut", "torn", "reset"),
    "hanging": ("hang",),
    "dripping": ("drip",),
}


@contextmanager
def throttled(site: Site, chance: Random) -> Iterator[float]:
    """Whoever asks is told to wait."""
    with _weather(site, chance, "throttled") as lasts_s:
        yield lasts_s


@contextmanager
def erring(site: Site, chance: Random) -> Iterator[float]:
    """Errors of its own."""
    with _weather(site, chance, "erring") as lasts_s:
        yield lasts_s


@contextmanager
def broken(site: Site, chance: Random) -> Iterator[float]:
    """Answers that break off."""
    with _weather(site, chance, "broken") as lasts_s:
        yield lasts_s


@contextmanager
def hanging(site: Site, chance: Random) -> Iterator[float]:
    """Answers that do not come."""
    with _weather(site, chance, "hanging") as lasts_s:
        yield lasts_s


@contextmanager
def dripping(site: Site, chance: Random) -> Iterator[float]:
    """Answers that come byte by byte, and not to their end."""
    with _weather(site, chance, "dripping") as lasts_s:
        yield lasts_s


@contextmanager
def _weather(site: Site, chance: Random, kind: str) -> Iterator[float]:
    for name, fake in site.fakes.items():
        sample = sample_of(name)
        assert sample is not None
        faults = Faults(
            chance.randrange(2**32), share=_SHARE, limited=sample.limited, kinds=_KINDS[kind]
        )
        fake.weather = faults.through
    try:
        yield chance.uniform(*_LASTS_S)
    finally:
        for fake in site.fakes.values():
            fake.weather = lambda right: right()
