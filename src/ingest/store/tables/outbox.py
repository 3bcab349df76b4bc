"""The change feed's tables; `schema.sql` says what for, and has the triggers beside them."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, UUID

from ingest.store.tables.base import METADATA, YES, ZERO, key, number, zoned_time


def _texts(name: str, *, may_be_null: bool = False) -> sa.Column[list[str]]:
    return sa.Column(name, ARRAY(sa.Text()), nullable=may_be_null)


OUTBOX = sa.Table(
    "lightfast_document_outbox",
    METADATA,
    sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
    sa.Column("position", sa.BigInteger()),
    sa.Column("transaction_id", sa.BigInteger(), nullable=False),
    zoned_time("written_at"),
    sa.Column("said", key(16), nullable=False),
    number("documents"),
    _texts("document_ids"),
    _texts("store_ids"),
    _texts("source_types"),
    _texts("source_ids"),
    _texts("content_hashes"),
    _texts("config_hashes"),
    sa.Column("updated_at", ARRAY(sa.TIMESTAMP()), nullable=False),
    sa.Column("fields", ARRAY(sa.Integer())),
    _texts("chunks", may_be_null=True),
    _texts("added", may_be_null=True),
    _texts("removed", may_be_null=True),
    sa.CheckConstraint(
        "said IN ('added', 'changed', 'cut', 'hidden', 'deleted')", name="ck_outbox_said"
    ),
    sa.Index("uq_outbox_position", "position", unique=True),
    sa.Index("idx_outbox_fresh", "id", postgresql_where=sa.text("position IS NULL")),
)

HEAD = sa.Table(
    "lightfast_outbox_head",
    METADATA,
    sa.Column("one", sa.Boolean(), primary_key=True, server_default=YES),
    sa.Column("last", sa.BigInteger(), nullable=False, server_default=ZERO),
    sa.Column("pruned", sa.BigInteger(), nullable=False, server_default=ZERO),
    sa.CheckConstraint("one", name="ck_outbox_head_one"),
)

CONSUMERS = sa.Table(
    "lightfast_change_consumers",
    METADATA,
    sa.Column("name", key(), primary_key=True),
    _texts("stores", may_be_null=True),
    _texts("source_types", may_be_null=True),
    sa.Column("position", sa.BigInteger(), nullable=False),
    sa.Column("snapshot", sa.Boolean(), nullable=False),
    _texts("page", may_be_null=True),
    number("snapshots", 0),
    zoned_time("fell_behind_at", default=None),
    sa.Column("lease_token", UUID()),
    zoned_time("lease_until", default=None),
    zoned_time("created_at"),
    zoned_time("seen_at", default=None),
)
