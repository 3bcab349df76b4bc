"""What the demo is made of: letters, which are webhooks, and the actors that send them. No I/O.

A new source joins with one module in `cast`; this file does not change.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from importlib.util import find_spec

from ingest.core.values import JSON
from ingest.demo.fake import Provider
from ingest.sources.registry import all_sources

CAST = "ingest.demo.cast"


@dataclass(frozen=True, slots=True)
class Letter:
    """One webhook, and what becomes of it.

    `arrives` is its place in the order of arrival, which is not the order in which things happened.
    `headers` are the provider's but for the signature; `copies` is how often it is sent. `end` is
    the terminal status that it must reach.
    """

    arrives: int
    says: str
    headers: Mapping[str, str]
    payload: Mapping[str, JSON]
    end: str = "processed"
    copies: int = 1


def undated(letter: Letter, _now: datetime) -> Letter:
    """For providers that sign no time."""
    return letter


@dataclass(frozen=True, slots=True)
class Actor:
    """A source as the story needs it: how it is connected, and what it sends.

    `dated` gives a letter the time of sending, as a provider does that signs it.
    `provider` makes its API with the objects of the story in it; None: nothing is looked up.
    """

    source_type: str
    name: str
    metadata: Mapping[str, JSON]
    letters: tuple[Letter, ...]
    dated: Callable[[Letter, datetime], Letter] = undated
    provider: Callable[[], Provider] | None = None


def cast() -> tuple[Actor, ...]:
    """The actors of all sources, in the order of their names.

    Raises `LookupError` for one that has none.
    """
    silent = [name for name in all_sources() if find_spec(f"{CAST}.{name}") is None]
    if silent:
        raise LookupError(f"the demo has no part for {', '.join(silent)}: write one in {CAST}")
    actors: list[Actor] = [import_module(f"{CAST}.{name}").ACTOR for name in all_sources()]
    return tuple(actors)


def in_order_of_arrival(actors: tuple[Actor, ...]) -> list[tuple[Actor, Letter]]:
    """Every letter with its sender, as the receiver gets them."""
    letters = [(actor, letter) for actor in actors for letter in actor.letters]
    return sorted(letters, key=lambda one: (one[1].arrives, one[0].source_type))
