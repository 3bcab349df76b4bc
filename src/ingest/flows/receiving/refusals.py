"""Records what was refused: Celery messages, whose senders wait for no answer, and that requests to
a connection could not be verified.

Of what nobody signed only so much is kept as it takes to find who sent it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import sqlalchemy as sa

from ingest.core.canonical import clean
from ingest.core.errors import (
    BadRequest,
    BadSignature,
    NotConnected,
    PermanentError,
    TooLate,
)
from ingest.flows.receiving.messages import EnqueueArguments
from ingest.sources.registry import source_types
from ingest.store import flags, refusals
from ingest.store.engine import transaction
from ingest.store.flags import UNVERIFIED, Flag
from ingest.store.refusals import RefusedMessage

_ANSWERS: Mapping[type[PermanentError], int] = {BadSignature: 401, NotConnected: 404, TooLate: 200}
"""As the receiver answers them over HTTP; what is not named here is a 400."""
_LONGEST_SOURCE, _LONGEST_ID, _LONGEST_REASON = 64, 191, 500
UNKNOWN = "unknown"
"""The source of a message that names none that we have."""


def record(engine: sa.Engine, message: EnqueueArguments, error: PermanentError) -> None:
    """Store what is kept of a refused message, in a transaction of its own.

    Raises `TransientError` where that cannot be: then the message has to come again.
    """
    refusal = refusal_of(message, error)
    with transaction(engine) as conn:
        refusals.record(conn, refusal)


def record_unverified(engine: sa.Engine, connection_id: str, reason: str) -> None:
    """Show with the connection that a request to it bore no signature of its secrets; nothing is
    written for one that is not there. Raises `TransientError` where the database is away.
    """
    with transaction(engine, durable=False) as conn:
        flags.raise_all(
            conn, [Flag(connection_id, UNVERIFIED, said=clean(reason)[:_LONGEST_REASON])]
        )


def refusal_of(message: EnqueueArguments, error: PermanentError) -> RefusedMessage:
    """What is kept of a refused message: whose it claims to be, why it was refused, no body.

    `answer` is the status that HTTP would have; texts are cut. `size` and `digest` (SHA-256, hex)
    are those of the body as it came, base64 not undone; None where it is neither text nor bytes.
    """
    told = message.source_type
    body = _bytes(message.body)
    return RefusedMessage(
        known=told if isinstance(told, str) and told in source_types() else UNKNOWN,
        answer=str(_answer(error)),
        reason=clean(str(error))[:_LONGEST_REASON],
        source_type=_cut(told, _LONGEST_SOURCE),
        connection_id=_cut(message.connection_id, _LONGEST_ID),
        size=None if body is None else len(body),
        digest=None if body is None else hashlib.sha256(body).hexdigest(),
    )


def _answer(error: PermanentError) -> int:
    if isinstance(error, BadRequest):
        return error.status
    return next((status for kind, status in _ANSWERS.items() if isinstance(error, kind)), 400)


def _cut(told: object, longest: int) -> str | None:
    return clean(told)[:longest] if isinstance(told, str) else None


def _bytes(body: object) -> bytes | None:
    """As it came: text, or base64, which is not undone."""
    if isinstance(body, str):
        return body.encode("utf-8", "surrogatepass")
    return bytes(body) if isinstance(body, bytes | bytearray) else None
