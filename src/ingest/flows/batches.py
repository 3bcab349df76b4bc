"""Commits a batch as one transaction, and finds by halves the one row that spoils it.

The skeleton of deliveries, look-ups and arrivals, each of which says how in its own `Steps`.
An error that a row can cause halves the batch until the culprit stands alone and is buried alone.
What the database gave up for its cost is tried again with less beside it, and is buried when it was
alone often enough. A deadlock or a lost connection is nobody's fault: the batch is given back. What
lost a race is read and decided again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from ingest.core.errors import Costly, IngestError, Raced, TransientError
from ingest.core.retry import MAX_OVERRUNS, given_back_s
from ingest.store.engine import BadRow, MissingRow

RACES = 5
"""How often a transaction that loses races is run before its batch is given back."""

Item = TypeVar("Item")
Done = TypeVar("Done")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Steps(Generic[Item, Done]):
    """How a batch of items is brought to its end; `Done` is what a committed part came to.

    write: all of it in one transaction of its own, or nothing; what that came to. Raises `BadRow`
        where a row is at fault, `TransientError` where nobody is.
    give_back: lets it be tried later, with the error that hindered it. Called after the rollback.
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

    What each committed part came to, in the order of the batch; what was given back came to
    nothing, so all given back is an empty list. Raises the error of an item that cannot even be
    buried, and what `write` raises beside `BadRow` and `TransientError`; parts that are committed
    by then stay so.
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


def settle_parts(parts: Iterable[Sequence[Item]], steps: Steps[Item, Counter[str]]) -> Counter[str]:
    """Settle batches one after the other; how many items ended in each way."""
    ended: Counter[str] = Counter()
    for part in parts:
        for counted in settle_batch(part, steps):
            ended += counted
    return ended


def _bury(culprit: Item, error: IngestError, steps: Steps[Item, Done]) -> list[Done]:
    buried = steps.bury(culprit, error)
    return [] if buried is None else settle_batch([buried], steps)


def _is_too_costly(batch: Sequence[Item], steps: Steps[Item, Done]) -> bool:
    """Whether it stands alone, and the database has given it up often enough."""
    overruns = steps.overruns(batch[0]) if len(batch) == 1 else None
    return overruns is not None and overruns + 1 >= MAX_OVERRUNS


def reason_of(error: IngestError, overruns: int) -> str:
    """Why something is buried, as whoever may replay it reads it.

    `overruns`: how often it had been given up for its cost before this error.
    """
    if isinstance(error, Costly):
        times = overruns + 1
        return (
            f"given up {times} times for its cost ({error}); replay it once the database has room"
        )
    return str(error)


def raced(run: Callable[[], T], look_again: Callable[[], object]) -> T:
    """What a transaction comes to; one that lost a race is run again, after another look.

    `run` opens and commits it; `look_again` prepares the next try with none open. Raises `Raced`
    where it loses RACES times, and at once what else either of the two raises.
    """
    for _ in range(RACES - 1):
        try:
            return run()
        except Raced:
            look_again()
    return run()


class Claimed(Protocol):
    """A claimed row (a delivery or a look-up), as far as it decides when it is tried again.

    `setbacks`: how often it was given back; `overruns`: how often of these for its cost.
    """

    @property
    def id(self) -> int: ...

    @property
    def setbacks(self) -> int: ...

    @property
    def overruns(self) -> int: ...


def waits_s(rows: Sequence[Claimed], error: IngestError) -> dict[int, float]:
    """By id, in how many seconds what was given back is due again: longer with each time.

    Up to 15 minutes, and up to an hour where the database gave it up for its cost (`core.retry`).
    """
    costly = isinstance(error, Costly)
    return {
        row.id: given_back_s(row.id, setbacks=row.setbacks, overruns=row.overruns, costly=costly)
        for row in rows
    }
