"""Reads the columns of legacy rows: texts, numbers, and times without a zone. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from ingest.flows.legacy.lines import Row, Value
from ingest.flows.legacy.reporting import Notes


def text(row: Row, name: str) -> str | None:
    """A text; None where the column is not there, null, or no text."""
    told = row.get(name)
    return told if isinstance(told, str) else None


def number(row: Row, name: str, otherwise: int) -> int:
    """A whole number."""
    told = row.get(name)
    return told if isinstance(told, int) and not isinstance(told, bool) else otherwise


def flag(row: Row, name: str, *, otherwise: bool) -> bool:
    """Yes or no."""
    told = row.get(name)
    return told if isinstance(told, bool) else otherwise


def needed(row: Row, name: str, notes: Notes, otherwise: str) -> str:
    """A text that must be there; where it is not, `otherwise`, which is noted."""
    told = text(row, name)
    if told is not None:
        return told
    notes.guessed("absent-column", name, None, otherwise)
    return otherwise


def readable(told: Value) -> datetime | None:
    """The time that a column without a zone holds; None for `infinity`, and outside 1 to 9999."""
    try:
        return datetime.fromisoformat(told) if isinstance(told, str) else None
    except ValueError:
        return None


def time(row: Row, name: str, notes: Notes, others: Iterable[str], otherwise: str) -> str:
    """A time as the row has it. One that nobody can read is the first of `others`, by column, that
    can be read, or `otherwise`.
    """
    told = row.get(name)
    if isinstance(told, str) and readable(told) is not None:
        return told
    known = (one for other in others if readable(one := row.get(other)) is not None)
    found = next((one for one in known if isinstance(one, str)), otherwise)
    if told is None:
        notes.guessed("absent-column", name, None, found)
    else:
        notes.changed("unreadable-time", name, told, found)
    return found


def time_if(row: Row, name: str, notes: Notes) -> str | None:
    """A time that may be null; one that nobody can read is."""
    told = row.get(name)
    if told is None or (isinstance(told, str) and readable(told) is not None):
        return told if isinstance(told, str) else None
    notes.changed("unreadable-time", name, told, None)
    return None


def name_unknown(row: Row, known: Collection[str], notes: Notes) -> None:
    """Say which columns have no place in our schema, and what they hold; the archive keeps them."""
    for name, told in beside(row, known).items():
        notes.changed("unknown-column", name, told)


def beside(row: Row, known: Collection[str]) -> dict[str, Value]:
    """The columns that are none of the known ones, and hold something."""
    return {name: told for name, told in row.items() if name not in known and told is not None}
