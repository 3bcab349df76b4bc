"""Rings in a thread of its own, some times a second at most, so that whoever stores never waits.

What is not rung for in time is swept, so a ring may be lost; it may never hold anybody up.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

LEAST_PAUSE_S, MOST_PAUSE_S = 0.004, 0.05
"""Between two rings, at least: the longer, the more of them in a row were not needed, since whoever
was rung for has not heard yet. He will see all that is committed by then."""


def next_pause_s(pause_s: float, *, was_needed: bool) -> float:
    """The pause after a ring, in seconds, from the one before it."""
    return LEAST_PAUSE_S if was_needed else min(2 * pause_s, MOST_PAUSE_S)


class Ringer:
    """`notify` returns at once; `ring` is called soon after, once for all that notified.

    `ring` says whether a wake-up was sent. It runs in our thread, which starts with the first
    `notify`; it must not raise.
    """

    def __init__(self, ring: Callable[[], bool]) -> None:
        self._ring = ring
        self._changed = threading.Condition()
        self._asked = False
        self._closed = False
        self._thread: threading.Thread | None = None

    def notify(self) -> None:
        """Have it rung: whoever hears it will see what is committed by now."""
        with self._changed:
            self._asked = True
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="ringer", daemon=True)
                self._thread.start()
            self._changed.notify()

    def close(self, timeout_s: float = 2.0) -> None:
        """Ring for what was asked until now, then end; returns after `timeout_s` at the latest."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(timeout_s)

    def _run(self) -> None:
        pause_s = LEAST_PAUSE_S
        while True:
            with self._changed:
                while not self._asked and not self._closed:
                    self._changed.wait()
                if not self._asked:
                    return
                self._asked = False
            pause_s = next_pause_s(pause_s, was_needed=self._ring())
            with self._changed:
                self._changed.wait_for(lambda: self._closed, pause_s)
