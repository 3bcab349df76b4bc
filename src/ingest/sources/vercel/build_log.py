"""The end of a failed build's log: what of it becomes text, and how many errors it shows.

Law: bounded in lines and characters, whatever a build prints; without the colours of a terminal.
Source: the models of `GET /v3/deployments/{id}/events` in npm `@vercel/sdk`, where what an event
says stands in it or, in the older form, in its `payload`. Performs no I/O.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ingest.core.canonical import clean
from ingest.core.values import JSON
from ingest.sources.wire import mapping, nonblank

MOST_LINES = 40
LONGEST_LINE = 400
_PRINTED = frozenset({"stdout", "stderr", "fatal", "command"})
_FAILED = frozenset({"stderr", "fatal"})
# ECMA-48, 5.4: control sequences; and the commands to the terminal that end in BEL or ST.
_CONTROL = re.compile(r"\x1b\[[0-?]{0,64}[ -/]{0,8}[@-~]|\x1b\][^\x07\x1b]{0,400}(?:\x07|\x1b\\)")
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_FENCES = re.compile(r"`{3,}")


@dataclass(frozen=True, slots=True)
class BuildLog:
    """`errors` is how many of the events say that something is wrong; `lines` the last of them."""

    errors: int = 0
    lines: tuple[str, ...] = ()

    @property
    def fenced(self) -> str:
        """The lines as a code block, whose fence is longer than any in them."""
        whole = "\n".join(self.lines)
        longest = max(map(len, _FENCES.findall(whole)), default=2)
        fence = "`" * (longest + 1)
        return f"{fence}\n{whole}\n{fence}"


def build_log(events: Sequence[JSON], *, newest_first: bool = True) -> BuildLog:
    """The log out of the events; where nothing is marked as an error, the last of what was said."""
    in_order = reversed(events) if newest_first else iter(events)
    said = [(_is_error(event), line) for event in in_order if (line := _line(event))]
    wrong = [line for is_error, line in said if is_error]
    shown = wrong or [line for _, line in said]
    return BuildLog(len(wrong), tuple(shown[-MOST_LINES:]))


def _line(event: JSON) -> str | None:
    if nonblank(event, "type") not in _PRINTED:
        return None
    told = _told(event, "text")
    return plain(told) if told else None


def plain(raw: str) -> str:
    """One line of text as a person saw it, cut where it is too long."""
    whole = _UNPRINTABLE.sub("", _CONTROL.sub("", clean(raw[: 4 * LONGEST_LINE])))
    return " ".join(whole.split("\n")).rstrip()[:LONGEST_LINE]


def _is_error(event: JSON) -> bool:
    return nonblank(event, "type") in _FAILED or _told(event, "level") == "error"


def _told(event: JSON, name: str) -> str | None:
    inner = mapping(event, "payload")
    return nonblank(event, name) or nonblank(inner, name)
