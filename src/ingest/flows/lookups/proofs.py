"""Whether a connection's token still works, where its provider refuses one object.

Law: a refusal of one object is the object's, unless the token is let in nowhere. What proves it is
asked once for all objects that are refused within a moment, and never for each.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ingest.core.errors import Denied, PermanentError, Refused, TransientError
from ingest.sources.answers import Absent

KNOWN_FOR = timedelta(seconds=30)
"""So long a token that was let in is taken to be good, whatever it may not read."""
DOUBTS = 5
"""So often what says that the token itself is unknown (401), while that is let in, is asked again:
one of the two is over, as where the token was replaced meanwhile."""


@dataclass(slots=True)
class Proof:
    """Of one client's token; safe for threads.

    check: the client's own, one cheap request. now: the clock of whoever asks.
    """

    check: Callable[[], object]
    now: Callable[[], datetime]
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _good_at: datetime | None = None

    def denied(self, refusal: Refused) -> Denied:
        """The refusal as that of one object alone.

        Raises `Refused` where the token is let in nowhere, and what else the check raises but a
        `PermanentError`: then nothing is proven, and the refusal stands. Where the token itself is
        said to be unknown (401), only what is proven after that counts. Blocks.
        """
        if refusal.whole:
            raise refusal
        refused_at = self.now()
        since = refused_at if refusal.stale else refused_at - KNOWN_FOR
        with self._lock:
            if self._good_at is None or self._good_at < since:
                self._prove(refusal)
        return Denied(f"{refusal}; the token is good, so this alone is left out")

    def _prove(self, refusal: Refused) -> None:
        asked_at = self.now()
        try:
            self.check()
        except Absent as error:
            raise Refused(f"{refusal}; {error}", stale=refusal.stale) from error
        except PermanentError as error:
            raise refusal from error
        self._good_at = asked_at


def end_of(denied: Denied, refusal: Refused, attempts: int) -> Denied | TransientError:
    """What a refusal of one object is to whoever asked for the so many-th time. Pure."""
    return TransientError(str(denied)) if refusal.stale and attempts < DOUBTS else denied
