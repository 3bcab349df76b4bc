"""Makes, mends and looks at the subscription of a connection, by its provider's API.

Law: the secret stands in the database before the provider hears of it, and one that the provider
makes as soon as it is told; no transaction is open while the provider is asked. What was begun and
did not end well can be done again: the provider takes over what it finds for our URL.
"""

from __future__ import annotations

import secrets
from contextlib import closing
from dataclasses import dataclass, field

import sqlalchemy as sa

from ingest.core.errors import BadInput
from ingest.flows.connections.change import change_connection
from ingest.flows.connections.lifecycle import require_connected
from ingest.flows.lookups.clients import Clients
from ingest.flows.subscriptions.urls import webhook_url
from ingest.sources.quiet_subscriptions import QuietSubscriptions
from ingest.sources.registry import source
from ingest.sources.subscriptions import Observation, Subscribed
from ingest.store import credentials, subscriptions
from ingest.store.connections import Connection
from ingest.store.credentials import WEBHOOK_SECRET
from ingest.store.engine import transaction

SECRET_BYTES = 32
OLD_SECRET_S = 2 * 86_400.0
"""How long an older webhook secret is let in beside a provider's new one: its retries are over."""


@dataclass(frozen=True, slots=True)
class _Terms:
    """A connection as its provider is asked about its subscription.

    secret: a live webhook secret, in the clear; generated: its id where it was made for this.
    is_known: False where it was told before, and nobody knows what it made of that.
    """

    connection: Connection
    token: str | None = field(repr=False)
    url: str
    secret: str = field(repr=False)
    generated: int | None
    is_known: bool


def is_subscribable(connection: Connection) -> bool:
    """Whether a connection's provider can be asked about its subscription at all."""
    return connection.has_token and source(connection.source_type).subscribe is not None


def require_subscribable(source_type: str, *, has_token: bool) -> None:
    """Raise `BadInput`, with what to give, where the provider's API would make a subscription and
    cannot be asked.
    """
    found = source(source_type)
    if found.subscribe is not None and not has_token:
        title = found.descriptor.title
        raise BadInput(f"{title} is asked for a webhook by its API; give a token: --token-env VAR")


def by_hand(source_type: str, url: str) -> str:
    """What a person has to click where the provider's API makes no subscription; `url` is our
    route, whole where it is known.
    """
    found = source(source_type)
    usual = f"have {found.descriptor.title} send its webhooks to {{url}}"
    return (found.by_hand or usual).replace("{url}", url)


def known_public_url(engine: sa.Engine, connection_id: str) -> str | None:
    """Where the connection is reached, as its provider was told, or else as another one was."""
    with transaction(engine) as conn:
        told = subscriptions.read(conn, connection_id)
        return told.public_url if told is not None else subscriptions.last_public_url(conn)


def create_subscription(
    engine: sa.Engine, clients: Clients, connection_id: str, public: str
) -> Subscribed:
    """Have the provider send the connection's webhooks to our route below this public URL.

    It is told a secret of the connection's, or one that is made for it. Raises what a client
    raises; then the connection stays as it is, and `mend_subscription` goes on.
    """
    terms = _prepare(engine, clients, connection_id, public)
    with _asked(clients, terms) as provider:
        made = provider.create(terms.url, terms.secret)
    _keep(engine, clients, terms, made)
    return made


def mend_subscription(
    engine: sa.Engine, clients: Clients, connection_id: str, public: str
) -> Subscribed | None:
    """Put right what can be; None where nothing was to be done. Raises what a client raises.

    One whose making did not end well is made again: nobody may know its secret.
    """
    terms = _prepare(engine, clients, connection_id, public)
    with _asked(clients, terms) as provider:
        if terms.is_known:
            made = provider.mend(terms.url, terms.secret)
        else:
            made = provider.create(terms.url, terms.secret)
    _keep(engine, clients, terms, made)
    return made


def look_at_subscription(
    clients: Clients, connection: Connection, token: str | None, url: str
) -> tuple[Observation, ...]:
    """What the provider says of the subscription that sends to `url`. Raises what a client does."""
    with closing(clients.subscriptions_of(connection, token)) as provider:
        return provider.look(url)


def _asked(clients: Clients, terms: _Terms) -> closing[QuietSubscriptions]:
    return closing(clients.subscriptions_of(terms.connection, terms.token))


def _prepare(engine: sa.Engine, clients: Clients, connection_id: str, public: str) -> _Terms:
    """What the provider will be told, committed before it is."""
    with transaction(engine) as conn:
        connection = require_connected(conn, connection_id)
        token = clients.tokens(conn, [connection_id]).get(connection_id)
        live = credentials.read(conn, clients.vault, connection_id, WEBHOOK_SECRET)
        before = subscriptions.read(conn, connection_id)
        subscriptions.tell(conn, connection_id, public)
        secret, generated = (live[-1], None) if live else _generate(conn, clients, connection_id)
    url = webhook_url(public, connection.source_type, connection_id)
    is_known = before is None or before.answered
    return _Terms(connection, token, url, secret, generated, is_known)


def _generate(conn: sa.Connection, clients: Clients, connection_id: str) -> tuple[str, int]:
    made = secrets.token_urlsafe(SECRET_BYTES)
    return made, credentials.add(conn, clients.vault, connection_id, WEBHOOK_SECRET, made)


def _keep(engine: sa.Engine, clients: Clients, terms: _Terms, made: Subscribed | None) -> None:
    """What the provider answered: its own secret first, which it may never show again.

    A secret that was made for nothing is forgotten; older ones end once nothing signed by them is
    on its way.
    """
    id_ = terms.connection.id
    with transaction(engine) as conn:
        subscriptions.answered(conn, id_, made.id if made is not None else None)
        if made is not None and made.secret is not None:
            _keep_secret(conn, clients, terms, made.secret)
    if made is not None and made.metadata:
        with transaction(engine) as conn:
            change_connection(conn, id_, metadata=made.metadata)


def _keep_secret(conn: sa.Connection, clients: Clients, terms: _Terms, secret: str) -> None:
    id_ = terms.connection.id
    if secret in credentials.read(conn, clients.vault, id_, WEBHOOK_SECRET):
        return
    credentials.add(conn, clients.vault, id_, WEBHOOK_SECRET, secret)
    if terms.generated is not None:
        credentials.retire(conn, id_, terms.generated)
    credentials.expire_others(conn, id_, WEBHOOK_SECRET, OLD_SECRET_S)
