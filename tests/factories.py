"""Stores, connections and signed requests, made with only what the test is about."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from datetime import UTC, datetime

import sqlalchemy as sa

from ingest.core.values import JSON
from ingest.core.vault import Vault
from ingest.sources.registry import all_sources, package_of, source
from ingest.store import connections, credentials
from ingest.store.engine import transaction
from ingest.testing import signing
from ingest.testing.sample import all_samples, sample_of

SECRET_KEY = "a-key-for-tests-that-opens-nothing-elsewhere"
VAULT = Vault([SECRET_KEY])
SECRET = "the webhook secret of a test"

OURS = frozenset(name for name in all_sources() if package_of(name).startswith("ingest."))
"""The source types of this package; another one that is installed has tests of its own."""
METADATA: Mapping[str, Mapping[str, JSON]] = {
    sample.source_type: sample.metadata for sample in all_samples()
}
"""A connection's metadata of each source; its tenant is the one that the source takes from it."""


def make_store(engine: sa.Engine, store_id: str | None = None, **columns: object) -> str:
    """A store with the workspace and organization above it; its id. `columns` are the store's."""
    made = store_id or f"store-{uuid.uuid4().hex[:8]}"
    given = {"id": made, "workspace_id": made, "slug": made, "index_name": made, **columns}
    table = sa.table("lightfast_stores", *(sa.column(name) for name in given))
    with transaction(engine) as conn:
        conn.execute(_ORGANIZATION, {"id": made})
        conn.execute(_WORKSPACE, {"id": made})
        conn.execute(sa.insert(table).values(given))
    return made


def connect(
    engine: sa.Engine,
    source_type: str,
    metadata: Mapping[str, JSON] | None = None,
    secret: str | None = SECRET,
    *,
    stores: Collection[str] = (),
    token: str | None = None,
    vault: Vault = VAULT,
) -> str:
    """A connection that feeds these stores (by default a new one); its id.

    `metadata` is laid over the sample of its source; with a `token` it can look things up.
    """
    told = {**METADATA.get(source_type, {}), **(metadata or {})}
    fed = stores or [make_store(engine)]
    with transaction(engine) as conn:
        made = connections.create(
            conn,
            source_type=source_type,
            name=f"{source_type} of a test",
            metadata=told,
            tenants=source(source_type).descriptor.connection_tenants(told),
            store_ids=fed,
        )
        if secret is not None:
            credentials.add(conn, vault, made, credentials.WEBHOOK_SECRET, secret)
        if token is not None:
            credentials.add(conn, vault, made, credentials.API_TOKEN, token)
    return made


def signed(
    source_type: str,
    body: bytes,
    secret: str = SECRET,
    headers: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """The headers that the provider would send with this body; names in lower case.

    Ids are new ones and the time is now, unless `headers` says otherwise.
    """
    told = {"content-type": "application/json", **_headers(source_type)}
    told |= {name.lower(): value for name, value in (headers or {}).items()}
    return signing.signed(source(source_type).descriptor.scheme, told, body, secret)


def _headers(source_type: str) -> Mapping[str, str]:
    sample = sample_of(source_type)
    return sample.headers(str(uuid.uuid4()), datetime.now(UTC)) if sample is not None else {}


_ORGANIZATION = sa.text("""
INSERT INTO lightfast_organizations (id, clerk_org_slug, claimed_by) VALUES (:id, :id, 'test')
""")
_WORKSPACE = sa.text("""
INSERT INTO lightfast_workspaces (id, organization_id, slug) VALUES (:id, :id, :id)
""")
