"""A source's life as a connection: connected, paused, resumed, disconnected.

What a person gives is checked here, against what the source says about itself; each step is one
transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import sqlalchemy as sa
from pydantic import ValidationError

from ingest.core.errors import BadInput, NotConnected
from ingest.core.values import JSON
from ingest.core.vault import Vault
from ingest.sources.contract import Descriptor
from ingest.store import connections, credentials, queue_admin, stores
from ingest.store.connections import CONFIGURED, DISCONNECTED, PAUSED
from ingest.store.engine import transaction

NAME_CHARS = 255


def connect_source(
    engine: sa.Engine,
    descriptor: Descriptor,
    *,
    name: str,
    metadata: Mapping[str, JSON],
    store_ids: Collection[str],
    secrets: Mapping[str, str],
    vault: Vault | None,
) -> str:
    """Connect a source to stores; the connection's id. `secrets` by kind need a vault.

    Raises `BadInput` for a name, metadata, a store or a secret that cannot be used.
    """
    if not name.strip() or len(name) > NAME_CHARS:
        raise BadInput(f"the name has {len(name)} characters; give 1 to {NAME_CHARS}")
    told = connection_metadata(descriptor, metadata)
    tenant = descriptor.connection_tenant(told)
    if descriptor.scheme.refused_secrets.intersection(secrets.values()):
        raise BadInput(
            f"the webhook secret is {descriptor.title}'s public test secret; give the webhook's own"
        )
    with transaction(engine) as conn:
        _require_stores(conn, store_ids)
        created = connections.create(
            conn,
            source_type=descriptor.source_type,
            name=name,
            metadata=told,
            tenant=tenant,
            store_ids=store_ids,
        )
        for kind, secret in secrets.items():
            if vault is not None:
                credentials.add(conn, vault, created, kind, secret)
    return created


def connection_metadata(descriptor: Descriptor, told: Mapping[str, JSON]) -> dict[str, JSON]:
    """The metadata as it is stored: the seed's shape, with `type`, nothing absent as null.

    Raises `BadInput` that names each field which is missing or wrong.
    """
    try:
        model = descriptor.connection.model_validate(told)
    except ValidationError as error:
        faults = [
            f"{'.'.join(str(part) for part in fault['loc']) or 'the whole'}: {fault['msg']}"
            for fault in error.errors(include_url=False, include_input=False)
        ]
        raise BadInput(
            f"the metadata does not fit {descriptor.title}'s connection: {'; '.join(faults)}"
        ) from error
    stored: dict[str, JSON] = model.model_dump(mode="json", by_alias=True, exclude_none=True)
    return stored


def pause(engine: sa.Engine, connection_id: str) -> None:
    """Let deliveries wait; they are still received."""
    with transaction(engine) as conn:
        _require_connected(conn, connection_id)
        connections.set_status(conn, connection_id, is_active=False, status=PAUSED)


def resume(engine: sa.Engine, connection_id: str) -> int:
    """Go on, with what waited first; how many deliveries that were. The caller rings."""
    with transaction(engine) as conn:
        _require_connected(conn, connection_id)
        connections.set_status(conn, connection_id, is_active=True, status=CONFIGURED)
        return queue_admin.hurry(conn, connection_id)


def disconnect(engine: sa.Engine, connection_id: str) -> None:
    """Receive no more, and act no more for it; its documents stay."""
    with transaction(engine) as conn:
        if not connections.set_status(conn, connection_id, is_active=False, status=DISCONNECTED):
            raise _unknown(connection_id)
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


def _require_connected(conn: sa.Connection, connection_id: str) -> None:
    found = connections.by_id(conn, [connection_id]).get(connection_id)
    if found is None:
        raise _unknown(connection_id)
    if found.status == DISCONNECTED:
        raise BadInput(f"connection {connection_id} is disconnected; connect the source again")


def _unknown(connection_id: str) -> NotConnected:
    return NotConnected(
        f"there is no connection {connection_id}; `ingest source list` names those there are"
    )
