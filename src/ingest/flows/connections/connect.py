"""A source's life as a connection: connected, paused, resumed, disconnected.

What a person gives is checked here, against what the source says about itself; each step is one
transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import sqlalchemy as sa
from pydantic import ValidationError

from ingest.core.errors import BadInput, NotConnected, Refused
from ingest.core.values import JSON
from ingest.core.vault import Vault
from ingest.flows.connections import agreement
from ingest.flows.deliveries.normalise import TOKENLESS
from ingest.flows.receiving.handshake import HANDSHAKE_S
from ingest.sources.contract import Descriptor
from ingest.sources.hosts import Reach, base_of
from ingest.sources.registry import source
from ingest.store import (
    conditions,
    connections,
    credentials,
    handshakes,
    lookups,
    queue_admin,
    stores,
)
from ingest.store.connections import CONFIGURED, DISCONNECTED, PAUSED, REFUSED, Connection
from ingest.store.credentials import API_TOKEN, WEBHOOK_SECRET
from ingest.store.engine import transaction

NAME_CHARS = 255
_OURS = "Value error, "
"""What pydantic puts before a reason of our own."""


def connect_source(
    engine: sa.Engine,
    descriptor: Descriptor,
    *,
    name: str,
    metadata: Mapping[str, JSON],
    store_ids: Collection[str],
    secrets: Mapping[str, str],
    vault: Vault | None,
    reach: Reach | None = None,
) -> str:
    """Connect a source to stores; the connection's id. `secrets` by kind need a vault.

    `reach` is what the operator says of hosts. Raises `BadInput` for a name, metadata, a host, a
    store or a secret that cannot be used, and where a connection that feeds one of the stores
    shapes the same documents otherwise.
    """
    if not name.strip() or len(name) > NAME_CHARS:
        raise BadInput(f"the name has {len(name)} characters; give 1 to {NAME_CHARS}")
    told = connection_metadata(descriptor, metadata)
    tenants = descriptor.connection_tenants(told)
    _check_secrets(descriptor, secrets)
    _check_host(descriptor, told, reach or Reach())
    with transaction(engine) as conn:
        _require_stores(conn, store_ids)
        _require_agreement(conn, descriptor, told, store_ids)
        created = connections.create(
            conn,
            source_type=descriptor.source_type,
            name=name,
            metadata=told,
            tenants=tenants,
            store_ids=store_ids,
        )
        for kind, secret in secrets.items():
            if vault is not None:
                credentials.add(conn, vault, created, kind, secret)
        if descriptor.verification_token is not None and WEBHOOK_SECRET not in secrets:
            handshakes.arm(conn, created, HANDSHAKE_S)
    return created


def replace_credentials(
    engine: sa.Engine, connection_id: str, secrets: Mapping[str, str], vault: Vault
) -> int:
    """Give a connection new credentials: a token replaces the former, a webhook secret joins it.

    A new token is taken for a repair: what the refusal of the former one paused goes on, and what
    was skipped for want of one is replayed; how many deliveries are due now. The caller rings.
    """
    with transaction(engine) as conn:
        conditions.lock(conn, connection_id)
        connection = _require_connected(conn, connection_id)
        _check_secrets(source(connection.source_type).descriptor, secrets)
        for kind, secret in secrets.items():
            if kind == API_TOKEN:
                credentials.remove(conn, connection_id, kind)
            credentials.add(conn, vault, connection_id, kind, secret)
        if API_TOKEN not in secrets:
            return 0
        conditions.clear(conn, connection_id)
        if connection.status == REFUSED:
            connections.set_status(conn, connection_id, is_active=True, status=CONFIGURED)
        lookups.hurry(conn, connection_id)
        replayed = queue_admin.replay_reason(conn, connection_id, TOKENLESS)
        return replayed + queue_admin.hurry(conn, connection_id)


def _check_secrets(descriptor: Descriptor, secrets: Mapping[str, str]) -> None:
    """Raise `BadInput` for secrets that can never work."""
    if descriptor.scheme.refused_secrets.intersection(secrets.values()):
        raise BadInput(
            f"the webhook secret is {descriptor.title}'s public test secret; give the webhook's own"
        )
    if API_TOKEN in secrets:
        descriptor.check_token(secrets[API_TOKEN])


def _check_host(descriptor: Descriptor, metadata: Mapping[str, JSON], reach: Reach) -> None:
    """Raise `BadInput` where the connection's token could be sent to nobody's host but another's.

    A look-up asks again, since the settings may change.
    """
    try:
        base_of(descriptor, metadata, reach)
    except Refused as error:
        raise BadInput(str(error)) from None


def connection_metadata(descriptor: Descriptor, told: Mapping[str, JSON]) -> dict[str, JSON]:
    """The metadata as it is stored: the seed's shape, with `type`, nothing absent as null.

    Raises `BadInput` that names each field which is missing or wrong.
    """
    try:
        model = descriptor.connection.model_validate(told)
    except ValidationError as error:
        faults = [
            f"{'.'.join(str(part) for part in fault['loc']) or 'the whole'}: "
            f"{fault['msg'].removeprefix(_OURS)}"
            for fault in error.errors(include_url=False, include_input=False)
        ]
        raise BadInput(
            f"the metadata does not fit {descriptor.title}'s connection: {'; '.join(faults)}"
        ) from error
    stored: dict[str, JSON] = model.model_dump(mode="json", by_alias=True, exclude_none=True)
    return stored


def pause_source(engine: sa.Engine, connection_id: str) -> None:
    """Let deliveries wait; they are still received."""
    with transaction(engine) as conn:
        _require_connected(conn, connection_id)
        connections.set_status(conn, connection_id, is_active=False, status=PAUSED)


def resume_source(engine: sa.Engine, connection_id: str) -> int:
    """Go on, with what waited first; how many deliveries that were. The caller rings."""
    with transaction(engine) as conn:
        _require_connected(conn, connection_id)
        connections.set_status(conn, connection_id, is_active=True, status=CONFIGURED)
        conditions.clear(conn, connection_id)
        lookups.hurry(conn, connection_id)
        return queue_admin.hurry(conn, connection_id)


def disconnect_source(engine: sa.Engine, connection_id: str) -> None:
    """Receive no more, and act no more for it; its documents stay."""
    with transaction(engine) as conn:
        if not connections.set_status(conn, connection_id, is_active=False, status=DISCONNECTED):
            raise _unknown(connection_id)
        lookups.drop(conn, connection_id)
        queue_admin.hurry(conn, connection_id)


def _require_stores(conn: sa.Connection, store_ids: Collection[str]) -> None:
    """All there, and all of one organization: a connection never reaches across tenants."""
    if not store_ids:
        raise BadInput("a source must feed a store; name one with --store")
    found = {
        row["id"]: row["organization_id"] for s in store_ids for row in stores.listing(conn, s)
    }
    missing = [store for store in store_ids if store not in found]
    if missing:
        raise BadInput(
            f"there is no store {', '.join(missing)}; create it with: ingest store create "
            f"{missing[0]}"
        )
    if len(set(found.values())) > 1:
        raise BadInput("the stores belong to several organizations; connect the source for each")


def _require_agreement(
    conn: sa.Connection,
    descriptor: Descriptor,
    metadata: Mapping[str, JSON],
    store_ids: Collection[str],
) -> None:
    """Nobody else connects anything to the stores until the commit."""
    stores.lock(conn, store_ids)
    for conflict in agreement.conflicts(conn, descriptor, metadata, store_ids):
        raise BadInput(f"{conflict}; {agreement.REMEDY}")


def _require_connected(conn: sa.Connection, connection_id: str) -> Connection:
    found = connections.by_id(conn, [connection_id]).get(connection_id)
    if found is None:
        raise _unknown(connection_id)
    if found.status == DISCONNECTED:
        raise BadInput(f"connection {connection_id} is disconnected; connect the source again")
    return found


def _unknown(connection_id: str) -> NotConnected:
    return NotConnected(
        f"there is no connection {connection_id}; `ingest source list` names those there are"
    )
