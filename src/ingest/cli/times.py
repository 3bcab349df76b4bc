"""A point of time as people write it: a date, a time, or an age (7d: so long ago)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import typer

from ingest.cli.durations import seconds


def given(told: str | None) -> datetime | None:
    """The time, in UTC, which is also meant where no zone is given; None where none is told.

    Raises `typer.BadParameter` for what is no time.
    """
    if told is None:
        return None
    try:
        at = datetime.fromisoformat(told.strip())
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (OverflowError, ValueError):
        return _ago(told)


def _ago(told: str) -> datetime:
    try:
        return datetime.now(UTC) - timedelta(seconds=seconds(told))
    except (typer.BadParameter, OverflowError) as error:
        raise typer.BadParameter(
            f"{told[:40]!r} is no time; write 2026-05-04, 2026-05-04T12:00Z, 24h or 7d"
        ) from error
