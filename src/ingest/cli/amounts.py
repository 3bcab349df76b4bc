"""Amounts as people read them: short, with the unit that fits. Pure."""

from __future__ import annotations

_BYTES = ("B", "KiB", "MiB", "GiB", "TiB")
_COUNTS = ("", " k", " M", " G")


def bytes_(size: int) -> str:
    """Bytes, in the largest unit of which there is one or more: `25 MiB`, `1.9 GiB`."""
    return _told(size, 1024, tuple(f" {unit}" for unit in _BYTES))


def count(rows: int) -> str:
    """Whole below ten thousand, then thousands, millions: `9999`, `12 k`, `10 M`."""
    return str(rows) if rows < 10_000 else _told(rows, 1000, _COUNTS)


def _told(amount: int, step: int, units: tuple[str, ...]) -> str:
    told, place = float(amount), 0
    while round(told) >= step and place < len(units) - 1:
        told, place = told / step, place + 1
    shown = f"{told:.1f}" if place and told < 10 else f"{told:.0f}"
    return f"{shown}{units[place]}"
