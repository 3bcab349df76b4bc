"""A Redis stream: an entry for each change. Source: redis.io, "Redis Streams", XADD."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from redis import ConnectionPool, Redis
from redis.exceptions import RedisError

from ingest.core.errors import Unavailable
from ingest.sinks.message import SinkMessage

MOST_ENTRIES = 100_000
_FLAT = ("op", "document_id", "store_id", "source_type", "source_id", "content_hash")


class RedisStream:
    """A stream that keeps about `most` entries; a slow reader's oldest go first."""

    def __init__(self, pool: ConnectionPool, stream: str, *, most: int = MOST_ENTRIES) -> None:
        self._redis, self._stream, self._most = Redis(connection_pool=pool), stream, most

    def send(self, message: SinkMessage) -> None:
        """Append all of it or nothing. Raises `Unavailable` where Redis does not take it."""
        try:
            with self._redis.pipeline(transaction=True) as pipeline:
                for fields in entries(message):
                    pipeline.xadd(self._stream, fields, maxlen=self._most, approximate=True)
                pipeline.execute()
        except (RedisError, OSError) as error:
            # Its words may quote what it was told; the kind says enough.
            raise Unavailable(f"Redis does not take it: {type(error).__name__}") from None

    def close(self) -> None:
        """Close the sockets."""
        self._redis.connection_pool.disconnect()


def entries(message: SinkMessage) -> list[dict[Any, Any]]:
    """The entries of a message: what one filters by flat, the whole change as JSON."""
    made = [_entry(message.consumer, change) for change in message.changes]
    mark = {"consumer": message.consumer, "position": message.position}
    if message.begins:
        made.insert(0, {"op": "snapshot_begins", **mark})
    if message.ends:
        made.append({"op": "snapshot_ends", **mark})
    return made


def _entry(consumer: str, change: Mapping[str, Any]) -> dict[Any, Any]:
    flat = {name: change[name] for name in _FLAT}
    written = orjson.dumps(change).decode()
    return {**flat, "consumer": consumer, "position": change["position"], "change": written}
