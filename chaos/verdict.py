"""Compares what the oracle says with what the rows are. Performs no I/O.

lost: what was answered and did not come to its end, or stands nowhere. doubled: what is there
twice. wrong: what says something else, is still there, or ended as it must not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from chaos.oracle import Expected
from chaos.rows import Delivery, Document, Rows
from chaos.sender import Heard, Key
from chaos.told import Link, There, Thing

ENDS = frozenset({"processed", "skipped", "duplicate"})


@dataclass(slots=True)
class Verdict:
    """Sentences for people, one for each thing at fault. things: those that they speak of."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    things: set[Thing] = field(default_factory=set)

    def add(self, other: Verdict) -> None:
        """Another one's sentences too."""
        self.lost += other.lost
        self.doubled += other.doubled
        self.wrong += other.wrong
        self.things |= other.things

    @property
    def is_clean(self) -> bool:
        """Whether nothing is at fault."""
        return not (self.lost or self.doubled or self.wrong)


def of_deliveries(heard: Mapping[Key, Heard], deadly: Collection[Key], rows: Rows) -> Verdict:
    """Each that was answered is there once, and came to its end; `deadly` ones to theirs."""
    found = Verdict()
    by_key: dict[Key, list[Delivery]] = {}
    for row in rows.deliveries:
        by_key.setdefault((row.source_type, row.delivery_key), []).append(row)
    ids = {row.id for row in rows.deliveries}
    for key, one in heard.items():
        if not one.rows <= ids:
            found.lost.append(f"delivery {key} was answered and is not stored")
    for key, stored in by_key.items():
        if len(stored) > 1:
            found.doubled.append(f"delivery {key} is stored {len(stored)} times")
        for row in stored:
            _end(found, row, is_deadly=key in deadly)
    found.doubled += [f"event {key}: {n} times" for key, n in rows.events.items() if n > 1]
    return found


def _end(found: Verdict, row: Delivery, *, is_deadly: bool) -> None:
    said = f"delivery {row.source_type} {row.delivery_key} (row {row.id})"
    if row.status == "pending":
        found.lost.append(f"{said} did not end")
    elif is_deadly != (row.status == "dead"):
        found.wrong.append(f"{said} is {row.status}: {row.reason}")


def of_documents(
    when: str, expected: Mapping[Thing, Expected], rows: Rows, unsure: Collection[Thing] = ()
) -> Verdict:
    """What must stand there does, as it was told last, and nothing else; `unsure` things apart.

    when: after what, for people.
    """
    found, stored = Verdict(), {one.thing: one for one in rows.documents}
    often, apart = Counter(one.thing for one in rows.documents), set(unsure)
    for thing in sorted((expected.keys() | stored.keys()) - apart):
        faults = [*_faults(expected.get(thing), stored.get(thing), apart)]
        told = found.wrong if thing in stored else found.lost
        told += [f"{when}: {_said(thing)} {fault}" for fault in faults]
        if often[thing] > 1:
            found.doubled.append(f"{when}: {_said(thing)} is there {often[thing]} times")
        if faults or often[thing] > 1:
            found.things.add(thing)
    return found


def _faults(must: Expected | None, row: Document | None, unsure: set[Thing]) -> Iterator[str]:
    if must is None:
        yield "is gone, and its document is not"
    elif row is None:
        yield "stands nowhere"
    else:
        yield from _of_itself(must.told, row)
        yield from _of_its_text(must.told, row)
        yield from _of_links(must.bound, row.links, unsure)


def _of_itself(told: There, row: Document) -> Iterator[str]:
    if row.key != told.key:
        yield f"is called {row.key}, not {told.key}"
    if told.state is not None and row.metadata.get(told.state[0]) != told.state[1]:
        yield f"{told.state[0]} is {row.metadata.get(told.state[0])!r}, not {told.state[1]!r}"
    if row.parent != told.parent:
        yield f"lives in {row.parent}, not in {told.parent}"
    yield from (f"is not found by {key}" for key in told.former if key not in row.found_by)


def _of_its_text(told: There, row: Document) -> Iterator[str]:
    yield from (f"does not say {words!r}" for words in told.words if words not in row.text)
    yield from (f"still says {words!r}" for words in told.unsaid if words in row.text)


def _of_links(
    must: Mapping[Link, Thing | None], are: Mapping[Link, Thing | None], unsure: set[Thing]
) -> Iterator[str]:
    yield from (f"{link} is missing" for link in must.keys() - are.keys())
    yield from (f"{link} is too much" for link in are.keys() - must.keys())
    for link in must.keys() & are.keys():
        if must[link] != are[link] and not {must[link], are[link]} & unsure:
            yield f"{link} leads to {are[link]}, not to {must[link]}"


def _said(thing: Thing) -> str:
    return " ".join(thing)
