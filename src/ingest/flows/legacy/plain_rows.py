"""Brings rows in that stand for themselves: what is not there is written, what is there stays.

One transaction for a batch. A batch that is brought in again, or an archive, changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import orjson
import sqlalchemy as sa

from ingest.flows.legacy.lines import Row, Value, to_json
from ingest.flows.legacy.reporting import Notes
from ingest.flows.legacy.target import ImportTarget
from ingest.store import legacy_rows


@dataclass(slots=True)
class MadeRow:
    """A legacy row and ours; `row` is None where it is refused."""

    notes: Notes
    row: dict[str, Value] | None


Rival = Callable[[MadeRow, str], None]
"""Hears that another row, of this id, has what can be there only once."""


@dataclass(frozen=True, slots=True)
class RowKind:
    """A table that rows are brought into.

    unique: columns that are unique together, and what is done about a row that has them too.
    counted: columns that move by themselves, in which a row that stands may differ.
    """

    logical: str
    table: str
    unique: Mapping[tuple[str, ...], Rival] = field(default_factory=dict)
    counted: tuple[str, ...] = ()


def text_of(rows: Sequence[Mapping[str, Value]]) -> str:
    """Rows as the text of a JSON array, with every digit of their numbers."""
    try:
        return orjson.dumps(rows, default=_digits).decode()
    except orjson.JSONEncodeError:  # an integer of more than 64 bits
        return f"[{','.join(map(to_json, rows))}]"


def _digits(value: object) -> orjson.Fragment:
    if isinstance(value, Decimal):
        return orjson.Fragment(str(value))
    raise TypeError(f"{type(value).__name__} is no JSON")


def write(
    conn: sa.Connection | None, target: ImportTarget, kind: RowKind, made: Sequence[MadeRow]
) -> list[MadeRow]:
    """Write those that are not refused and not there; which of them were new.

    Says of each what is in its way, or what stands here otherwise. In the caller's transaction.
    """
    if conn is None:
        return _left(made)
    for unique, rival in kind.unique.items():
        _meet_rivals(conn, kind, _left(made), unique, rival)
    here = _standing(conn, kind, _left(made))
    fresh = [one for one in _left(made) if one.notes.id not in here]
    if fresh and not target.is_dry:
        rows = [one.row for one in fresh if one.row is not None]
        legacy_rows.insert(conn, kind.table, text_of(rows), [*rows[0]])
    return fresh


def say(
    target: ImportTarget, kind: RowKind, made: Sequence[MadeRow], fresh: Sequence[MadeRow]
) -> None:
    """Count a batch, after its commit."""
    for one in made:
        target.tally.row(one.notes)
    target.tally.written[kind.logical] += len(fresh)


def _left(made: Sequence[MadeRow]) -> list[MadeRow]:
    return [one for one in made if one.row is not None and not one.notes.is_refused]


def _meet_rivals(
    conn: sa.Connection,
    kind: RowKind,
    made: Sequence[MadeRow],
    unique: tuple[str, ...],
    rival: Rival,
) -> None:
    rows = [one.row for one in made if one.row is not None]
    if not rows:
        return
    found = legacy_rows.rivals(conn, kind.table, text_of(rows), unique)
    for one in made:
        if one.notes.id in found:
            rival(one, found[one.notes.id])


def _standing(conn: sa.Connection, kind: RowKind, made: Sequence[MadeRow]) -> set[str]:
    rows = {one.notes.id: one for one in made}
    told = [one.row for one in made if one.row is not None]
    if not told:
        return set()
    compared = [name for name in told[0] if name not in kind.counted]
    here = legacy_rows.standing(conn, kind.table, text_of(told), compared)
    for id_, differing in here.items():
        row = rows[id_].row or {}
        for name, value in differing.items():
            stands: Any = value
            rows[id_].notes.kept("differs-here", name, row.get(name), stands)
    return set(here)


def notes_of(logical: str, row: Row) -> Notes:
    """What is to be said of a row, by its id."""
    return Notes(logical, str(row.get("id")))


def taken(made: MadeRow, other: str) -> None:
    """A rival that stands for the row, so that the row does not come over."""
    made.notes.refused("taken-here", "id", made.notes.id, other)
