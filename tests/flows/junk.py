"""Deliveries of every source with one thing in them turned to junk: signed, and never sent so.

What JSON can say and orjson cannot (numbers of any length, lone surrogates) is said too.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from ingest.core.times import from_epoch_ms, parse_time
from ingest.sources.registry import all_sources

FIXTURES = Path(__file__).parent.parent / "sources"
_TOO_LARGE = "a number that no machine holds"
_ABSENT = object()


def _nested(depth: int) -> Any:
    value: Any = 1
    for level in range(depth):
        value = [value] if level % 2 else {"id": value}
    return value


ODD: tuple[Any, ...] = (
    None,
    True,
    "",
    "\x00",
    "\ud800",
    "x" * 70_000,
    "a/../b?c#%2f\n",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59.999-14:00",
    "https://[::1/%zz",
    0,
    -1,
    2**63,
    2**64,
    10**400,
    1e308,
    _TOO_LARGE,
    [],
    {},
    [None],
    {"id": {}},
    {"\x00\udfff": 1, "": ""},
    _nested(200),
    _ABSENT,
)


@dataclass(frozen=True)
class Told:
    """A fixture: what a provider sends. Header names are in lower case."""

    name: str
    headers: Mapping[str, str]
    body: dict[str, Any]


@dataclass(frozen=True)
class Junk:
    """A mutation of a fixture; `what` says where, and what stands there now.

    `sent_at` is set where the provider signs the time.
    """

    what: str
    headers: Mapping[str, str]
    raw: bytes
    sent_at: datetime | None


def fixtures(source_type: str) -> list[Told]:
    """All of a source."""
    found = []
    for path in sorted((FIXTURES / source_type / "fixtures").glob("*.json")):
        told = json.loads(path.read_text())
        headers = {name.lower(): text for name, text in told["headers"].items()}
        found.append(Told(path.stem, headers, told["body"]))
    return found


def junk(source_type: str, most: int) -> list[Junk]:
    """At most so many, spread over each place of each fixture with each odd value."""
    places = [
        (told, path, odd)
        for told in fixtures(source_type)
        for path in _paths(told.body)[1:]
        for odd in range(len(ODD))
    ]
    every = -(-len(places) // most)
    return [_mutated(source_type, *place) for place in places[::every]]


def _mutated(source_type: str, told: Told, path: tuple[Any, ...], odd: int) -> Junk:
    body = deepcopy(told.body)
    holder: Any = body
    for key in path[:-1]:
        holder = holder[key]
    if ODD[odd] is _ABSENT:
        del holder[path[-1]]
    else:
        holder[path[-1]] = ODD[odd]
    raw = json.dumps(body).replace(json.dumps(_TOO_LARGE), "1e999").encode()
    what = f"{told.name} {'.'.join(map(str, path))} ODD[{odd}]"
    return Junk(what, _anew(source_type, told), raw, _sent_at(source_type, told))


def _anew(source_type: str, told: Told) -> dict[str, str]:
    """The headers, with a delivery's id of its own where that stands in one."""
    descriptor = all_sources()[source_type].descriptor
    key = descriptor.delivery_key(told.headers, told.body)
    anew = str(uuid.uuid4())
    return {name: anew if text == key else text for name, text in told.headers.items()}


def _sent_at(source_type: str, told: Told) -> datetime | None:
    time = all_sources()[source_type].descriptor.scheme.time
    if time is None:
        return None
    holder: Mapping[str, Any] = told.headers if time.place == "header" else told.body
    value = holder.get(time.name.lower() if time.place == "header" else time.name)
    if value is None:
        return None
    return parse_time(value) if time.form == "iso" else from_epoch_ms(value)


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inside: list[tuple[Any, Any]] = list(value.items()) if isinstance(value, dict) else []
    if isinstance(value, list):
        inside = list(enumerate(value))
    return [path, *(deeper for key, item in inside for deeper in _paths(item, (*path, key)))]
