"""JSON values bent at any place: left out, of another kind, doubled, nested, moved.

Law: a value that was given is never changed; what is bent is copied along its path alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from fuzz import texts

Path = tuple[str | int, ...]

MANY = 10_000
NUMBERS: tuple[Any, ...] = (
    0,
    -1,
    1,
    2**31,
    2**53,
    2**63 - 1,
    2**63,
    -(2**63),
    2**64,
    10**30,
    10**400,
    0.5,
    -0.0,
    1e-320,
    1e308,
    253402300800,
    253402300800000,
)
EMPTY: tuple[Any, ...] = (None, True, False, "", [], {}, [None], [[]], {"id": {}}, {"": ""})
DEPTHS = (1, 2, 3, 200, 248, 249, 250, 251, 252)


def at(value: Any, path: Path) -> Any:
    """What stands there."""
    for step in path:
        value = value[step]
    return value


def with_at(value: Any, path: Path, change: Callable[[Any], Any]) -> Any:
    """A copy with what `change` makes of the value at that place."""
    if not path:
        return change(value)
    step, rest = path[0], path[1:]
    copy: Any = list(value) if isinstance(value, list) else dict(value)
    copy[step] = with_at(value[step], rest, change)
    return copy


def steps(value: Any) -> Sequence[str | int]:
    """The ways one step down."""
    if isinstance(value, dict):
        return list(value)
    return range(len(value)) if isinstance(value, list) else ()


def any_path(rng: Random, value: Any, *, below: int = 0) -> Path:
    """A place anywhere inside, no higher than `below` steps where there is one."""
    path: list[str | int] = []
    while ways := steps(value):
        if len(path) >= max(1, below) and rng.random() < 0.2:
            break
        step = rng.choice(ways)
        path.append(step)
        value = value[step]
    return tuple(path)


MOST = 2**1_000
"""What is multiplied further is no float any more, and in the end no text."""


def leaf(rng: Random, value: Any) -> Any:
    """A value of any kind in the place of another."""
    drawn = rng.random()
    if drawn < 0.4:
        return texts.bent(rng, value) if isinstance(value, str) else texts.text(rng)
    if drawn < 0.6:
        return rng.choice(NUMBERS)
    if drawn < 0.7 and isinstance(value, int | float) and abs(value) < MOST:
        return value * rng.choice((-1, 2, 1000, 2**32, 0.5))
    if drawn < 0.75:
        return nested(rng.choice(DEPTHS))
    return rng.choice(EMPTY)


def nested(depth: int) -> Any:
    """Lists and objects inside one another."""
    value: Any = 1
    for level in range(depth):
        value = [value] if level % 2 else {"id": value}
    return value


def bent(rng: Random, value: Any, others: Sequence[Any], *, below: int = 0) -> Any:
    """A value with one thing in it changed; `others` are those from which parts are taken."""
    path = any_path(rng, value, below=below)
    if len(path) < below or not path:
        return value
    change = rng.choice(_CHANGES)
    return with_at(value, path[:-1], lambda held: change(rng, held, path[-1], others))


def _replaced(rng: Random, held: Any, step: Any, _others: Sequence[Any]) -> Any:
    return with_at(held, (step,), lambda value: leaf(rng, value))


def _removed(_rng: Random, held: Any, step: Any, _others: Sequence[Any]) -> Any:
    copy: Any = list(held) if isinstance(held, list) else dict(held)
    del copy[step]
    return copy


def _repeated(rng: Random, held: Any, step: Any, _others: Sequence[Any]) -> Any:
    """An item many times, or a value as a list of it."""
    times = rng.choice((2, 2, 3, 50, 1_000, MANY))
    value = held[step]
    if len(str(value)) * times > 2**20:
        times = 2
    if isinstance(held, list):
        return [*held[:step], *[value] * times, *held[step + 1 :]]
    return with_at(held, (step,), lambda value: [value] * times)


def _wrapped(rng: Random, held: Any, step: Any, _others: Sequence[Any]) -> Any:
    if rng.random() < 0.5:
        return with_at(held, (step,), lambda value: [value])
    return with_at(held, (step,), lambda value: {rng.choice(("id", "type", "a")): value})


def _renamed(rng: Random, held: Any, step: Any, _others: Sequence[Any]) -> Any:
    if not isinstance(held, dict):
        return list(reversed(held))
    name = texts.text(rng, most=texts.LONG) if rng.random() < 0.5 else rng.choice([*held])
    return {name if key == step else key: value for key, value in held.items()}


def _added(rng: Random, held: Any, step: Any, _others: Sequence[Any]) -> Any:
    if isinstance(held, list):
        return [*held, leaf(rng, held[step])]
    return {**held, texts.text(rng, most=texts.SHORT): leaf(rng, held[step])}


def _grafted(rng: Random, held: Any, step: Any, others: Sequence[Any]) -> Any:
    """Something that stands in another value, under the same name where there is one."""
    other = rng.choice(others)
    found = at(other, any_path(rng, other))
    return with_at(held, (step,), lambda _value: found)


def _swapped(rng: Random, held: Any, step: Any, _others: Sequence[Any]) -> Any:
    other = rng.choice(steps(held))
    taken = held[other]
    return with_at(held, (step,), lambda _value: taken)


_CHANGES = (
    _replaced,
    _replaced,
    _replaced,
    _replaced,
    _removed,
    _removed,
    _repeated,
    _wrapped,
    _renamed,
    _added,
    _grafted,
    _swapped,
)


def longer(value: Any, path: Path, times: int) -> Any:
    """A value with the text or the list at a place repeated."""
    return with_at(value, path, lambda found: found * times)


def growing(rng: Random, value: Any) -> Path | None:
    """A place that can grow: a text or a list; None where the way that was tried led to none."""
    path = any_path(rng, value)
    while True:
        found = at(value, path)
        if isinstance(found, str | list) and found:
            return path
        if not path:
            return None
        path = path[:-1]
