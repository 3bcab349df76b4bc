"""A request as it came over HTTP, by a call or in a message: believed by nobody yet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ingest.sources.contract import Headers


@dataclass(frozen=True, slots=True)
class Head:
    """A request before its body. Header names are in lower case.

    `connection_id` is None for the app-wide route of a source.
    """

    source_type: str
    connection_id: str | None
    headers: Headers


@dataclass(frozen=True, slots=True)
class Incoming:
    """A whole request: its head, the raw bytes, and when the last of them came (UTC)."""

    source_type: str
    connection_id: str | None
    headers: Headers
    body: bytes
    received_at: datetime

    @property
    def head(self) -> Head:
        """What came before the body."""
        return Head(self.source_type, self.connection_id, self.headers)
