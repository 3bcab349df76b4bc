"""Who may work at the same time in one process: many with ordinary batches, or one alone.

A delivery that is suspected of killing its worker is processed while nothing else runs in the
process, so that a crash tells who did it. Waiting for the others takes one batch at most.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Turns:
    """A lock that is shared by ordinary work and held alone by suspects."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._working = 0
        self._alone = False

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Work beside others; waits while somebody is alone."""
        with self._changed:
            self._changed.wait_for(lambda: not self._alone)
            self._working += 1
        try:
            yield
        finally:
            with self._changed:
                self._working -= 1
                self._changed.notify_all()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Work with nothing beside; waits until all others are done, and holds new ones up."""
        with self._changed:
            self._changed.wait_for(lambda: not self._alone)
            self._alone = True
            self._changed.wait_for(lambda: self._working == 0)
        try:
            yield
        finally:
            with self._changed:
                self._alone = False
                self._changed.notify_all()
