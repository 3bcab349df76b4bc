"""Fills templates: everything is escaped, whatever a provider wrote."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import orjson
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from ingest.flows.doctor.findings import span

TEMPLATES = Path(__file__).parent / "templates"
_JSON = orjson.OPT_INDENT_2 | orjson.OPT_NAIVE_UTC | orjson.OPT_UTC_Z


@cache
def templates() -> Environment:
    """The templates of this room, with the filters that they use; each is read once."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters |= {
        "at": at,
        "iso": lambda told: _aware(told).isoformat(),
        "span": span,
        "json": as_json,
        "count": lambda told: f"{told:,}",
        "digits": lambda told: (told or "")[:12],
    }
    return made


def at(told: datetime) -> str:
    """A time as people read it, in UTC."""
    return f"{_aware(told):%Y-%m-%d %H:%M:%S}Z"


def as_json(told: Mapping[str, Any] | list[Any]) -> str:
    """Indented, for people; keys stand as they are stored."""
    return orjson.dumps(told, option=_JSON).decode()


def _aware(told: datetime) -> datetime:
    """What the seed's columns hold has no zone, and is UTC."""
    return told.astimezone(UTC) if told.tzinfo else told.replace(tzinfo=UTC)
