"""Where a page ended, as a text that the next request brings back. Performs no I/O."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from datetime import UTC, datetime

import orjson

from ingest.core.errors import BadInput


def position(what: str, parts: Sequence[str]) -> str:
    """The text of a position; `what` was asked, so that it serves for nothing else. URL-safe."""
    return base64.urlsafe_b64encode(orjson.dumps([what, *parts])).decode("ascii").rstrip("=")


def parts_of(text: str, what: str, count: int) -> tuple[str, ...]:
    """The parts of a position. Raises `BadInput` for what is none, or one of another question."""
    try:
        told = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, ValueError) as error:
        raise BadInput(_WRONG) from error
    is_one = isinstance(told, list) and all(isinstance(part, str) for part in told)
    if not is_one or told[:1] != [what] or len(told) != count + 1:
        raise BadInput(_WRONG)
    return tuple(told[1:])


def time_of(text: str) -> datetime:
    """The time that is part of a position. Raises `BadInput`."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError as error:
        raise BadInput("the position holds no time: leave `after` out to begin anew") from error


_WRONG = (
    "the position is not one of this question: give `after` as the page before gave it, with the "
    "same arguments, or leave it out to begin anew"
)
