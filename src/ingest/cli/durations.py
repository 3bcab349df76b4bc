"""A span of time as people write it: 30s, 15m, 24h, 7d."""

from __future__ import annotations

import re

import typer

_SPAN = re.compile(r"([0-9]{1,6})([smhd])")
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}


def seconds(told: str) -> float:
    """The span in seconds; raises `typer.BadParameter` for what is none."""
    found = _SPAN.fullmatch(told.strip().lower())
    if found is None:
        raise typer.BadParameter(f"{told[:40]!r} is no span of time; write 30s, 15m, 24h or 7d")
    return int(found[1]) * _SECONDS[found[2]]
