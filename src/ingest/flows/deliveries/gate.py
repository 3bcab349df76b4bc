"""Locks between the threads of a drain: which batches may run at once.

Many ordinary ones, one of them with what is dear (large, or given up for its cost); or one alone.
A delivery that is suspected of killing its worker is processed while nothing else runs in the
process, so that a crash tells who did it. Waiting for the others takes one batch at most. Of what
is dear there is one batch at a time, so that it takes the memory of one, and leaves a thread for
the others.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Gate:
    """A lock that is shared by ordinary work and held alone by suspects.

    One for a drain. A worker's process runs one drain at a time, so it is the process's.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._working = 0
        self._alone = False
        self._dear = False

    @contextmanager
    def dear(self) -> Iterator[bool]:
        """Whether what is dear may be taken until the block ends: nobody else has any.

        Never waits: who comes second is told False, and goes on without.
        """
        with self._changed:
            mine = not self._dear
            self._dear = True
        try:
            yield mine
        finally:
            if mine:
                with self._changed:
                    self._dear = False
                    self._changed.notify_all()

    def is_over(self, *, within_s: float) -> bool:
        """Wait for what is dear to be over, so long at most; whether it is."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._dear, within_s)

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
