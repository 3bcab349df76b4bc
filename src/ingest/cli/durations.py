"""A span of time as people write it: 30s, 15m, 24h, 7d."""

from __future__ import annotations

import typer

from ingest.core.spans import seconds_of


def seconds(told: str) -> float:
    """The span in seconds; raises `typer.BadParameter` for what is none."""
    span_s = seconds_of(told)
    if span_s is None:
        raise typer.BadParameter(f"{told[:40]!r} is no span of time; write 30s, 15m, 24h or 7d")
    return span_s
