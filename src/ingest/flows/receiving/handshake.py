"""Captures the token that a provider brings unsigned, as a webhook secret of its connection.

Law: a token proves no sender, for anybody can send one of his own. That of a connection that does
not wait is refused like any unsigned request. Beside a secret that works it verifies nothing until
a person has seen it, and the one that works stays until the new one is proven
(docs/decisions/0016).
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Sequence

import sqlalchemy as sa

from ingest.core import signing
from ingest.core.errors import (
    BadInput,
    BadSignature,
    NotConnected,
    PermanentError,
    TransientError,
    Unavailable,
)
from ingest.core.secret import Secret
from ingest.core.values import loads
from ingest.core.vault import Vault
from ingest.flows.receiving.admission import LONGEST_HANDSHAKE
from ingest.flows.receiving.intake import Shake
from ingest.flows.receiving.requests import Incoming
from ingest.sources.contract import Descriptor
from ingest.sources.registry import source
from ingest.store import connections, credentials, handshakes
from ingest.store.credentials import WEBHOOK_SECRET
from ingest.store.engine import transaction

HANDSHAKE_S = 15 * 60.0
"""How long a connection waits for its handshake, once it was told to."""


def _token_of(descriptor: Descriptor, incoming: Incoming) -> str | None:
    """The token that a handshake brings; None where the request is none.

    The provider signs it with the token itself, which proves that it came whole.
    """
    read = descriptor.verification_token
    if read is None or incoming.connection_id is None or len(incoming.body) > LONGEST_HANDSHAKE:
        return None
    try:
        payload = loads(incoming.body)
        token = read(payload) if isinstance(payload, dict) else None
        if token is not None and descriptor.scheme.header.lower() in incoming.headers:
            signing.verify(descriptor.scheme, incoming.headers, incoming.body, [token])
    except (BadSignature, PermanentError):
        return None
    return token


def shaken_in(engine: sa.Engine, vault: Callable[[], Vault]) -> Shake:
    """A `Shake` that captures tokens, for a person to be shown once.

    What the provider sends again, we have: that is a handshake too, and nothing is kept. Each is a
    durable transaction; the vault is asked for only then. Raises `Unavailable` where the database
    cannot store it.
    """

    def shake(descriptor: Descriptor, incoming: Incoming, secrets: Sequence[str]) -> bool:
        token = _token_of(descriptor, incoming)
        if token is None or incoming.connection_id is None:
            return False
        if any(_same(token, secret) for secret in secrets):
            return True
        try:
            with transaction(engine) as conn:
                return _capture(conn, vault(), descriptor, incoming.connection_id, token)
        except TransientError as error:
            raise Unavailable(f"the handshake cannot be stored now: {error}") from error

    return shake


def _capture(
    conn: sa.Connection, vault: Vault, descriptor: Descriptor, connection_id: str, token: str
) -> bool:
    """Keep the token where the connection waits for one, or has this one already.

    Where it has no secret yet there is none to be harmed: the token verifies at once, and nobody
    could have given it to the provider before it was shown, so that `rearm` forgets it until then.
    """
    if not handshakes.capture(conn, vault, descriptor.source_type, connection_id, token):
        known = handshakes.captured(conn, vault, connection_id)
        return known is not None and _same(token, known)
    if WEBHOOK_SECRET not in credentials.kinds(conn, connection_id):
        made = credentials.add(conn, vault, connection_id, WEBHOOK_SECRET, token)
        handshakes.set_unproven(conn, connection_id, made)
    return True


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())


def rearm(engine: sa.Engine, connection_id: str) -> None:
    """Wait for a handshake once more, for HANDSHAKE_S; the secrets that work go on working.

    The token of an earlier handshake that was never proven is forgotten. Raises `NotConnected` for
    no live connection, `BadInput` for a provider that has no handshake.
    """
    with transaction(engine) as conn:
        _require_handshake(conn, connection_id)
        handshakes.arm(conn, connection_id, HANDSHAKE_S)


def show(engine: sa.Engine, vault: Vault, connection_id: str) -> Secret:
    """The captured token, once; from then on it verifies, beside what does already.

    Raises `BadInput` that says where the handshake stands, `NotConnected` for no live connection.
    """
    with transaction(engine) as conn:
        title = _require_handshake(conn, connection_id)
        token = handshakes.show(conn, vault, connection_id)
        if token is not None:
            _admit(conn, vault, connection_id, token)
            return token
        stands = handshakes.read(conn, connection_id)
    again = f"`ingest source verification {connection_id} --rearm`"
    if stands is not None and stands.shown_at is not None:
        raise BadInput(f"the token was shown already, and is not kept to be shown; {again}")
    if stands is not None and stands.armed_until is not None:
        raise BadInput(f"{title} has not sent its token yet; send it to the connection's route")
    raise BadInput(f"the connection waits for no token (15 minutes at a time); {again}")


def _admit(conn: sa.Connection, vault: Vault, connection_id: str, token: str) -> None:
    """Let the token verify, where it does not yet; beside others it stays unproven."""
    known = credentials.read(conn, vault, connection_id, WEBHOOK_SECRET)
    if not any(_same(token, secret) for secret in known):
        made = credentials.add(conn, vault, connection_id, WEBHOOK_SECRET, token)
        handshakes.set_unproven(conn, connection_id, made)
    elif len(known) == 1:
        handshakes.set_unproven(conn, connection_id, None)


def confirm(engine: sa.Engine, connection_id: str) -> None:
    """The token that was shown is the provider's own: the older secrets go.

    A person says so, whom the provider showed that it was right. A delivery under it would prove
    nothing: whoever sent a token of his own can sign with it. Raises `BadInput` where there is
    nothing to confirm, `NotConnected` for no live connection.
    """
    with transaction(engine) as conn:
        _require_handshake(conn, connection_id)
        proven = handshakes.unproven(conn, connection_id)
        if proven is None:
            raise BadInput(
                "no token waits to be confirmed: the connection has one secret, or the token was "
                f"not shown yet; see `ingest source verification {connection_id}`"
            )
        credentials.remove_others(conn, connection_id, WEBHOOK_SECRET, proven)
        handshakes.set_unproven(conn, connection_id, None)


def _require_handshake(conn: sa.Connection, connection_id: str) -> str:
    """The title of the connection's provider, which has handshakes."""
    found = connections.by_id(conn, [connection_id]).get(connection_id)
    if found is None or found.status == connections.DISCONNECTED:
        raise NotConnected(f"there is no live connection {connection_id}; see `ingest source list`")
    descriptor = source(found.source_type).descriptor
    if descriptor.verification_token is None:
        raise BadInput(f"{descriptor.title} sends no verification token; it has no handshake")
    return descriptor.title
