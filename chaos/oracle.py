"""What the rows must be: a plain sequential model. Knows no pipeline, no order of arrival, no I/O.

Law: it hears each fact once, in the order in which things happened, and the last word of a thing
counts. It imports nothing of the program.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from chaos.told import Fact, Link, There, Thing


@dataclass(frozen=True, slots=True)
class Expected:
    """A document that must stand there. bound: its links, by whether their target stands there."""

    told: There
    bound: Mapping[Link, Thing | None]


@dataclass(slots=True)
class Oracle:
    """All that was told of by now. `known`: the last word of each thing, None where it is gone."""

    known: dict[Thing, There | None] = field(default_factory=dict)

    def hear(self, facts: Iterator[Fact] | tuple[Fact, ...]) -> None:
        """These are so from now on."""
        for fact in facts:
            self.known[fact.thing] = fact if isinstance(fact, There) else None

    def documents(self) -> dict[Thing, Expected]:
        """Whatever stands there now, with all that it lives in."""
        standing = {thing: told for thing, told in self.known.items() if told and self._sees(told)}
        keys = {
            (thing[0], key): thing
            for thing, told in standing.items()
            for key in (*told.former, told.key)
        }
        return {
            thing: Expected(
                told,
                {link: keys.get((link.source_type, link.key)) for link in told.links},
            )
            for thing, told in standing.items()
        }

    def _sees(self, told: There) -> bool:
        """Whether nothing that it lives in is gone; what nobody told of is none of its matter."""
        while told.parent is not None and told.parent in self.known:
            above = self.known[told.parent]
            if above is None:
                return False
            told = above
        return True
