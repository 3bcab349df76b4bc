"""The tables of the trail; `schema.sql` says what they are for."""

from __future__ import annotations

import sqlalchemy as sa

from ingest.store.tables.base import METADATA, key, number, refers, zoned_time

STEPS = sa.Table(
    "lightfast_trail_steps",
    METADATA,
    sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
    zoned_time("at"),
    sa.Column("document_id", key(), refers("document_ledger.document_id"), nullable=False),
    sa.Column("connection_id", key()),
    sa.Column("delivery_id", sa.BigInteger()),
    sa.Column("lookup_id", sa.BigInteger()),
    sa.Column("run_id", sa.BigInteger()),
    sa.Column("did", key(16), nullable=False),
    sa.Column("hash_before", key(64)),
    sa.Column("hash_after", key(64)),
    sa.Index("idx_trail_document", "document_id", "id"),
    sa.Index(
        "idx_trail_delivery", "delivery_id", postgresql_where=sa.text("delivery_id IS NOT NULL")
    ),
    sa.Index("idx_trail_lookup", "lookup_id", postgresql_where=sa.text("lookup_id IS NOT NULL")),
)
ASKED = sa.Table(
    "lightfast_delivery_lookups",
    METADATA,
    sa.Column("delivery_id", sa.BigInteger(), refers("webhook_deliveries.id"), primary_key=True),
    sa.Column("lookup_id", sa.BigInteger(), primary_key=True),
    sa.Index("idx_delivery_lookups_lookup", "lookup_id"),
)
ATTEMPTS = sa.Table(
    "lightfast_lookup_attempts",
    METADATA,
    sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
    zoned_time("at"),
    sa.Column("lookup_id", sa.BigInteger(), nullable=False),
    sa.Column("connection_id", key(), refers("connected_sources.id"), nullable=False),
    sa.Column("kind", key(64), nullable=False),
    sa.Column("external_id", sa.Text(), nullable=False),
    number("attempt"),
    sa.Column("outcome", key(16), nullable=False),
    sa.Column("error", sa.Text()),
    sa.Column("run_id", sa.BigInteger()),
    sa.Index("idx_lookup_attempts_lookup", "lookup_id", "id"),
    sa.Index("idx_lookup_attempts_connection", "connection_id", "id"),
)
