"""Requests that come otherwise than over HTTP: a Python call, or the message of a Celery client.

The same checks as over HTTP follow; only how a request is handed over differs.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ingest.core.errors import BadRequest
from ingest.core.times import from_epoch_s, parse_time
from ingest.flows.receiving.requests import Incoming

_ENCODING = "content-transfer-encoding"


def from_call(
    source_type: str,
    headers: Mapping[str, str],
    body: bytes,
    connection_id: str | None,
    *,
    now: datetime,
) -> Incoming:
    """A request as a Python caller has it: header names in any case, the raw bytes.

    Of a repeated header the first counts. `now` (UTC) is the time of receipt, by which freshness is
    judged. Raises `BadRequest` for a body or headers of another type.
    """
    if not isinstance(body, bytes | bytearray | memoryview):
        raise BadRequest(f"the body is {type(body).__name__}; give the raw bytes as they came")
    return Incoming(source_type, connection_id, _lowered(headers), bytes(body), now)


@dataclass(frozen=True, slots=True)
class EnqueueArguments:
    """The arguments of the task `ingest.enqueue`: whatever any client, in any language, may send.

    The body is text, or base64 where the header `content-transfer-encoding` says so. `received_at`
    is ISO 8601 or seconds since 1970; a time that is still to come is taken as now. Nothing is
    checked here: `from_message` does.
    """

    source_type: object
    headers: object
    body: object
    connection_id: object = None
    received_at: object = None


NOTHING = EnqueueArguments(None, None, None)
"""Stands for a message whose arguments are none of ours: nothing is known of it."""


def message_of(args: Sequence[object], kwargs: Mapping[str, object]) -> EnqueueArguments:
    """The arguments as they came; raises `BadRequest` for others, or too many, or too few."""
    try:
        return EnqueueArguments(*args, **kwargs)
    except TypeError:
        raise BadRequest(
            "the arguments are not source_type, headers, body, connection_id=None, received_at=None"
        ) from None


def as_arguments(message: EnqueueArguments, *, received_at: str) -> tuple[object, ...]:
    """The arguments of the same message sent once more; they say when it came first.

    That is its own `received_at`, or else the given one (ISO 8601), so that a delivery does not
    grow stale while it is tried again. Empty for `NOTHING`.
    """
    if message is NOTHING:
        return ()
    first_at = received_at if message.received_at is None else message.received_at
    return (
        message.source_type,
        message.headers,
        message.body,
        message.connection_id,
        first_at,
    )


def from_message(message: EnqueueArguments, *, now: datetime) -> Incoming:
    """The request that a message carries; raises `BadRequest` for one that makes no sense.

    `now` (UTC) is the time of receipt where the message names none, or a later one.
    """
    source_type, connection_id = message.source_type, message.connection_id
    if not isinstance(source_type, str):
        raise BadRequest("source_type is not a text")
    if connection_id is not None and not isinstance(connection_id, str):
        raise BadRequest("connection_id is not a text")
    if not isinstance(message.headers, Mapping):
        raise BadRequest("headers are not an object of texts")
    headers = _lowered(message.headers)
    encoding = headers.pop(_ENCODING, "").strip().lower()
    at = now if message.received_at is None else min(_time(message.received_at), now)
    return Incoming(source_type, connection_id, headers, _bytes(message.body, encoding), at)


def _lowered(headers: Mapping[object, object] | Mapping[str, str]) -> dict[str, str]:
    """Header names in lower case; of a repeated one the first counts."""
    lowered: dict[str, str] = {}
    for name, value in headers.items():
        first = value[0] if isinstance(value, list | tuple) and value else value
        if not isinstance(name, str) or not isinstance(first, str):
            raise BadRequest("headers are not an object of texts")
        lowered.setdefault(name.lower(), first)
    return lowered


def _bytes(body: object, encoding: str) -> bytes:
    if isinstance(body, bytes):
        return body
    if not isinstance(body, str):
        raise BadRequest("the body is not a text; send binary bodies as base64")
    try:
        if encoding == "base64":
            return base64.b64decode("".join(body.split()), validate=True)
        return body.encode()
    except (UnicodeEncodeError, binascii.Error, ValueError) as error:
        wanted = "base64" if encoding == "base64" else "UTF-8"
        raise BadRequest(f"the body is not {wanted}: {type(error).__name__}") from None


def _time(told: object) -> datetime:
    try:
        if isinstance(told, str):
            return parse_time(told)
        if isinstance(told, int | float) and not isinstance(told, bool):
            return from_epoch_s(told)
    except ValueError:
        pass
    raise BadRequest("received_at is neither ISO 8601 nor seconds since 1970")
