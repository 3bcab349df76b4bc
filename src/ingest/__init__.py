"""Event-driven ingestion: signed webhooks in, documents out.

Law: importing this is cheap; nothing is connected before the first delivery.
"""

from __future__ import annotations

from collections.abc import Mapping

from ingest.core.answers import Delivery
from ingest.core.errors import BadRequest, BadSignature, IngestError, NotConnected, Unavailable

__all__ = [
    "BadRequest",
    "BadSignature",
    "Delivery",
    "IngestError",
    "NotConnected",
    "Unavailable",
    "enqueue",
]


def enqueue(
    source_type: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    connection_id: str | None = None,
) -> Delivery:
    """Verify a webhook that a receiver of your own got, store it and wake the workers.

    `headers` are the request's, in any case; `body` is the raw bytes. Without `connection_id` it is
    verified with the app-wide secrets. Once it returns, the delivery is committed; the id is None
    for what is not stored: a `handshake`, and what was signed too long ago and is `dropped`. Answer
    200 to all of them. Raises `BadSignature`, `BadRequest` (or another
    `PermanentError`) and `NotConnected`, which no repetition mends, and `Unavailable` where it
    could not be stored: let the provider send it again.
    """
    from ingest import door  # noqa: PLC0415 - it loads Celery and SQLAlchemy

    return door.enqueue(source_type, headers, body, connection_id)
