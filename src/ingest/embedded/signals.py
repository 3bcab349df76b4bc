"""The signals that end a program, and who hears them."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator
from types import FrameType

Handler = Callable[[int, FrameType | None], object]


def stopping() -> tuple[signal.Signals, ...]:
    """SIGINT and SIGTERM, and SIGHUP unless whoever started us had it ignored, as `nohup` does.

    SIGINT is heard also where a shell ignores it for what it runs in the background: a Ctrl-C that
    ends a script shall leave no server of it behind.
    """
    wanted = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        wanted.append(signal.SIGHUP)
    return tuple(wanted)


@contextlib.contextmanager
def heard(handler: Handler) -> Iterator[None]:
    """Call the handler for each stopping signal; the former handlers come back at the end."""
    former = {number: signal.signal(number, handler) for number in stopping()}
    try:
        yield
    finally:
        for number, standing in former.items():
            signal.signal(number, standing)
