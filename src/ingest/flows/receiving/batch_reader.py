"""Reads what many ask for at once with one call at a time, however many ask.

Law: what is answered was read after it was asked for. Who asks while a call is under way is in the
next one; so a thousand who ask cost two calls, and nobody is told what was known before he came.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from itertools import islice
from typing import Generic, TypeVar

from ingest.core.errors import TransientError, Unavailable

MOST_KEYS = 1000
"""Of one call, by default."""

Value = TypeVar("Value")


class BatchReader(Generic[Value]):
    """Answers keys by `read`, which is called in a thread of ours, never twice at a time.

    `read` gives a value for each key that there is; a `TransientError` of its is everybody's of
    that call, as `Unavailable`. Safe for threads. The thread ends when nobody asks.
    """

    def __init__(
        self, read: Callable[[Sequence[str]], Mapping[str, Value]], *, most_keys: int = MOST_KEYS
    ) -> None:
        self._read = read
        self._most_keys = most_keys
        self._waiting: dict[str, Future[Value | None]] = {}
        self._changed = threading.Lock()
        self._thread: threading.Thread | None = None

    def ask(self, key: str) -> Future[Value | None]:
        """What the key stands for, None for nothing; the future fails with `Unavailable`.

        Returns at once; what is answered was read after this call. Many hold the same future, so
        nobody can cancel it. It is set in the reading thread.
        """
        with self._changed:
            future = self._waiting.get(key)
            if future is None:
                future = self._waiting[key] = Future()
                future.set_running_or_notify_cancel()
            if self._thread is None or not self._thread.is_alive():
                self._start()
        return future

    def _start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="batch-reader", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while batch := self._next_batch():
            try:
                self._answer(batch)
            except BaseException:
                self._leave_to_another()
                _fail(batch, "reading failed; the log says why")
                raise

    def _next_batch(self) -> dict[str, Future[Value | None]]:
        """What waits, oldest first; where nothing does, the next who asks starts another thread."""
        with self._changed:
            keys = list(islice(self._waiting, self._most_keys))
            if not keys:
                self._thread = None
            return {key: self._waiting.pop(key) for key in keys}

    def _leave_to_another(self) -> None:
        """A fault ends this thread; whoever asked meanwhile is answered by the next."""
        with self._changed:
            self._thread = None
            if self._waiting:
                self._start()

    def _answer(self, batch: Mapping[str, Future[Value | None]]) -> None:
        try:
            found = self._read(list(batch))
        except TransientError as error:
            _fail(batch, str(error))
            return
        for key, future in batch.items():
            future.set_result(found.get(key))


def _fail(batch: Mapping[str, Future[Value | None]], reason: str) -> None:
    """Nobody waits for ever. Each gets an exception of his own, as raising one changes it."""
    for future in batch.values():
        if not future.done():
            future.set_exception(Unavailable(reason))
