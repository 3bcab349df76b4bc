"""Sends one connection a trial webhook, as its provider would, and follows it to its document.

Law: it goes the way that a provider's webhook goes, over HTTP and signed with a secret that is
live; what it speaks of can be no real thing of the provider's, unless it is looked up.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import httpx
import sqlalchemy as sa

from ingest.core.errors import BadInput, PermanentError, Unavailable
from ingest.core.identity import document_id
from ingest.core.secret import Secret
from ingest.flows.subscriptions.urls import route_of
from ingest.sources.contract import Message, Normalised, Source
from ingest.sources.registry import source
from ingest.store import connections, feeds, ledger, queue_admin, reading
from ingest.store.connections import Connection
from ingest.store.engine import transaction
from ingest.testing.sample import SampleDelivery, TrialWebhook, sample_of
from ingest.testing.signing import SignedRequest, request

ANSWER_S = 10.0
_PAUSE_S = 0.1


class TrialFailed(PermanentError):
    """A trial webhook became no document; the message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of a trial webhook.

    title: what it told, of a thing that nobody has or, where it is looked up, of one that the
    connection feeds. answer: the receiver's status for it. status, reason: where the delivery
    stands. documents: those that it speaks of and that are in sight, as `reading.show` has them.
    cause: why there is none; None where there is one.
    """

    connection_id: str
    route: str
    title: str
    delivery: int
    answer: str
    status: str
    reason: str | None
    documents: list[dict[str, Any]]
    cause: str | None


@dataclass(frozen=True, slots=True)
class TrialRoute:
    """Where to send it, and the secret that the connection's own route verifies with.

    shared: that of the app-wide route, for a connection without one of its own.
    """

    url: str
    own: Secret | None = field(default=None, repr=False)
    shared: Secret | None = field(default=None, repr=False)


def send_trial(
    engine: sa.Engine,
    connection: Connection,
    receiver: TrialRoute,
    *,
    about: str | None = None,
    timeout_s: float,
) -> Tried:
    """Send a connection a trial webhook of its source, and follow it for `timeout_s` seconds.

    about: the id of a thing at the provider, for a webhook that tells nothing itself. Raises
    `BadInput` where that one would write over the thing, where the source has no such webhook, and
    where there is no secret to sign with; `Unavailable` where nobody answers; `TrialFailed` for
    what the receiver refuses.
    """
    now = datetime.now(UTC)
    found, sent, meaning = _trial(engine, connection, about, now)
    route, secret = _signed_for(found, connection, receiver)
    signed = request(
        found.descriptor.scheme, sent.headers, sent.payload, secret=secret, sent_at=now
    )
    answer = _post(receiver.url, route, signed)
    row = _settled(engine, answer["delivery"], timeout_s)
    shown = _documents(engine, connection, meaning)
    return Tried(
        connection.id,
        route,
        sent.title,
        answer["delivery"],
        answer["status"],
        row["status"],
        row["reason"] or row["last_error"],
        shown,
        None if shown else _cause(row, connection, meaning, timeout_s),
    )


def _trial(
    engine: sa.Engine, connection: Connection, about: str | None, now: datetime
) -> tuple[Source, SampleDelivery, Normalised]:
    """The source, its webhook for this connection, and what that means."""
    found = source(connection.source_type)
    sample = sample_of(connection.source_type)
    if sample is None or sample.trial is None:
        raise BadInput(f"{found.descriptor.title} gives no test webhook: its `SAMPLE` has no trial")
    trial = TrialWebhook(connection.metadata, str(uuid.uuid4()), now, about)
    sent = sample.trial(trial)
    meaning = _meaning(found, connection, sent, now)
    if about is None and connection.has_token and not meaning.told:
        sent = sample.trial(replace(trial, about=_known(engine, connection, meaning)))
        meaning = _meaning(found, connection, sent, now)
    elif about is not None and (meaning.told or not connection.has_token):
        raise BadInput(
            f"{found.descriptor.title}'s webhook tells the content itself, which would be written "
            f"over {about}; leave --about away"
            if meaning.untokened
            else "the connection has no API token, so that nothing is looked up; leave --about away"
        )
    return found, sent, meaning


def _known(engine: sa.Engine, connection: Connection, meaning: Normalised) -> str | None:
    """The id of something of that kind that the connection feeds: it can be looked up."""
    kind = meaning.asked[0].identity.kind if meaning.asked else ""
    with transaction(engine) as conn:
        return feeds.any_fed(conn, connection.id, kind)


def _meaning(
    found: Source, connection: Connection, sent: SampleDelivery, at: datetime
) -> Normalised:
    descriptor = found.descriptor
    own = descriptor.connection_tenants(connection.metadata)[0]
    key = descriptor.delivery_key(sent.headers, sent.payload) or ""
    scope = descriptor.scope(own, connection.metadata)
    return found.normalise(Message(sent.headers, sent.payload, key, at, scope, connection.metadata))


def _signed_for(found: Source, connection: Connection, receiver: TrialRoute) -> tuple[str, Secret]:
    """The route, and the secret that is verified there."""
    own, shared = route_of(connection.source_type, connection.id), receiver.shared
    if receiver.own is not None:
        return own, receiver.own
    if found.descriptor.signs_for_all_tenants and shared is not None:
        return own.rpartition("/")[0], shared
    raise BadInput(
        f"connection {connection.id} has no webhook secret, so that its route refuses every "
        f"request; give it the one that {found.descriptor.title} has: ingest source credentials "
        f"{connection.id} --webhook-secret-env VAR"
    )


def _post(url: str, route: str, signed: SignedRequest) -> Mapping[str, Any]:
    try:
        response = httpx.post(
            url.rstrip("/") + route,
            content=signed.body,
            headers=dict(signed.headers),
            timeout=ANSWER_S,
            trust_env=False,
        )
    except httpx.HTTPError as error:
        raise Unavailable(
            f"no receiver answers at {url} ({type(error).__name__}); is `ingest up` running, or "
            "another one, to be named with --url?"
        ) from error
    if response.status_code != 200:
        said = " ".join(response.text.split())[:300]
        raise TrialFailed(f"{url}{route} answers {response.status_code}: {said}")
    told: dict[str, Any] = response.json()
    return told


def _settled(engine: sa.Engine, delivery_id: int, timeout_s: float) -> dict[str, Any]:
    """The delivery once it has ended, or as it stands after that time."""
    until = time.monotonic() + timeout_s
    while True:
        with transaction(engine) as conn:
            row = queue_admin.show(conn, delivery_id)
        if row is None:
            raise TrialFailed(
                f"the receiver stored delivery {delivery_id}, which is not in this database; does "
                "it use another DATABASE_URL?"
            )
        if row["status"] != "pending" or time.monotonic() >= until:
            return row
        time.sleep(_PAUSE_S)


def _documents(
    engine: sa.Engine, connection: Connection, meaning: Normalised
) -> list[dict[str, Any]]:
    things = list(dict.fromkeys(_things(meaning)))
    with transaction(engine) as conn:
        stores = connections.stores_of(conn, [connection.id]).get(connection.id, [])
        rows = ledger.read(conn, [document_id(one, store) for store in stores for one in things])
        shown = [reading.show(conn, row.document_id) for row in rows.values()]
    return [one for one in shown if one is not None]


def _things(meaning: Normalised) -> Iterator[Any]:
    for change in meaning.changes:
        yield change.identity


def _cause(
    row: Mapping[str, Any], connection: Connection, meaning: Normalised, timeout_s: float
) -> str:
    if row["status"] == "pending":
        waits = row["last_error"] or "nobody has taken it; does a worker run?"
        return f"delivery {row['id']} is pending after {timeout_s:g} s: {waits}"
    told = f"delivery {row['id']} is {row['status']}: {row['reason']}"
    if meaning.asked and connection.has_token:
        told += "; what it speaks of is looked up, so name a thing that is there with --about ID"
    elif meaning.asked and not meaning.untokened:
        told += "; its events hold no content, so give the connection an API token"
    return told
