"""Where the change feed is pushed to; `schema.sql` says what each column is for."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, JSONB, UUID

from ingest.store.tables.base import METADATA, NO, ZERO, flag, key, number, zoned_time

SINKS = sa.Table(
    "lightfast_change_sinks",
    METADATA,
    sa.Column("name", key(), primary_key=True),
    sa.Column("kind", key(16), nullable=False),
    sa.Column("target", sa.Text(), nullable=False),
    sa.Column("options", JSONB(), nullable=False),
    sa.Column("secret", BYTEA()),
    sa.Column("stores", ARRAY(sa.Text())),
    sa.Column("source_types", ARRAY(sa.Text())),
    flag("paused", NO),
    sa.Column("problem", sa.Text()),
    number("attempts", 0),
    zoned_time("next_attempt_at"),
    sa.Column("lease_token", UUID()),
    zoned_time("lease_until", default=None),
    sa.Column("taken", ARRAY(sa.Text()), nullable=False, server_default=sa.text("'{}'")),
    sa.Column("delivered", sa.BigInteger(), nullable=False, server_default=ZERO),
    zoned_time("delivered_at", default=None),
    zoned_time("fell_behind_at", default=None),
    zoned_time("created_at"),
    sa.CheckConstraint(
        "kind IN ('redis-stream', 'celery-task', 'webhook')", name="ck_change_sinks_kind"
    ),
)
