"""The skeleton of every batch: one transaction for all, and one bad row does not spoil it.

An error that a row can cause halves the batch until the culprit stands alone and is buried alone.
What the database gave up for its cost is tried again with less beside it, and is buried when it was
alone often enough. A deadlock or a lost connection is nobody's fault: the batch is given back. What
lost a race is read and decided again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from ingest.core.errors import Costly, IngestError, Raced, TransientError
from ingest.core.retry import MAX_OVERRUNS, given_back_s
from ingest.store.engine import BadRow, MissingRow

RACES = 5

Item = TypeVar("Item")
Done = TypeVar("Done")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Steps(Generic[Item, Done]):
    """How a batch of items is brought to its end.

    write: all of it in one transaction, or nothing; what that came to.
    give_back: lets it be tried later, with the error that hindered it.
    bury: the item as it ends with this error, to be committed alone; None where it has ended by
        that. Raises the error where it is buried already.
    overruns: how often the database has given the item up for its cost; None where it is never
        buried for that.
    races: errors of a row that another transaction causes, and the next try mends.
    """

    write: Callable[[Sequence[Item]], Done]
    give_back: Callable[[Sequence[Item], IngestError], None]
    bury: Callable[[Item, IngestError], Item | None]
    overruns: Callable[[Item], int | None] = lambda _item: None
    races: tuple[type[BadRow], ...] = (MissingRow,)


def settle_batch(batch: Sequence[Item], steps: Steps[Item, Done]) -> list[Done]:
    """Commit a batch as one transaction, or, where a row is at fault, as several.

    What each committed part came to; what was given back came to nothing.
    """
    if not batch:
        return []
    try:
        return [steps.write(batch)]
    except steps.races as error:
        steps.give_back(batch, error)
    except BadRow as error:
        if len(batch) > 1:
            middle = len(batch) // 2
            return settle_batch(batch[:middle], steps) + settle_batch(batch[middle:], steps)
        return _bury(batch[0], error, steps)
    except TransientError as error:
        if isinstance(error, Costly) and _is_too_costly(batch, steps):
            return _bury(batch[0], error, steps)
        steps.give_back(batch, error)
    return []


def _bury(culprit: Item, error: IngestError, steps: Steps[Item, Done]) -> list[Done]:
    buried = steps.bury(culprit, error)
    return [] if buried is None else settle_batch([buried], steps)


def _is_too_costly(batch: Sequence[Item], steps: Steps[Item, Done]) -> bool:
    """Whether it stands alone, and the database has given it up often enough."""
    overruns = steps.overruns(batch[0]) if len(batch) == 1 else None
    return overruns is not None and overruns + 1 >= MAX_OVERRUNS


def reason_of(error: IngestError, overruns: int) -> str:
    """Why something is buried, in words for whoever may replay it."""
    if isinstance(error, Costly):
        times = overruns + 1
        return (
            f"given up {times} times for its cost ({error}); replay it once the database has room"
        )
    return str(error)


def raced(run: Callable[[], T], look_again: Callable[[], object]) -> T:
    """What a transaction comes to; one that lost a race is run again, after another look.

    Raises `Raced` where it loses every time.
    """
    for _ in range(RACES - 1):
        try:
            return run()
        except Raced:
            look_again()
    return run()


class Claimed(Protocol):
    """What of a claimed row says when it is tried again."""

    @property
    def id(self) -> int: ...

    @property
    def setbacks(self) -> int: ...

    @property
    def overruns(self) -> int: ...


def waits_s(rows: Sequence[Claimed], error: IngestError) -> dict[int, float]:
    """By id, in how many seconds what was given back is due again: longer with each time."""
    costly = isinstance(error, Costly)
    return {
        row.id: given_back_s(row.id, setbacks=row.setbacks, overruns=row.overruns, costly=costly)
        for row in rows
    }
