"""What a provider answers: the answer, or what its status means to whoever waits for the object.

Law: what a status means is decided here once, and what only one provider does comes in as `Rules`.
Performs no I/O.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from ingest.core.errors import (
    Denied,
    IngestError,
    PermanentError,
    RateLimited,
    Refused,
    TransientError,
)
from ingest.core.values import JSON, loads
from ingest.sources.masking import Mask

DEFAULT_WAIT_S = 60.0
"""Where a provider limits and does not say for how long."""
SHOWN = 200
"""Of a provider's own words, in a message."""
_READ = 4096
_WAIT = frozenset({429})
_UNAUTHORIZED = 401


class Absent(IngestError):
    """404 or 410: the object is gone, or out of the token's sight; the caller finds out which.

    words: the beginning of what the answer says, without the token: a 410 may speak of the object,
    of a feature that is switched off, or of a path that is withdrawn.
    It never leaves a client: see `contract.Client`.
    """

    def __init__(self, message: str, status: int, words: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.words = words


@dataclass(frozen=True, slots=True)
class Response:
    """An answer with a status below 300, or a 304 that was asked for; header names in lower case.

    `moved` is the URL that a redirect led to, where there was one.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    moved: str | None = None

    def json(self) -> JSON:
        """The body as JSON; raises `BadPayload` where it is none."""
        return loads(self.body)


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer with a status from 400: what `Rules` are asked about. Header names in lower case.

    now: when it came. mask: hides the token in what is quoted of it.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    now: datetime
    mask: Mask = field(default_factory=Mask, repr=False)

    def json(self) -> JSON:
        """The body as JSON, None where it is none."""
        try:
            return loads(self.body)
        except PermanentError:
            return None

    def quoted(self, words: str) -> str:
        """Of the provider's words what a message may hold."""
        return quoted(words, self.mask)

    def retry_after_s(self) -> float | None:
        """Seconds that `retry-after` tells, as a number or a date (RFC 9110, 10.2.3), or None."""
        told = self.headers.get("retry-after", "").strip()
        if told.isascii() and told.isdigit():
            return float(told)
        try:
            at = parsedate_to_datetime(told)
        except (ValueError, TypeError, OverflowError):
            return None
        return self.until(at if at.tzinfo else at.replace(tzinfo=UTC))

    def until(self, at: datetime) -> float:
        """Seconds until then, at least 0, by the server's own clock where `date` tells that."""
        return until_s(at, self.headers, self.now)


def until_s(at: datetime, headers: Mapping[str, str], now: datetime) -> float:
    """Seconds until then, at least 0, by the server's own clock where `date` tells that, and else
    by ours: `now` is when the answer with these headers came.
    """
    try:
        told = parsedate_to_datetime(headers.get("date", ""))
    except (ValueError, TypeError, OverflowError):
        told = now
    return max(0.0, (at - (told if told.tzinfo else now)).total_seconds())


def headers_of(told: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Names in lower case; of one that is said several times the values are a list (RFC 9110, 5.3).

    What is beyond ASCII in them has no meaning that anybody relies on.
    """
    read: dict[str, str] = {}
    for raw_name, raw in told:
        name, value = raw_name.decode("latin-1").lower(), raw.decode("latin-1")
        read[name] = f"{read[name]}, {value}" if name in read else value
    return read


def quoted(words: str, mask: Mask) -> str:
    """The beginning of somebody's words, without the token; hidden first, so that none is cut."""
    return mask(words[:_READ])[:SHOWN]


def _limited(refusal: Refusal) -> float | None:
    if refusal.status not in _WAIT:
        return None
    told = refusal.retry_after_s()
    return DEFAULT_WAIT_S if told is None else told


def _unsaid(_refusal: Refusal) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Rules:
    """What is particular to a provider's refusals.

    wait_s: seconds to wait where the answer is a limit (whatever its status), else None.
    refused: statuses by which the token is not let in.
    absent: statuses of what is not there.
    denied: statuses of what is shown to nobody (RFC 7725: for legal reasons).
    later: statuses, beside 5xx, after which the same request may succeed.
    lacks: of a refusal the right that its provider wants of the token, where it says so; else
        empty.
    """

    wait_s: Callable[[Refusal], float | None] = _limited
    refused: frozenset[int] = frozenset({401, 403})
    absent: frozenset[int] = frozenset({404, 410})
    denied: frozenset[int] = frozenset({451})
    later: frozenset[int] = frozenset({408, 425})
    lacks: Callable[[Refusal], str] = _unsaid

    def error(self, refusal: Refusal, said: str) -> IngestError:
        """What the status means, as an error to raise (RFC 9110, 15).

        The first that fits of `RateLimited`, `Refused`, `Absent`, `Denied`, `TransientError`, and
        else `PermanentError`. `said` is whose answer to what it is, for the message.
        """
        status = refusal.status
        wait_s = self.wait_s(refusal)
        if wait_s is not None:
            return RateLimited(f"{said}: rate limited", retry_after_s=wait_s)
        if status in self.refused:
            lacks = self.lacks(refusal)
            wanted = f", for which it needs {lacks}" if lacks else ""
            problem = f"{said}: the token is wrong, or may not read this{wanted}"
            return Refused(problem, stale=status == _UNAUTHORIZED)
        words = refusal.quoted(refusal.body[:_READ].decode("utf-8", "replace"))
        if status in self.absent:
            return Absent(said, status, words)
        if status in self.denied:
            return Denied(f"{said}: {words}")
        if status >= 500 or status in self.later:
            return TransientError(said, retry_after_s=refusal.retry_after_s())
        return PermanentError(f"{said}: {words}")
