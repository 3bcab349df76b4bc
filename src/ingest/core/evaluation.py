"""How right the relationships of labelled texts are: precision and recall, by kind. Pure.

Law: what a careful reader was in doubt of counts neither way; it is told apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from ingest.core.references import ReferenceKind

KINDS: tuple[ReferenceKind, ...] = ("mention", "resolves", "blockedBy", "dependsOn", "relatedTo")
"""In the order in which they are told."""


class Relation(NamedTuple):
    """A relationship of a text: its kind, and the source and key of what it points at."""

    kind: ReferenceKind
    source: str
    key: str


@dataclass(frozen=True, slots=True)
class Judged:
    """A labelled text, and what was found in it.

    id: of the label, for people. forbidden: keys that may not come out. ambiguous: readers differ.
    """

    id: str
    expected: frozenset[Relation]
    found: frozenset[Relation]
    forbidden: frozenset[str] = frozenset()
    ambiguous: bool = False

    @property
    def missed(self) -> list[Relation]:
        """What was expected and not found."""
        return sorted(self.expected - self.found)

    @property
    def wrong(self) -> list[Relation]:
        """What was found and not expected."""
        return sorted(self.found - self.expected)

    @property
    def forbidden_found(self) -> list[str]:
        """The forbidden keys that came out; `#12` is that number of any repository."""
        keys = {one.key.casefold() for one in self.found}
        return sorted(said for said in self.forbidden if _came_out(said.casefold(), keys))


def _came_out(said: str, keys: Iterable[str]) -> bool:
    return any(key == said or (said.startswith("#") and key.endswith(said)) for key in keys)


@dataclass(frozen=True, slots=True)
class Score:
    """How many relationships were expected, found, and found rightly."""

    expected: int = 0
    found: int = 0
    right: int = 0

    @property
    def precision(self) -> float:
        """The share of what was found that is right; 1 where nothing was found."""
        return self.right / self.found if self.found else 1.0

    @property
    def recall(self) -> float:
        """The share of what was expected that was found; 1 where nothing was expected."""
        return self.right / self.expected if self.expected else 1.0


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The scores of many texts. by_kind, by_source: those of which anything was expected or found.

    ambiguous: of the texts that readers differ about, which are in no other number.
    """

    texts: int
    total: Score
    hard_negative_matches: int
    by_kind: Mapping[str, Score] = field(default_factory=dict)
    by_source: Mapping[str, Score] = field(default_factory=dict)
    ambiguous: Score = Score()


def evaluation_of(judged: Sequence[Judged]) -> Evaluation:
    """The scores, each over all texts together: a text with more relationships weighs more."""
    certain = [one for one in judged if not one.ambiguous]
    return Evaluation(
        texts=len(judged),
        total=_score(certain, lambda _: True),
        hard_negative_matches=sum(len(one.forbidden_found) for one in judged),
        by_kind=_scores(certain, KINDS, lambda relation: relation.kind),
        by_source=_scores(certain, _sources(certain), lambda relation: relation.source),
        ambiguous=_score([one for one in judged if one.ambiguous], lambda _: True),
    )


def _sources(judged: Iterable[Judged]) -> list[str]:
    return sorted({r.source for one in judged for r in one.expected | one.found})


def _scores(
    judged: Sequence[Judged], names: Iterable[str], name_of: Callable[[Relation], str]
) -> dict[str, Score]:
    every = {name: _score(judged, _is(name, name_of)) for name in names}
    return {name: score for name, score in every.items() if score != Score()}


def _is(name: str, name_of: Callable[[Relation], str]) -> Callable[[Relation], bool]:
    return lambda relation: name_of(relation) == name


def _score(judged: Iterable[Judged], counts: Callable[[Relation], bool]) -> Score:
    expected = found = right = 0
    for one in judged:
        told, came = {*filter(counts, one.expected)}, {*filter(counts, one.found)}
        expected, found, right = expected + len(told), found + len(came), right + len(told & came)
    return Score(expected, found, right)
