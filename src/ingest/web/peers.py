"""Who is connected to the receiver, and what each waits for: bounded in number and in time.

Law: whoever waits for his sender may be closed, the longest waiting first, so that a newcomer gets
in however many sit there; who waits for us may not. For one event loop; knows no HTTP.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Protocol

PEERS = "peers"
"""Where the state of the application's lifespan holds them."""
MOST_PEERS = 2048
"""Connections of one process, where its file descriptors allow as many."""
READ_BYTES = 32 * 2**10
"""So much is read of one connection at a time."""


class Wait(StrEnum):
    """What a connection waits for."""

    HEAD = "head"
    """That its first or next request's head is whole."""
    BODY = "body"
    """That its request's body is."""
    IDLE = "idle"
    """That the next request begins."""
    REST = "rest"
    """That the rest of a request comes which has its answer."""
    READER = "reader"
    """That the sender reads what we answer."""
    END = "end"
    """That it is gone, having been closed."""


WITHIN_S: Mapping[Wait, float] = {
    Wait.HEAD: 10.0,
    Wait.IDLE: 15.0,  # uvicorn closes idle ones after 5
    Wait.REST: 5.0,
    Wait.READER: 10.0,
    Wait.END: 5.0,
}
"""How long each wait may last. A body's time is measured by who reads it."""
_NEXT_TO_GO = (Wait.HEAD, Wait.IDLE, Wait.REST, Wait.READER, Wait.END)
"""Of these the oldest makes way for a newcomer; a body only where there is none of them."""


class Peer(Protocol):
    """One connection, as it is known here; `waits` is written by `Peers` alone, None at first."""

    waits: Wait | None

    def abort(self) -> None:
        """End at once, without an answer."""

    def time_is_up(self, wait: Wait) -> None:
        """End after a wait that took too long, with an answer where one is due."""


class Peers:
    """All connections of a process: at most `most`, of which `most_heads` wait for a head.

    now: a monotonic clock in seconds, that of the event loop.
    told: called with the reason for which one is ended, one of a few.
    within_s: how long each wait may last; what is not named may last for ever.
    """

    def __init__(
        self,
        now: Callable[[], float],
        told: Callable[[str], None],
        *,
        most: int,
        most_heads: int,
        within_s: Mapping[Wait, float] = WITHIN_S,
    ) -> None:
        self.told = told
        self.buffer = memoryview(bytearray(READ_BYTES))
        """Where what one of them says is read: one at a time, and never kept."""
        self._now = now
        self._most = most
        self._most_heads = most_heads
        self._within_s = within_s
        self._open: set[Peer] = set()
        self._since: dict[Wait, OrderedDict[Peer, float]] = {w: OrderedDict() for w in Wait}

    def __len__(self) -> int:
        return len(self._open)

    def opened(self, peer: Peer) -> None:
        """A newcomer, who waits for a head; another one may have to make way."""
        self._open.add(peer)
        self.waits(peer, Wait.HEAD)
        if len(self._open) > self._most:
            self._abort(self._next_to_go(peer), "too_many_connections")

    def waits(self, peer: Peer, wait: Wait | None) -> None:
        """What it waits for from now on, if it did not before; None: it waits for us.

        Where too many wait for a head by that, the one who has waited longest is aborted.
        """
        former = peer.waits
        if former is wait or peer not in self._open:
            return
        if former is not None:
            self._since[former].pop(peer, None)
        if wait is not None:
            self._since[wait][peer] = self._now()
        peer.waits = wait
        heads = self._since[Wait.HEAD]
        if len(heads) > self._most_heads:
            self._abort(next(iter(heads)), "too_many_heads")

    def closed(self, peer: Peer) -> None:
        """It is gone."""
        self.waits(peer, None)
        self._open.discard(peer)

    def sweep(self) -> None:
        """End the waits that took too long; to be called about once a second."""
        now = self._now()
        for wait, within_s in self._within_s.items():
            since = self._since[wait]
            while since:
                peer, at = next(iter(since.items()))
                if at > now - within_s:
                    break
                del since[peer]
                peer.waits = None
                self.told(f"slow_{wait}")
                peer.time_is_up(wait)

    def _next_to_go(self, newcomer: Peer) -> Peer:
        """Whoever has waited longest; the newcomer himself where all the others wait for us."""
        for waits in (_NEXT_TO_GO, (Wait.BODY,)):
            firsts = [next(iter(self._since[w].items())) for w in waits if self._since[w]]
            others = [first for first in firsts if first[0] is not newcomer]
            if others:
                return min(others, key=lambda first: first[1])[0]
        return newcomer

    def _abort(self, peer: Peer, why: str) -> None:
        self.closed(peer)
        self.told(why)
        peer.abort()
