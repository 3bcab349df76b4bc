"""Counts what was asked, and keeps what providers say is left: in Redis, and in one process.

Counting is that of `limits` ("moving window": in any stretch as long as the window no more than the
amount, whoever asks), whose entries are the times of the hosts. What providers say is kept until it
resets; Redis' own clock ends it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from uuid import uuid4

from limits.storage import MemoryStorage, RedisStorage
from redis import ConnectionPool, Redis
from redis.exceptions import RedisError

AWAY = (RedisError, OSError)
"""What a Redis that is away, full or no primary makes its driver raise."""
AMOUNT_S = 86_400
"""How long the size of a limit is remembered, as its provider told it."""
_LEFT = "left"
"""Whose limits there are of a family, by what was left of each when it was told last."""
_LOOKED_AT = 100
_SOON_S = 0.05
_MOST_TOLD = 10_000


@dataclass(frozen=True, slots=True)
class Remains:
    """What a provider last said of a limit; None where that is not known, or no longer.

    remaining: what was left `age_s` seconds ago. resets_s: until it is whole again.
    """

    amount: int | None = None
    remaining: int | None = None
    resets_s: float = 0.0
    age_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Window:
    """A limit as it is counted: under which key, in windows of how many seconds."""

    key: str
    per_s: int


def take(storage: MemoryStorage | RedisStorage, window: Window, weight: int, most: int) -> bool:
    """Count a request that takes so much, unless more than `most` would then be counted in a
    window; whether it was counted.
    """
    return storage.acquire_entry(window.key, most, window.per_s, weight)


def free_s(storage: MemoryStorage | RedisStorage, window: Window, wanted: int, most: int) -> float:
    """Seconds until about `wanted` may be taken, of `most`; never more than a window."""
    nth = max(1, most - wanted + 1)
    oldest, count = storage.get_moving_window(window.key, nth, window.per_s)
    if not count:
        return _SOON_S
    return min(max(_SOON_S, oldest + window.per_s - time.time()), float(window.per_s))


class SharedTally:
    """The count of all processes. Every method but `close` raises one of `AWAY`."""

    def __init__(self, pool: ConnectionPool, prefix: str) -> None:
        """`prefix` stands before each key; nothing is contacted."""
        self._pool, self._prefix = pool, prefix
        self._redis = Redis(connection_pool=pool)
        self.counts = RedisStorage("redis://", connection_pool=pool, key_prefix=prefix)

    def look(self, keys: Sequence[str]) -> tuple[str, list[Remains]]:
        """The mark of what Redis holds, and what was last said of these limits; one round trip.

        What is empty is marked; a Redis that only answers, and takes nothing (a full one, a
        replica), refuses that.
        """
        with self._redis.pipeline(transaction=False) as line:
            line.set(self._key("epoch"), str(uuid4()), nx=True)
            line.get(self._key("epoch"))
            for key in keys:
                line.get(self._key(key, "amount"))
                line.get(self._key(key, "told"))
                line.pttl(self._key(key, "told"))
            _, epoch, *told = line.execute()
        return _text(epoch), [_told(*told[at : at + 3]) for at in range(0, len(told), 3)]

    def keep(self, key: str, remaining: int, resets_s: float, amount: int | None) -> None:
        """Remember what a provider says of a limit, until that is out of date."""
        resets_ms = max(1, round(resets_s * 1000))
        family, _, whose = key.rpartition(":")
        with self._redis.pipeline(transaction=False) as line:
            line.set(self._key(key, "told"), f"{remaining} {resets_ms}", px=resets_ms)
            line.zadd(self._key(family, _LEFT), {whose: remaining})
            line.expire(self._key(family, _LEFT), AMOUNT_S)
            if amount is not None:
                line.set(self._key(key, "amount"), amount, ex=AMOUNT_S)
            line.execute()

    def least(self, family: str) -> Remains | None:
        """What was last said of the limit of that family (a key without its owner) of which the
        least is left; None where nothing is known.

        What is out of date is dropped on the way. One of which something is heard at just that
        moment is dropped too, until the next answer.
        """
        place = self._key(family, _LEFT)
        while found := [_text(one) for one in self._redis.zrange(place, 0, _LOOKED_AT - 1)]:
            _, told = self.look([f"{family}:{whose}" for whose in found])
            known = [one for one in told if one.remaining is not None]
            if known:
                return known[0]
            self._redis.zrem(place, *found)
        return None

    def close(self) -> None:
        """Let go of the sockets."""
        self._pool.disconnect()

    def _key(self, *parts: str) -> str:
        return ":".join((self._prefix, *parts))


def _text(raw: object) -> str:
    return raw.decode("ascii", "replace") if isinstance(raw, bytes) else str(raw)


def _told(amount: object, told: object, left_ms: object) -> Remains:
    """What is kept under our keys and is none of ours says nothing."""
    try:
        known = int(_text(amount)) if amount is not None else None
        if told is None or not isinstance(left_ms, int) or left_ms < 0:
            return Remains(known)
        remaining, resets_ms = map(int, _text(told).split())
    except ValueError:
        return Remains()
    return Remains(known, remaining, left_ms / 1000, max(0, resets_ms - left_ms) / 1000)


@dataclass(slots=True)
class OwnTally:
    """The count of this process alone, for as long as nothing else is to be believed."""

    clock: Callable[[], float]
    _counts: MemoryStorage | None = None
    _told: dict[str, tuple[int, float, float, int | None]] = field(default_factory=dict)

    @property
    def counts(self) -> MemoryStorage:
        """Made when first needed: it runs timers of its own."""
        if self._counts is None:
            self._counts = MemoryStorage()
        return self._counts

    def look(self, key: str) -> Remains:
        """What this process was last told of a limit."""
        remaining, resets_s, at, amount = self._told.get(key, (0, 0.0, 0.0, None))
        age_s = self.clock() - at
        if resets_s <= age_s:
            return Remains(amount)
        return Remains(amount, remaining, resets_s - age_s, age_s)

    def keep(self, key: str, remaining: int, resets_s: float, amount: int | None) -> None:
        """Remember what a provider says of a limit."""
        if len(self._told) >= _MOST_TOLD:
            self._told.clear()
        self._told[key] = (remaining, resets_s, self.clock(), amount)
