"""Connects a source to stores, in one transaction.

What a person gives is checked here, against what the source says about itself.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import sqlalchemy as sa
from pydantic import ValidationError

from ingest.core.errors import BadInput, Refused
from ingest.core.values import JSON
from ingest.core.vault import Vault
from ingest.flows.connections import agreement, rereading
from ingest.flows.connections.credentials import check_secrets
from ingest.flows.receiving.handshake import HANDSHAKE_S
from ingest.sources.contract import Descriptor
from ingest.sources.hosts import Reach, base_of
from ingest.store import (
    connections,
    credentials,
    handshakes,
    stores,
)
from ingest.store.credentials import WEBHOOK_SECRET
from ingest.store.engine import transaction

NAME_CHARS = 255
"""The most of a connection's name."""
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
    """Connect a source to stores, in one transaction; the connection's id.

    metadata: as a person gives it; `connection_metadata` says what is stored.
    store_ids: at least one, all of one organization.
    secrets: by kind (`webhook_secret`, `api_token`), stored encrypted; none without a vault.
    reach: what the operator says of hosts.
    A source whose provider has a handshake waits for it, where no webhook secret is given. Raises
    `BadInput` for a name, metadata, a host, a store or a secret that cannot be used, and where a
    connection that feeds one of the stores shapes the same documents otherwise, or is the very
    same.
    """
    check_name(name)
    told = connection_metadata(descriptor, metadata)
    tenants = descriptor.connection_tenants(told)
    check_secrets(descriptor, secrets)
    check_host(descriptor, told, reach or Reach())
    with transaction(engine) as conn:
        require_stores(conn, store_ids)
        require_agreement(conn, descriptor, told, store_ids)
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
        if rereading.owns(descriptor, told):
            rereading.reread(conn, store_ids, asked_by="a connection")
    return created


def check_name(name: str) -> None:
    """Raise `BadInput` for what can be no connection's name."""
    if not name.strip() or len(name) > NAME_CHARS:
        raise BadInput(f"the name has {len(name)} characters; give 1 to {NAME_CHARS}")


def check_host(descriptor: Descriptor, metadata: Mapping[str, JSON], reach: Reach) -> None:
    """Raise `BadInput` where the token would go to a host that is not the provider's, nor allowed.

    A look-up checks it again, since the settings may change. A source that asks nobody has no host.
    """
    if not descriptor.api_hosts and not descriptor.api_url(metadata):
        return
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


def require_stores(
    conn: sa.Connection, store_ids: Collection[str], *, organization_id: str | None = None
) -> None:
    """All there, and all of one organization: a connection never reaches across tenants.

    Raises `BadInput`. organization_id: the connection's own, where it has one by now.
    """
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
    owners = {*found.values(), *([organization_id] if organization_id else [])}
    if len(owners) > 1:
        raise BadInput("the stores belong to several organizations; connect the source for each")


def require_agreement(
    conn: sa.Connection,
    descriptor: Descriptor,
    metadata: Mapping[str, JSON],
    store_ids: Collection[str],
    *,
    but: str = "",
) -> None:
    """Raise `BadInput` where another connection of the stores is the very same, or cannot be beside
    it; `but` is the one that asks. Nobody else connects anything to the stores until the commit.
    """
    stores.lock(conn, store_ids)
    same = agreement.twin(conn, descriptor, metadata, store_ids, but=but)
    if same is not None:
        raise BadInput(same)
    for conflict in agreement.conflicts(conn, descriptor, metadata, store_ids):
        if conflict.other.id != but:
            raise BadInput(f"{conflict}; {agreement.REMEDY}")
