"""A provider's unsigned handshake: its token becomes the connection's secret, while waited for.

Law: the token of a connection that does not wait is refused like any unsigned request, so nobody
can put a secret of his own in the place of a live one.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Sequence

import sqlalchemy as sa

from ingest.core.errors import BadInput, NotConnected, PermanentError, TransientError, Unavailable
from ingest.core.values import loads
from ingest.core.vault import Vault
from ingest.flows.admission import LONGEST_HANDSHAKE
from ingest.flows.receive import Incoming, Shake
from ingest.sources.contract import Descriptor
from ingest.sources.registry import source
from ingest.store import connections, credentials, handshakes
from ingest.store.engine import transaction

HANDSHAKE_S = 15 * 60.0


def _token_of(descriptor: Descriptor, incoming: Incoming) -> str | None:
    """The token that a handshake brings; None where the request is none."""
    read = descriptor.verification_token
    if read is None or incoming.connection_id is None or len(incoming.body) > LONGEST_HANDSHAKE:
        return None
    try:
        payload = loads(incoming.body)
    except PermanentError:
        return None
    return read(payload) if isinstance(payload, dict) else None


def shaken_in(engine: sa.Engine, vault: Callable[[], Vault]) -> Shake:
    """Captures tokens: one verifies from then on, and a person is shown it once.

    What the provider sends again, we have: that is a handshake too, and nothing is kept.
    """

    def shake(descriptor: Descriptor, incoming: Incoming, secrets: Sequence[str]) -> bool:
        token = _token_of(descriptor, incoming)
        if token is None or incoming.connection_id is None:
            return False
        if any(hmac.compare_digest(token.encode(), secret.encode()) for secret in secrets):
            return True
        return capture(descriptor.source_type, incoming.connection_id, token)

    def capture(source_type: str, connection_id: str, token: str) -> bool:
        try:
            with transaction(engine) as conn:
                kept = handshakes.capture(conn, vault(), source_type, connection_id, token)
                if kept:
                    kind = credentials.WEBHOOK_SECRET
                    credentials.remove(conn, connection_id, kind)
                    credentials.add(conn, vault(), connection_id, kind, token)
                return kept
        except TransientError as error:
            raise Unavailable(f"the handshake cannot be stored now: {error}") from error

    return shake


def rearm(engine: sa.Engine, connection_id: str) -> None:
    """Wait for a handshake once more; the secret that is there stays until the new one comes."""
    with transaction(engine) as conn:
        _require_handshake(conn, connection_id)
        handshakes.arm(conn, connection_id, HANDSHAKE_S)


def show(engine: sa.Engine, vault: Vault, connection_id: str) -> str:
    """The captured token, once; raises `BadInput` that says where the handshake stands."""
    with transaction(engine) as conn:
        title = _require_handshake(conn, connection_id)
        token = handshakes.show(conn, vault, connection_id)
        if token is not None:
            return token
        stands = handshakes.read(conn, connection_id)
    again = f"`ingest source verification {connection_id} --rearm`"
    if stands is not None and stands.shown_at is not None:
        raise BadInput(f"the token was shown already, and is not kept to be shown; {again}")
    if stands is not None and stands.armed_until is not None:
        raise BadInput(f"{title} has not sent its token yet; send it to the connection's route")
    raise BadInput(f"the connection waits for no token (15 minutes at a time); {again}")


def _require_handshake(conn: sa.Connection, connection_id: str) -> str:
    """The title of the connection's provider, which has handshakes."""
    found = connections.by_id(conn, [connection_id]).get(connection_id)
    if found is None or found.status == connections.DISCONNECTED:
        raise NotConnected(f"there is no live connection {connection_id}; see `ingest source list`")
    descriptor = source(found.source_type).descriptor
    if descriptor.verification_token is None:
        raise BadInput(f"{descriptor.title} sends no verification token; it has no handshake")
    return descriptor.title
