"""The tables of resyncs: runs, their lists, and what is known of a connection between two of them.

`schema.sql` says what each is for.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, UUID

from ingest.store.tables.base import METADATA, NO, NOW, ZERO, flag, key, number, refers, zoned_time


def _count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=False, server_default=ZERO)


RUNS = sa.Table(
    "lightfast_sync_runs",
    METADATA,
    sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
    sa.Column("connection_id", key(), refers("connected_sources.id"), nullable=False),
    sa.Column("kind", key(16), nullable=False),
    sa.Column("state", key(16), nullable=False, server_default="waiting"),
    sa.Column("asked_by", key(32), nullable=False),
    sa.Column("scope", key(64), nullable=False),
    sa.Column("fence", sa.BigInteger(), nullable=False, server_default=ZERO),
    flag("confirmed", NO),
    sa.Column("plan", JSONB()),
    sa.Column("reason", sa.Text()),
    zoned_time("requested_at"),
    zoned_time("started_at", default=None),
    zoned_time("finished_at", default=None),
    sa.CheckConstraint("kind IN ('backfill', 'incremental', 'full')", name="ck_sync_runs_kind"),
    sa.CheckConstraint(
        "state IN ('waiting', 'running', 'done', 'failed', 'stopped', 'cancelled')",
        name="ck_sync_runs_state",
    ),
    sa.Index(
        "uq_sync_runs_running",
        "connection_id",
        unique=True,
        postgresql_where=sa.text("state = 'running'"),
    ),
    sa.Index(
        "uq_sync_runs_waiting",
        "connection_id",
        unique=True,
        postgresql_where=sa.text("state = 'waiting'"),
    ),
    sa.Index("idx_sync_runs_connection", "connection_id", "id"),
    sa.Index(
        "idx_sync_runs_whole",
        "connection_id",
        "id",
        postgresql_where=sa.text("kind <> 'incremental'"),
    ),
    sa.Index(
        "idx_sync_runs_ended",
        "finished_at",
        postgresql_where=sa.text("state IN ('done', 'failed', 'cancelled')"),
    ),
    sa.Index(
        "idx_sync_runs_stopped", "connection_id", postgresql_where=sa.text("state = 'stopped'")
    ),
    sa.Index("idx_sync_runs_finished", "finished_at"),
)

PARTS = sa.Table(
    "lightfast_sync_parts",
    METADATA,
    sa.Column("run_id", sa.BigInteger(), refers("sync_runs.id"), primary_key=True),
    sa.Column("resource", key(64), primary_key=True),
    number("position"),
    sa.Column("state", key(16), nullable=False, server_default="due"),
    zoned_time("since", default=None),
    sa.Column("cursor", JSONB()),
    sa.Column("kept", JSONB()),
    sa.Column("made_by", key(64)),
    sa.Column("gap", sa.Text()),
    zoned_time("started_at", default=None),
    zoned_time("finished_at", default=None),
    sa.Column("expected", sa.BigInteger()),
    _count("pages"),
    _count("calls"),
    _count("seen"),
    _count("changed"),
    _count("deleted"),
    _count("errors"),
    number("attempts", 0),
    number("crashes", 0),
    number("setbacks", 0),
    sa.Column("last_error", sa.Text()),
    zoned_time("next_attempt_at"),
    zoned_time("lease_until", default=None),
    sa.Column("lease_token", UUID()),
    sa.CheckConstraint("state IN ('due', 'done', 'failed')", name="ck_sync_parts_state"),
    sa.Index("idx_sync_parts_due", "run_id", postgresql_where=sa.text("state = 'due'")),
)

MARKS = sa.Table(
    "lightfast_sync_marks",
    METADATA,
    sa.Column("connection_id", key(), refers("connected_sources.id"), primary_key=True),
    sa.Column("resource", key(64), primary_key=True),
    sa.Column("scope", key(64), nullable=False),
    zoned_time("through"),
    zoned_time("whole_at", default=None),
    sa.Column("made_by", key(64)),
    sa.Column("kept", JSONB()),
)

SEEN = sa.Table(
    "lightfast_sync_seen",
    METADATA,
    sa.Column("run_id", sa.BigInteger(), refers("sync_runs.id"), primary_key=True),
    sa.Column("identity", UUID(), primary_key=True),
)

SCHEDULES = sa.Table(
    "lightfast_sync_schedules",
    METADATA,
    sa.Column("connection_id", key(), refers("connected_sources.id"), primary_key=True),
    sa.Column("incremental_s", sa.Integer()),
    sa.Column("full_s", sa.Integer()),
)

GAPS = sa.Table(
    "lightfast_receiver_gaps",
    METADATA,
    sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
    zoned_time("began_at"),
    zoned_time("ended_at"),
)

HEARTBEATS = sa.Table(
    "lightfast_heartbeats",
    METADATA,
    sa.Column("name", key(32), primary_key=True),
    zoned_time("beat_at"),
)

CLOCKS = sa.Table(
    "lightfast_clocks",
    METADATA,
    sa.Column("process", key(), primary_key=True),
    sa.Column("ahead_s", sa.Double(), nullable=False),
    zoned_time("told_at"),
)

SUBSCRIPTIONS = sa.Table(
    "lightfast_subscriptions",
    METADATA,
    sa.Column("connection_id", key(), refers("connected_sources.id"), primary_key=True),
    sa.Column("public_url", sa.Text(), nullable=False),
    sa.Column("external_id", sa.Text()),
    flag("answered", NO),
    zoned_time("told_at"),
)

MISSED_CHECKS = sa.Table(
    "lightfast_missed_checks",
    METADATA,
    sa.Column("connection_id", key(), refers("connected_sources.id"), primary_key=True),
    zoned_time("through"),
    sa.Column("stage", key(16), nullable=False, server_default="ended"),
    zoned_time("began_at", default=None),
    sa.Column("cursor", JSONB()),
    zoned_time("due_at"),
    zoned_time("claimed_at", default=None),
    _count("lease"),
    zoned_time("lease_until", default=None),
    number("attempts", 0),
    _count("found"),
    _count("redelivered"),
    _count("recovered"),
    _count("lost"),
    sa.Column("last_error", sa.Text()),
    sa.CheckConstraint("stage IN ('ended', 'walking', 'bringing')", name="ck_missed_checks_stage"),
    sa.Index("idx_missed_checks_due", "due_at"),
)

MISSED_DELIVERIES = sa.Table(
    "lightfast_missed_deliveries",
    METADATA,
    sa.Column("connection_id", key(), refers("connected_sources.id"), primary_key=True),
    sa.Column("delivery_key", key(255), primary_key=True),
    sa.Column("handle", sa.Text(), nullable=False),
    sa.Column("missed_at", sa.TIMESTAMP(timezone=True), nullable=False),
    number("tries", 0),
    sa.Column("due_at", sa.TIMESTAMP(timezone=True), server_default=NOW),
)
