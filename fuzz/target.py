"""What is fuzzed: a target has inputs to begin with, a way to bend one, and a law."""

from __future__ import annotations

import json
import signal
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from types import FrameType
from typing import Any

Value = Any
"""Any input, as JSON can write it: texts may hold lone surrogates, numbers may be of any size."""

LONGEST_S = 20.0
"""Processor time of one input, before it is taken to have no end."""


class Broken(AssertionError):
    """A law that an input broke."""


class Endless(BaseException):
    """An input took too long; no `except Exception` on the way keeps it."""


def hold(law: bool, told: str) -> None:
    """Raise `Broken` where a law does not hold."""
    if not law:
        raise Broken(told)


@dataclass(frozen=True)
class Target:
    """One thing that reads what strangers send.

    seeds: inputs to begin with; not empty. bend: one input made of another; `others` are those from
        which it may take parts.
    check: raises nothing for an input that ends as it may. Pure: an input is judged the same again.
    grows: whether its time is compared with the size of what is put in.
    """

    name: str
    seeds: Sequence[Value]
    bend: Callable[[Random, Value, Sequence[Value]], Value]
    check: Callable[[Value], None]
    grows: bool = True


@dataclass(frozen=True)
class Finding:
    """What an input did. `kind` tells two faults apart; `told` is for people, with the trace."""

    kind: str
    told: str
    value: Value = field(repr=False)


def judged(target: Target, value: Value, *, longest_s: float = LONGEST_S) -> Finding | None:
    """What is wrong with how an input ends; None where nothing is. In the main thread."""
    try:
        with limited(longest_s):
            target.check(value)
    except Endless:
        return Finding("endless", f"takes more than {longest_s:g} s of processor time", value)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what we look for
        return Finding(_kind(error), "".join(traceback.format_exception(error, limit=-6)), value)
    return None


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise `Endless` after so much processor time. In the main thread."""

    def ring(_signal: int, _frame: FrameType | None) -> None:
        raise Endless

    before = signal.signal(signal.SIGPROF, ring)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def _kind(error: BaseException) -> str:
    """The error's class, and the last place of the program that it came by."""
    frames = [one for one in traceback.extract_tb(error.__traceback__) if one.name != "hold"]
    ours = [one for one in frames if "/ingest/" in one.filename or "/fuzz/" in one.filename]
    last = ours[-1] if ours else frames[-1]
    return f"{type(error).__name__} at {Path(last.filename).name}:{last.lineno}"


def written(value: Value) -> str:
    """An input as one line of ASCII, for `read`."""
    return json.dumps(value)


def size(value: Value) -> int:
    """How large an input is, in characters of JSON."""
    return len(written(value))
