"""Where a list of Zendesk's stands, as its cursor keeps it: small JSON that a later version reads.

Law: what a cursor says and nobody can read begins its list anew; it is never a dead end. Performs
no I/O.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Self

from pydantic import TypeAdapter, ValidationError

from ingest.core.values import JSON

MOST_RESTARTS = 5
"""So often a list whose cursor is refused begins again from what it has shown, before it fails."""
_READERS: dict[str, TypeAdapter[Any]] = {}


@dataclass(frozen=True, slots=True)
class _Kept:
    """Base of what is kept as JSON, an object of the fields."""

    @classmethod
    def read(cls, told: JSON) -> Self | None:
        """What was kept; None where that is nothing, or nothing of this form."""
        try:
            kept: Self | None = None if told is None else cls._reader().validate_python(told)
        except ValidationError:
            return None
        return kept

    @classmethod
    def _reader(cls) -> TypeAdapter[Any]:
        """Made once for each form: that takes longer than many pages."""
        known = _READERS.get(cls.__name__)
        if known is None:
            known = _READERS[cls.__name__] = TypeAdapter(cls)
        return known

    @property
    def json(self) -> JSON:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class ExportEnd(_Kept):
    """What a complete listing of tickets leaves for the next one.

    after: the export's own cursor. until: when the listing began, Unix seconds: what had not moved
    by then was shown by it, or by one before it; None where those did not begin with the first
    ticket.
    """

    after: str
    until: int | None = None


@dataclass(frozen=True, slots=True)
class ExportPosition(_Kept):
    """Where a listing of tickets stands.

    start: Unix seconds, from which it is asked where `after`, the export's cursor, is none.
    began: when the listing did. todo: tickets of its last page that are still to be told. ended:
    that page was the last one. shown: the newest `generated_timestamp` so far. known: `until` of
    the listing before: what has not moved since is not told again, but for those whose turn it is
    on this `day`. whole: this one and all before it began with the first ticket.
    """

    start: int
    began: int
    after: str | None = None
    todo: list[int] = field(default_factory=list)
    ended: bool = False
    shown: int | None = None
    known: int | None = None
    whole: bool = False
    day: int = 0
    restarts: int = 0


@dataclass(frozen=True, slots=True)
class ArticlesPosition(_Kept):
    """Where a listing of articles stands: the whole list's cursor, or the export's time.

    start: Unix seconds; None: the whole list. todo: articles that are still to be read.
    """

    start: int | None = None
    after: str | None = None
    todo: list[int] = field(default_factory=list)
    ended: bool = False
    restarts: int = 0


@dataclass(frozen=True, slots=True)
class LogPosition(_Kept):
    """Where a walk through a webhook's log stands: its next page, and failures still to be read.

    todo: ids of invocations, and when each was tried last.
    """

    after: str | None = None
    todo: list[tuple[str, str]] = field(default_factory=list)
