"""The memory for large bodies, which take turns in it; what is slow may be hostile.

Law: while somebody waits, whoever has a turn has to hurry, or loses it.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import Protocol

from ingest.core.errors import Unavailable

TURN_WITHIN_S = 4.5
"""How long a body waits for its turn."""
HURRY_S = 1.0
HURRY_BYTES = 2**20
"""So much has to come of a body in that time while another one waits for its turn."""
RETRY_AFTER_S = 2.0


class Guest(Protocol):
    """One body, as it is known here; held as a key, so compared by identity."""

    whose: str
    """The connection's id; no text for everybody's route."""
    came: int
    """The bytes of it that came."""
    timer: asyncio.Timeout | None
    """Of what is awaited for it now, if anything is."""

    def send_off(self) -> None:
        """End what is awaited for it: it takes too long."""


@dataclass(slots=True, eq=False)
class _Turn:
    """One who waits or has his turn; `seen` is when he was last found hurrying, and how far."""

    guest: Guest
    size: int
    come: asyncio.Future[None]
    seen: tuple[float, int] = (0.0, 0)


class LargeRoom:
    """Bytes that large bodies share, in turns; `most_each` is the share of one connection.

    A single body may be larger than that share, never than `limit`: it would wait in vain. Who
    waits is let in in the order in which he came, but for one whose connection has its share
    already. For one event loop.
    """

    def __init__(
        self,
        limit: int,
        *,
        most_each: int,
        within_s: float = TURN_WITHIN_S,
        hurry_s: float = HURRY_S,
    ) -> None:
        self._free = limit
        self._most_each = most_each
        self._within_s = within_s
        self._hurry_s = hurry_s
        self._held: Counter[str] = Counter()
        self._inside: dict[Guest, _Turn] = {}
        self._waiting: dict[Guest, _Turn] = {}

    async def enter(self, guest: Guest, size: int) -> None:
        """Wait for room of that size; raises `Unavailable` where it is not there in time.

        Who has entered has to `leave`, whatever happens. Until then `send_off` is called on him
        where somebody waits and he does not hurry.
        """
        turn = _Turn(guest, size, asyncio.get_running_loop().create_future())
        self._waiting[guest] = turn
        self._let_in()
        if turn.come.done():
            return
        came = False
        try:
            async with asyncio.timeout(self._within_s) as guest.timer:
                await self._wait(turn)
            came = True
        except TimeoutError as error:
            raise Unavailable(
                "too many large bodies are being read at once", retry_after_s=RETRY_AFTER_S
            ) from error
        finally:
            guest.timer = None
            if not came:
                self._give_up(turn)

    def leave(self, guest: Guest) -> None:
        """Give the room back; whose turn it is comes in."""
        turn = self._inside.pop(guest)
        self._free += turn.size
        self._held[guest.whose] -= turn.size
        if not self._held[guest.whose]:
            del self._held[guest.whose]
        self._let_in()

    async def _wait(self, turn: _Turn) -> None:
        """Until it has come; the first of those who wait sees to it that the others hurry."""
        while not turn.come.done():
            await asyncio.wait([turn.come], timeout=self._hurry_s / 2)
            if next(iter(self._waiting.values()), None) is turn:
                self._send_off_idlers()

    def _send_off_idlers(self) -> None:
        now = asyncio.get_running_loop().time()
        for guest, turn in self._inside.items():
            at, came = turn.seen
            if now - at < self._hurry_s:
                continue
            if guest.timer is not None and guest.came - came < HURRY_BYTES:
                guest.send_off()
            turn.seen = (now, guest.came)

    def _give_up(self, turn: _Turn) -> None:
        """Waited enough; his turn may have come in that very moment."""
        if turn.guest in self._waiting:
            del self._waiting[turn.guest]
            self._let_in()
        else:
            self.leave(turn.guest)

    def _let_in(self) -> None:
        """In the order in which they came; who has his share already lets others pass."""
        now = asyncio.get_running_loop().time()
        for guest, turn in list(self._waiting.items()):
            if turn.size > self._free:
                return
            held = self._held[guest.whose]
            if held and held + turn.size > self._most_each:
                continue
            del self._waiting[guest]
            turn.seen = (now, guest.came)
            self._inside[guest] = turn
            self._free -= turn.size
            self._held[guest.whose] += turn.size
            turn.come.set_result(None)
