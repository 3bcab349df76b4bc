"""What every account of a provider has: a fake that plays its API, a clock, and turns to take.

Law: what happens is drawn from the seed alone; only its times are those of today.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Protocol
from uuid import UUID, uuid5

from chaos.told import Happened, Link
from ingest.testing.fakes import Provider

NAMES = UUID("6f1e0f0a-3c1b-4b57-9e0a-2f4d7c9a1b11")
Turn = Callable[[], Happened | None]
"""Something that may happen just now; None where there is nothing that it could happen to."""


@dataclass(slots=True)
class Drawn:
    """What is drawn for one account. numbers: the last one given of each kind."""

    seed: int
    source_type: str
    numbers: Counter[str] = field(default_factory=Counter)
    chance: Random = field(init=False)

    def __post_init__(self) -> None:
        self.chance = Random(f"{self.seed}/{self.source_type}")

    def next(self, of: str) -> int:
        """The next number of a kind, from 1 on."""
        self.numbers[of] += 1
        return self.numbers[of]

    def text(self) -> str:
        """A word that stands in one text and in no other."""
        return f"telling{self.next('text'):07d}"

    def any_of(self, kind: str) -> int:
        """A number of that kind: mostly one that was given, else one that may be given later."""
        return self.chance.randint(1, self.numbers[kind] + 5)

    def uuid(self, name: str) -> str:
        """Of this seed alone."""
        return str(uuid5(NAMES, f"{self.seed}/{self.source_type}/{name}"))

    def turn(self, turns: Sequence[tuple[int, Turn]]) -> Happened:
        """Take one by weight; where it comes to nothing another, and the first one always can."""
        (chosen,) = self.chance.choices(turns, [weight for weight, _ in turns])
        happened = chosen[1]() or turns[0][1]()
        assert happened is not None
        return happened


class Account(Protocol):
    """One account at a provider, connected to the store."""

    @property
    def source_type(self) -> str:
        """Of which source it is."""
        ...

    @property
    def metadata(self) -> Mapping[str, Any]:
        """Of its connection."""
        ...

    @property
    def provider(self) -> Provider:
        """The API that is asked about it."""
        ...

    def happens(self) -> Happened:
        """The next thing. Called while the provider answers nobody."""
        ...


def second() -> str:
    """This second, as `2026-03-02T12:00:00Z`."""
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"


def millisecond() -> str:
    """This millisecond, as `2026-03-02T12:00:00.123Z`."""
    return f"{datetime.now(UTC).isoformat(timespec='milliseconds').removesuffix('+00:00')}Z"


def later(former: str) -> str:
    """This second, or the first one after `former`: nothing happens to one thing twice in it."""
    return max(
        second(), f"{datetime.fromisoformat(former) + timedelta(seconds=1):%Y-%m-%dT%H:%M:%SZ}"
    )


def says(text: str, key: str) -> str:
    """A text that names another thing."""
    return f"It was so again, {text}. See {key}."


def named(source_type: str, key: str, own: str = "") -> frozenset[Link]:
    """The links of such a text; what is said of oneself is none."""
    if key == own:
        return frozenset()
    return frozenset(Link(kind, source_type, key) for kind in ("mention", "relatedTo"))


def issue_of_linear(number: int) -> str:
    """How all of them name an issue of the account at Linear."""
    return f"DEP-{number}"
