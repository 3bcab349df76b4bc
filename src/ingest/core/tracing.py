"""Spans of a trace, as the program makes them: a `Tracer` is a parameter, and OFF makes none.

What is told of a span are ids, kinds and counts, never what somebody wrote. Where spans go is
whoever's that runs the program (`ingest.telemetry`). Performs no I/O.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Protocol

TRACEPARENT = "traceparent"
"""The header by which a trace goes on (W3C Trace Context); kept with the delivery that began it."""
RECEIVE, BATCH, SETTLE, LOOK_UP, PAGE = "receive", "batch", "settle", "look up", "sync page"
"""The names of spans."""
MOST_LINKS = 32
"""Of one span, to others that it is for."""


class Span(Protocol):
    """One piece of work; ended with the block that began it."""

    @property
    def traceparent(self) -> str | None:
        """What makes another span its child; None where nobody records it."""
        ...

    def tell(self, **attributes: str | int) -> None:
        """Say what is known of it by now."""
        ...


class Tracer(Protocol):
    """Makes spans. Safe for threads and for an event loop."""

    @property
    def is_on(self) -> bool:
        """Whether spans go anywhere, so that it is worth to find out what they are for."""
        ...

    def span(
        self,
        name: str,
        *,
        parent: str | None = None,
        links: Iterable[str] = (),
        began_at: float | None = None,
        **attributes: str | int,
    ) -> AbstractContextManager[Span]:
        """Begin a span, ended with the block; an exception makes it a failed one, by its class.

        parent: the traceparent of another process's; else it is a child of what is under way here.
        links: traceparents of what else it is for; MOST_LINKS are taken. began_at: seconds since
        1970, where it began before.
        """
        ...

    def record(self, name: str, *, parent: str, began_at: float, **attributes: str | int) -> None:
        """A span that ends just now."""
        ...


class _NoSpan:
    """Stands for every span that nobody records."""

    traceparent = None

    def tell(self, **attributes: str | int) -> None:
        pass

    def __enter__(self) -> _NoSpan:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        pass


class _NoTracer:
    """Records nothing."""

    is_on = False

    def __init__(self) -> None:
        self._none = _NoSpan()

    def span(
        self,
        name: str,
        *,
        parent: str | None = None,
        links: Iterable[str] = (),
        began_at: float | None = None,
        **attributes: str | int,
    ) -> AbstractContextManager[Span]:
        return self._none

    def record(self, name: str, *, parent: str, began_at: float, **attributes: str | int) -> None:
        pass


OFF: Tracer = _NoTracer()
"""What a tracer is where nobody asks for traces."""
