"""A reading that costs something is told again for a while, to whoever asks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Kept(Generic[Value]):
    """A reading that is told again for `keep_s` seconds; of several who ask at once one reads."""

    def __init__(
        self,
        read: Callable[[], Value],
        keep_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read, self._keep_s, self._clock = read, keep_s, clock
        self._last: tuple[float, Value] | None = None
        self._lock = threading.Lock()

    def get(self) -> Value:
        """The last one, or a new one; raises what reading raises, and then keeps nothing."""
        with self._lock:
            now = self._clock()
            if self._last is None or now - self._last[0] >= self._keep_s:
                self._last = None
                self._last = (now, self._read())
            return self._last[1]
