"""What is pushed: the changes of a batch, in as many messages as keep each small. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from ingest.changes import ChangeBatch

MOST_CHANGES, MOST_BYTES = 200, 256 * 1024
"""Of one message. A single change may be larger: of a document with ten thousand chunks."""


@dataclass(frozen=True, slots=True)
class SinkMessage:
    """Changes in order, for one consumer.

    position: up to here the consumer was told, once it took this. snapshot: these are documents
    that stand, of a snapshot that `begins` or `ends` with this message.
    """

    consumer: str
    position: int
    changes: Sequence[Mapping[str, Any]]
    snapshot: bool = False
    begins: bool = False
    ends: bool = False

    def as_json(self) -> dict[str, Any]:
        """As plain JSON; the names are public (docs/changes.md)."""
        snapshot = {"begins": self.begins, "ends": self.ends} if self.snapshot else None
        return {
            "consumer": self.consumer,
            "position": self.position,
            "snapshot": snapshot,
            "changes": [*self.changes],
        }

    @property
    def id(self) -> str:
        """The same for the same message, however often it is sent."""
        return f"msg_{hashlib.sha256(orjson.dumps(self.as_json())).hexdigest()[:32]}"


def messages(batch: ChangeBatch, consumer: str) -> Iterator[SinkMessage]:
    """The messages of a batch, in order; one at least."""
    parts = [*_parts([change.as_json() for change in batch.changes])] or [[]]
    for number, part in enumerate(parts):
        yield SinkMessage(
            consumer,
            batch.position if number == len(parts) - 1 or batch.snapshot else part[-1]["position"],
            part,
            snapshot=batch.snapshot,
            begins=batch.begins and number == 0,
            ends=batch.ends and number == len(parts) - 1,
        )


def _parts(changes: Sequence[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    part: list[Mapping[str, Any]] = []
    size = 0
    for change in changes:
        bytes_ = len(orjson.dumps(change))
        if part and (len(part) == MOST_CHANGES or size + bytes_ > MOST_BYTES):
            yield part
            part, size = [], 0
        part.append(change)
        size += bytes_
    if part:
        yield part
