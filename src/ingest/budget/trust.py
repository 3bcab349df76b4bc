"""How far the shared count can be believed: not while Redis is away, nor soon after it forgot.

A Redis that is away counts nothing, and one that was emptied knows of nothing that was asked. So
what nobody waits for rests for as long as what was asked before may count, a minute at most (longer
windows are told of by their providers' headers), and goes on at a small rate of this process's own,
until the shared count holds all of a window again. Reads no clock of its own.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import structlog

log = structlog.get_logger(__name__)

LONGEST_REST_S = 60.0
AGAIN_S = 5.0
"""Nobody pays for the time-outs of a Redis that is away again, for so long."""


@dataclass(slots=True)
class Trust:
    """What one process believes; safe for threads. Times are seconds of a monotonic clock.

    An outage is logged once, when it begins and when it ends. again_s: between two attempts to
    reach a Redis that is away.
    """

    again_s: float = AGAIN_S
    _epoch: str | None = None
    _away: bool = False
    _began_at: float | None = None
    _ended_at: float = 0.0
    _again_at: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def may_ask(self, now: float) -> bool:
        """Whether Redis is to be asked: it is not away, or was not asked for a while."""
        return not self._away or now >= self._again_at

    def lose(self, now: float, reason: str) -> None:
        """Redis did not answer, or answered that it cannot."""
        with self._lock:
            self._ended_at, self._again_at = now, now + self.again_s
            if self._away:
                return
            self._away, self._began_at = True, now
        log.warning("shared_budget_lost", reason=reason)

    def find(self, epoch: str, now: float) -> None:
        """Redis answered; `epoch` is a mark that lasts as long as what it holds."""
        if epoch == self._epoch and not self._away:
            return
        with self._lock:
            returned, forgot = self._away, self._epoch not in (None, epoch)
            self._away, self._epoch = False, epoch
            if returned or forgot:
                self._ended_at = now
            if forgot and not returned:
                self._began_at = now
        if returned or forgot:
            log.info("shared_budget_found", forgot=forgot)

    def rest_s(self, window_s: float, now: float) -> float:
        """How long what nobody waits for still rests, because of what may have been asked before
        the count was lost; 0 where it was not.
        """
        if self._began_at is None:
            return 0.0
        return max(0.0, self._began_at + min(window_s, LONGEST_REST_S) - now)

    def is_whole(self, window_s: float, now: float) -> bool:
        """Whether the shared count holds all that was asked in this window, as far as is known."""
        if self._began_at is None:
            return True
        return not self._away and now >= self._ended_at + min(window_s, LONGEST_REST_S)
