"""What commands take from a file: `@FILE`, or `@-` for stdin."""

from __future__ import annotations

import sys
from pathlib import Path

import orjson

from ingest.core.errors import BadInput
from ingest.core.values import JSON

MARK = "@"


def read_bytes(argument: str) -> bytes:
    """The bytes of the file that `@FILE` names; raises `BadInput` where it cannot be read."""
    if not argument.startswith(MARK):
        raise BadInput(f"{argument[:40]!r} is not a file's name; write @FILE, or @- for stdin")
    name = argument.removeprefix(MARK)
    if name == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise BadInput(f"{name} cannot be read: {error.strerror}") from error


def json_object(argument: str, *, what: str) -> dict[str, JSON]:
    """The JSON object in the argument itself, or in the file that `@FILE` names."""
    text = read_bytes(argument) if argument.startswith(MARK) else argument.encode()
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise BadInput(f"{what} is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise BadInput(f"{what} is not a JSON object; write {{…}}")
    return value
