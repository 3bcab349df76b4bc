"""Whose the documents of a legacy store are: of which repository. Pure.

Law: a document is said to be of a repository only where no other one can have brought it. Whose it
is otherwise nobody guesses: it stands as an orphan, and the first repository that tells of its path
adopts it, row and all (docs/decisions/0036).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ingest.flows.legacy.repositories import LegacyRepository


@dataclass(frozen=True, slots=True)
class Owner:
    """The repository that the documents of a store are of.

    repository: None where nobody knows. rule: what made it so, where it was not plain. candidates:
    names of those it may be.
    """

    repository: LegacyRepository | None
    rule: str | None = None
    candidates: tuple[str, ...] = ()


def owner_of(linked: Sequence[LegacyRepository]) -> Owner:
    """Of the repositories that are linked to a store, the one that brought its documents.

    The only one; of several the only one that ever brought any.
    """
    if not linked:
        return Owner(None, "no-repository")
    if len(linked) == 1:
        return Owner(linked[0])
    names = tuple(sorted(one.name or one.number for one in linked))
    brought = [one for one in linked if one.ingested]
    if len(brought) == 1:
        return Owner(brought[0], "one-ingested", names)
    return Owner(None, "several-repositories", names)
