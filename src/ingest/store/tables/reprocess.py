"""The table of runs that make anew what is stored; `schema.sql` says what it is for."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

from ingest.store.tables.base import METADATA, ZERO, key, number, zoned_time

RUNS = sa.Table(
    "lightfast_reprocess_runs",
    METADATA,
    sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
    sa.Column("what", ARRAY(key(16)), nullable=False),
    sa.Column("scope", JSONB(), nullable=False),
    sa.Column("state", key(16), nullable=False, server_default="due"),
    sa.Column("asked_by", key(32), nullable=False),
    sa.Column("cursor", JSONB()),
    sa.Column("counts", JSONB(), nullable=False, server_default=sa.text("'{}'")),
    sa.Column("samples", JSONB(), nullable=False, server_default=sa.text("'[]'")),
    sa.Column("steps", sa.BigInteger(), nullable=False, server_default=ZERO),
    number("tries", 0),
    sa.Column("reason", sa.Text()),
    sa.Column("last_error", sa.Text()),
    zoned_time("requested_at"),
    zoned_time("started_at", default=None),
    zoned_time("finished_at", default=None),
    zoned_time("next_attempt_at"),
    zoned_time("lease_until", default=None),
    sa.Column("lease_token", UUID()),
    sa.CheckConstraint(
        "state IN ('due', 'done', 'failed', 'cancelled')", name="ck_reprocess_runs_state"
    ),
    sa.Index(
        "uq_reprocess_runs_asked",
        "what",
        "scope",
        unique=True,
        postgresql_where=sa.text("state = 'due' AND started_at IS NULL"),
    ),
    sa.Index(
        "idx_reprocess_runs_due",
        "next_attempt_at",
        "id",
        postgresql_where=sa.text("state = 'due'"),
    ),
)
