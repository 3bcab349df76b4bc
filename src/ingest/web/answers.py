"""The HTTP answer for each outcome: one table. Never a 5xx but 503, never a secret in a text."""

from __future__ import annotations

import asyncio
import contextlib
import math

import orjson
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ingest.core.answers import Delivery
from ingest.core.errors import (
    BadRequest,
    BadSettings,
    BadSignature,
    IngestError,
    NotConnected,
    TransientError,
)

RETRY_AFTER_S = 5.0
"""When to come again, where nothing better is known."""
LEFT = 499
"""The sender left; the code is nginx's, and nobody reads it."""

_STATUS: tuple[tuple[type[IngestError], int], ...] = (
    (BadSignature, 401),
    (NotConnected, 404),
    (TransientError, 503),
    (BadSettings, 503),  # ours to mend; the delivery must come again
    (IngestError, 400),
)
LINGER_S = 4.0
"""For how long what is still sent of a refused body is thrown away."""
LINGER_BYTES = {413: 64 * 2**20}
"""How much of a body that is refused unread is thrown away, by status: a sender of something too
large is told so; of others what is small."""
LINGER_BYTES_ELSE = 256 * 2**10


def taken(delivery: Delivery) -> Response:
    """200 and no other, with the delivery's id and status: Linear counts only that as success.

    The id is null for what is not stored: a handshake, and what is dropped.
    """
    return _json(200, {"delivery": delivery.id, "status": delivery.status})


def refused(error: IngestError, *, unread: bool = False) -> Response:
    """The status that the error's class means, and its message: thing, reason, remedy.

    `unread`: the body is still coming, and nobody wants it; the connection is closed then. A 503
    says when to come again, in `retry-after`. What is wrong inside (which database, which host)
    stands in the log, not in a stranger's answer.
    """
    status = status_of(error)
    headers: dict[str, str] = {}
    problem = str(error)
    if status == 503:
        problem = "deliveries cannot be stored now; send it again later"
        told_s = error.retry_after_s if isinstance(error, TransientError) else None
        headers["retry-after"] = str(math.ceil(told_s or RETRY_AFTER_S))
    if not unread:
        return _json(status, {"error": problem}, headers)
    headers["connection"] = "close"
    return _json(status, {"error": problem}, headers, Lingering)


def status_of(error: IngestError) -> int:
    """The status that stands for an error: a `BadRequest`'s own, else that of its class."""
    if isinstance(error, BadRequest):
        return error.status
    return next(status for kind, status in _STATUS if isinstance(error, kind))


def failed(status: int, problem: str, headers: dict[str, str] | None = None) -> Response:
    """An error that no class of ours stands for: an unknown route, a fault in the program."""
    return _json(status, {"error": problem}, headers)


def not_ready(problem: str) -> Response:
    """For an operator's machinery: what is missing, and when to ask again."""
    return failed(503, problem, {"retry-after": str(math.ceil(RETRY_AFTER_S))})


def fine(**told: str) -> Response:
    """200, with these texts as a JSON object."""
    return _json(200, told)


class Lingering(Response):
    """Told at once; then the body that is still coming is thrown away for a while.

    Closing on a sender that still sends resets the connection, and it would never read the answer
    (RFC 9112, section 9.6). The connection waits for its sender meanwhile, so it makes way for a
    newcomer.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        start = {"type": "http.response.start", "status": self.status_code}
        await send({**start, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": True})
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LINGER_S):
                await _throw_away(receive, LINGER_BYTES.get(self.status_code, LINGER_BYTES_ELSE))
        await send({"type": "http.response.body", "body": b""})


async def _throw_away(receive: Receive, room: int) -> None:
    while room > 0:
        message = await receive()
        room -= len(message.get("body", b""))
        if not message.get("more_body", False):
            return


def _json(
    status: int,
    told: object,
    headers: dict[str, str] | None = None,
    kind: type[Response] = Response,
) -> Response:
    return kind(orjson.dumps(told), status, headers, media_type="application/json")
