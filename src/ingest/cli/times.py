"""A point of time as people write it: a date, a time, or an age (7d: so long ago)."""

from __future__ import annotations

from datetime import UTC, datetime

import typer

from ingest.core.spans import moment_of


def given(told: str | None) -> datetime | None:
    """The time, in UTC, which is also meant where no zone is given; None where none is told.

    Raises `typer.BadParameter` for what is no time.
    """
    if told is None:
        return None
    at = moment_of(told, datetime.now(UTC))
    if at is None:
        raise typer.BadParameter(
            f"{told[:40]!r} is no time; write 2026-05-04, 2026-05-04T12:00Z, 24h or 7d"
        )
    return at
