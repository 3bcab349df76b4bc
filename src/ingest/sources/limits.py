"""A provider's limits: how many requests, of which kind, in how long, and whose they are.

A source gives its `RateLimits` as `Source.limits`: the figures that its provider publishes, and how
its headers tell what is left. Who counts is told by `spending`. Law: what a header says reaches no
further than one window, so that a wrong unit stops nobody for long. Performs no I/O.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from math import floor

from ingest.core.times import from_epoch_ms, from_epoch_s
from ingest.core.values import JSON
from ingest.sources.answers import until_s

Whose = Callable[[Mapping[str, JSON], str], str | None]
_LONGEST_NUMBER = 16


@dataclass(frozen=True, slots=True)
class Call:
    """One request as a limit sees it; `path` is that of its URL, without the query."""

    method: str
    path: str


def every_call(_call: Call) -> int:
    """Each request counts once."""
    return 1


def of_the_token(_metadata: Mapping[str, JSON], _given: str) -> None:
    """The token's own limit."""


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit of a provider's.

    name: short, as it is kept and told; unique in its source.
    amount: how much there is in `per_s` seconds, where no header says otherwise; 0 where nobody
        publishes it: then only what headers say of it counts.
    counts: how much a request takes of it; None where it takes nothing. 0: we cannot know how much,
        but the provider's headers tell afterwards what is left.
    share: the part that requests may take for which nobody waits (backfills, resyncs); what is
        beyond it is left to live look-ups.
    owner: to whom the limit belongs, by the connection's metadata and the token that it keeps, as
        it was given (an account, an installation, a workspace); None: to the token.
    refills: whether it fills up steadily, rather than all at once at the end of its window.
    """

    name: str
    amount: int
    per_s: int
    counts: Callable[[Call], int | None] = every_call
    share: float = 0.7
    owner: Whose = of_the_token
    refills: bool = False

    def background(self, amount: int, *, begun: bool) -> int:
        """Of `amount` what may be taken though nobody waits, in all; at least 1.

        begun: by requests of a page that has begun, which would be asked for again as a whole: they
        may take half of what else is left to live ones.
        """
        share = (1.0 + self.share) / 2 if begun else self.share
        return max(1, floor(amount * share))


@dataclass(frozen=True, slots=True)
class LimitReading:
    """What a provider says of one of its limits.

    limit: its name. remaining: what is left of it, after the answer that says so.
    resets_s: seconds until it is whole again. amount: how much there is in a window, if that is
    told.
    """

    limit: str
    remaining: int
    resets_s: float
    amount: int | None = None


ReadHeaders = Callable[[Call, Mapping[str, str], datetime], tuple[LimitReading, ...]]


def _nothing(_call: Call, _headers: Mapping[str, str], _now: datetime) -> tuple[LimitReading, ...]:
    return ()


@dataclass(frozen=True, slots=True)
class RateLimits:
    """The limits of a provider.

    each: those of which a request may take. read: what an answer's headers (names in lower case)
    say of them; the time is that at which it came.
    """

    each: tuple[Limit, ...]
    read: ReadHeaders = _nothing


def whole(told: str | None) -> int | None:
    """The whole number that a header says, a fraction cut off; None where it says none."""
    digits = (told or "").strip().split(".")[0]
    is_number = digits.isascii() and digits.isdigit() and len(digits) <= _LONGEST_NUMBER
    return int(digits) if is_number else None


def until_epoch_s(told: str | None, headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds until the time that a header tells in seconds since 1970."""
    return _until(whole(told), from_epoch_s, headers, now)


def until_epoch_ms(told: str | None, headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds until the time that a header tells in milliseconds since 1970."""
    return _until(whole(told), from_epoch_ms, headers, now)


def _until(
    number: int | None,
    meaning: Callable[[float], datetime],
    headers: Mapping[str, str],
    now: datetime,
) -> float | None:
    try:
        return None if number is None else until_s(meaning(number), headers, now)
    except ValueError:
        return None
