"""What an account says: to the receiver by letters, and to the oracle by facts. Values alone.

Law: a fact speaks of what a reader of the rows sees, in the words of the provider, and knows
nothing of how a row comes to be.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

POISON = "chaos-poison"
"""A field of a payload that takes the worker down that reads it."""
Thing = tuple[str, str, str]
"""Source type, kind, and the id that the provider gave: what a document is of."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One webhook before it is dated and signed; header names in lower case.

    key: the provider's id of the delivery, the same however often it is sent.
    """

    source_type: str
    key: str
    headers: Mapping[str, str]
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Link:
    """That a text names a thing: of which source, by which key, and how (`mention`, `fixes`, …)."""

    kind: str
    source_type: str
    key: str


@dataclass(frozen=True, slots=True)
class There:
    """The thing stands there, from now on as it is told here.

    key: what people call it by. words: stand in its text; `unsaid` must not, as they are of an
    older text. state: a field of its metadata, where it has one. former: keys that find it too.
    """

    thing: Thing
    key: str
    words: tuple[str, ...]
    unsaid: tuple[str, ...] = ()
    state: tuple[str, str] | None = None
    parent: Thing | None = None
    links: frozenset[Link] = frozenset()
    former: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Gone:
    """The thing stands there no more, and neither does what lives in it."""

    thing: Thing


Fact = There | Gone


@dataclass(frozen=True, slots=True)
class Happened:
    """Something that happened at a provider: what it sends of it, and what is so from then on."""

    letters: tuple[Letter, ...]
    facts: tuple[Fact, ...] = ()
