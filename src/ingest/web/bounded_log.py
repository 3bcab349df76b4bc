"""Log lines about what strangers do: some at once, then one a second that tells how many it is for.

Memory is constant: there is one account for each kind, and kinds are ours, never a caller's words.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

AT_ONCE = 20
EACH_S = 1.0


class Write(Protocol):
    """A logger's method."""

    def __call__(self, event: str, /, **fields: object) -> object: ...


@dataclass(slots=True)
class _Account:
    """Lines that may be written now, and what was not since the last one."""

    lines: float
    at: float
    suppressed: int = 0


class BoundedLog:
    """Writes lines of a kind while its account lasts: `at_once` lines, and one more each `each_s`.

    A line that is written carries `suppressed`, the number of its kind that were not. `write` is a
    logger's method; `now` a clock in seconds. Not for several threads.
    """

    def __init__(
        self,
        write: Write,
        *,
        at_once: int = AT_ONCE,
        each_s: float = EACH_S,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._write = write
        self._at_once = at_once
        self._each_s = each_s
        self._now = now
        self._accounts: dict[str, _Account] = {}

    def tell(self, event: str, kind: str, **fields: object) -> None:
        """Write that one thing happened, or count it.

        `event` is a constant, `kind` one of a few texts of ours, since each has an account for
        good.
        """
        now = self._now()
        account = self._accounts.setdefault(kind, _Account(self._at_once, now))
        refilled = account.lines + (now - account.at) / self._each_s
        account.lines, account.at = min(refilled, self._at_once), now
        if account.lines < 1:
            account.suppressed += 1
            return
        account.lines -= 1
        if account.suppressed:
            fields["suppressed"] = account.suppressed
            account.suppressed = 0
        self._write(event, **fields)

    def close(self) -> None:
        """Write how many lines of each kind were suppressed since its last one."""
        for kind, account in self._accounts.items():
            if account.suppressed:
                self._write("lines_suppressed", kind=kind, suppressed=account.suppressed)
                account.suppressed = 0
