"""Our own tables: the queue, the ledger, what hangs on them. `schema.sql` says what each is for."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import BYTEA, JSONB, UUID

from ingest.store.tables.base import (
    METADATA,
    NO,
    YES,
    SourceType,
    flag,
    key,
    number,
    refers,
    zoned_time,
)


def _serial() -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True)


def _rank(name: str = "rank") -> sa.Column[str]:
    """Compared byte by byte, as the order of changes is."""
    return sa.Column(name, sa.Text(collation="C"))


DELIVERIES = sa.Table(
    "lightfast_webhook_deliveries",
    METADATA,
    _serial(),
    sa.Column("source_type", SourceType(), nullable=False),
    sa.Column("connection_id", key(), refers("connected_sources.id")),
    sa.Column("delivery_key", key(255), nullable=False),
    sa.Column("body_hash", BYTEA(), nullable=False),
    sa.Column("headers", JSONB(), nullable=False),
    sa.Column("body", BYTEA(), nullable=False),
    sa.Column("status", key(16), nullable=False, server_default="pending"),
    sa.Column("reason", sa.Text()),
    number("attempts", 0),
    flag("suspect", NO),
    flag("lone", NO),
    number("lone_crashes", 0),
    flag("conflicting", NO),
    sa.Column("last_error", sa.Text()),
    zoned_time("next_attempt_at"),
    zoned_time("lease_until", default=None),
    sa.Column("lease_token", UUID()),
    zoned_time("received_at"),
    zoned_time("settled_at", default=None),
    number("setbacks", 0),
    number("overruns", 0),
    sa.Column("lane", key(255), nullable=False, server_default=""),
    zoned_time("missed_at", default=None),
    sa.CheckConstraint(
        "status IN ('pending', 'processed', 'skipped', 'duplicate', 'dead')",
        name="ck_deliveries_status",
    ),
    sa.Index(
        "uq_deliveries_body",
        "delivery_key",
        "connection_id",
        "source_type",
        "body_hash",
        unique=True,
        postgresql_nulls_not_distinct=True,
    ),
    sa.Index(
        "idx_deliveries_due",
        "next_attempt_at",
        "id",
        postgresql_where=sa.text("status = 'pending'"),
    ),
    sa.Index(
        "idx_deliveries_lane",
        "lane",
        "next_attempt_at",
        "id",
        postgresql_where=sa.text("status = 'pending'"),
    ),
    sa.Index(
        "idx_deliveries_unhappy",
        "status",
        "id",
        postgresql_where=sa.text("status IN ('skipped', 'dead')"),
    ),
    sa.Index("idx_deliveries_duplicate", "id", postgresql_where=sa.text("status = 'duplicate'")),
    sa.Index("idx_deliveries_of_connection", "connection_id", "id"),
    sa.Index("idx_deliveries_of_source", "source_type", "id"),
    sa.Index(
        "idx_deliveries_settled",
        "settled_at",
        postgresql_where=sa.text("status IN ('processed', 'skipped', 'duplicate')"),
    ),
)

LEDGER = sa.Table(
    "lightfast_document_ledger",
    METADATA,
    sa.Column("identity", UUID(), primary_key=True),
    sa.Column("document_id", key(), nullable=False),
    sa.Column("store_id", key(), refers("stores.id"), nullable=False),
    sa.Column("source_type", SourceType(), nullable=False),
    sa.Column("scope", sa.Text(), nullable=False),
    sa.Column("kind", key(64), nullable=False),
    sa.Column("external_id", sa.Text(), nullable=False),
    sa.Column("slug", key(256), nullable=False),
    sa.Column("source_id", key(255)),
    sa.Column("parent", UUID()),
    _rank(),
    sa.Column("state", key(16), nullable=False, server_default="unknown"),
    flag("fed", YES),
    flag("visible", YES),
    sa.Column("patches", JSONB()),
    number("revision", 0),
    sa.Column("made", key(64)),
    zoned_time("heard_at", default=None),
    zoned_time("created_at", default=None),
    _rank("created_rank"),
    sa.Column("reading", JSONB()),
    sa.CheckConstraint("state IN ('unknown', 'live', 'deleted')", name="ck_ledger_state"),
    sa.Index("uq_ledger_document", "document_id", unique=True),
    sa.Index("idx_ledger_parent", "parent", postgresql_where=sa.text("parent IS NOT NULL")),
    sa.Index("idx_ledger_kind", "store_id", "source_type", "kind", "document_id"),
)

WITHHELD = sa.Table(
    "lightfast_withheld_documents",
    METADATA,
    sa.Column("document_id", key(), refers("document_ledger.document_id"), primary_key=True),
    sa.Column("document", JSONB(), nullable=False),
    sa.Column("chunks", JSONB(), nullable=False),
    sa.Column("refs", JSONB(), nullable=False),
)

FEEDS = sa.Table(
    "lightfast_document_feeds",
    METADATA,
    sa.Column("document_id", key(), refers("document_ledger.document_id"), primary_key=True),
    sa.Column("connection_id", key(), refers("connected_sources.id"), primary_key=True),
    flag("feeding", YES),
    _rank(),
    number("revision", 0),
    sa.Index("idx_feeds_connection", "connection_id"),
    sa.Index("idx_feeds_connection_document", "connection_id", "document_id"),
)

CHUNKS = sa.Table(
    "lightfast_document_chunks",
    METADATA,
    sa.Column("document_id", key(), refers("docs_documents.id"), primary_key=True),
    sa.Column("position", sa.Integer(), primary_key=True),
    number("start"),
    sa.Column("text", sa.Text(), nullable=False),
    zoned_time("updated_at"),
)

SCOPES = sa.Table(
    "lightfast_connection_scopes",
    METADATA,
    sa.Column("connection_id", key(), refers("connected_sources.id"), primary_key=True),
    sa.Column("source_type", SourceType(), nullable=False),
    sa.Column("tenant", sa.Text(), primary_key=True),
    sa.Index("idx_scopes_tenant", "source_type", "tenant"),
)

CREDENTIALS = sa.Table(
    "lightfast_source_credentials",
    METADATA,
    _serial(),
    sa.Column("connection_id", key(), refers("connected_sources.id"), nullable=False),
    sa.Column("kind", key(32), nullable=False),
    sa.Column("secret", BYTEA(), nullable=False),
    zoned_time("created_at"),
    zoned_time("expires_at", default=None),
    sa.Index("idx_credentials_connection", "connection_id", "kind"),
)

FACTS = sa.Table(
    "lightfast_connection_facts",
    METADATA,
    sa.Column("connection_id", key(), refers("connected_sources.id"), primary_key=True),
    sa.Column("fact", UUID(), primary_key=True),
    sa.Column("event_key", key(255), nullable=False),
)

UNSIGNED_TIMES = sa.Table(
    "lightfast_unsigned_times",
    METADATA,
    sa.Column("connection_id", key(), refers("connected_sources.id"), primary_key=True),
    sa.Column("fact", UUID(), primary_key=True),
    sa.Column("version", sa.Text(collation="C"), nullable=False),
    sa.Column("object", UUID(), nullable=False),
    sa.Column("delivery_id", sa.BigInteger(), nullable=False),
    sa.Index("idx_unsigned_times_object", "connection_id", "object"),
)

COUNT_MARKS = sa.Table(
    "lightfast_count_marks",
    METADATA,
    _serial(),
    sa.Column("connection_id", key(), refers("connected_sources.id"), nullable=False),
    zoned_time("marked_at"),
    sa.Column("delta", sa.Integer()),
)

SERVES = sa.Table(
    "lightfast_schema_serves",
    METADATA,
    sa.Column("oldest", key(32), primary_key=True),
)

BELLS = sa.Table(
    "lightfast_bells",
    METADATA,
    sa.Column("queue", key(32), primary_key=True),
    zoned_time("rung_at", default=None),
    zoned_time("heard_at", default=None),
)

SLOTS = sa.Table(
    "lightfast_schedule_slots",
    METADATA,
    sa.Column("schedule", key(64), primary_key=True),
    sa.Column("slot", sa.BigInteger(), primary_key=True, autoincrement=False),
    zoned_time("started_at"),
)

DRIFT = sa.Table(
    "lightfast_payload_drift",
    METADATA,
    sa.Column("source_type", SourceType(), primary_key=True),
    sa.Column("field", key(255), primary_key=True),
    sa.Column("seen", sa.BigInteger(), nullable=False, server_default=sa.text("1")),
    zoned_time("first_seen_at"),
)

LOOKUPS = sa.Table(
    "lightfast_lookups",
    METADATA,
    _serial(),
    sa.Column("connection_id", key(), refers("connected_sources.id"), nullable=False),
    sa.Column("object", UUID(), nullable=False),
    sa.Column("scope", sa.Text(), nullable=False),
    sa.Column("kind", key(64), nullable=False),
    sa.Column("external_id", sa.Text(), nullable=False),
    sa.Column("hint", JSONB(), nullable=False),
    sa.Column("asked", sa.BigInteger(), nullable=False, server_default=sa.text("1")),
    sa.Column("taken", sa.BigInteger(), nullable=False, server_default=sa.text("0")),
    number("attempts", 0),
    number("crashes", 0),
    sa.Column("last_error", sa.Text()),
    zoned_time("asked_at"),
    zoned_time("patient_until"),
    zoned_time("next_attempt_at"),
    zoned_time("lease_until", default=None),
    sa.Column("lease_token", UUID()),
    number("setbacks", 0),
    number("overruns", 0),
    flag("told_gone", NO),
    flag("suspect", NO),
    flag("lone", NO),
    zoned_time("missed_at", default=None),
    flag("background", NO),
    sa.Column("run_id", sa.BigInteger()),
    sa.Index("uq_lookups_object", "connection_id", "object", unique=True),
    sa.Index("idx_lookups_due", "connection_id", "background", "next_attempt_at", "id"),
    sa.Index(
        "idx_lookups_running",
        "connection_id",
        postgresql_where=sa.text("lease_until IS NOT NULL"),
    ),
)

WAITERS = sa.Table(
    "lightfast_lookup_waiters",
    METADATA,
    sa.Column("lookup_id", sa.BigInteger(), refers("lookups.id"), primary_key=True),
    sa.Column("delivery_id", sa.BigInteger(), refers("webhook_deliveries.id"), primary_key=True),
    sa.Column("asked", sa.BigInteger(), nullable=False),
    sa.Column("events", JSONB(), nullable=False),
    sa.Column("tellers", JSONB()),
    sa.Index("idx_waiters_delivery", "delivery_id"),
)

STATES = sa.Table(
    "lightfast_lookup_states",
    METADATA,
    sa.Column("connection_id", key(), refers("connected_sources.id"), primary_key=True),
    sa.Column("object", UUID(), primary_key=True),
    sa.Column("state", JSONB(), nullable=False),
)

FENCES = sa.Sequence("lightfast_fences", metadata=METADATA)

CONDITIONS = sa.Table(
    "lightfast_connection_conditions",
    METADATA,
    sa.Column("connection_id", key(), refers("connected_sources.id"), primary_key=True),
    sa.Column("problem", sa.Text()),
    zoned_time("problem_at", default=None),
    zoned_time("held_until", default=None),
    zoned_time("rests_until", default=None),
)

FLAGS = sa.Table(
    "lightfast_connection_flags",
    METADATA,
    sa.Column("connection_id", key(), refers("connected_sources.id"), primary_key=True),
    sa.Column("flag", key(64), primary_key=True),
    sa.Column("subject", key(255), primary_key=True, server_default=""),
    sa.Column("said", sa.Text()),
    sa.Column("version", sa.BigInteger(), nullable=False, server_default=sa.text("0")),
    zoned_time("flagged_at"),
)

HANDSHAKES = sa.Table(
    "lightfast_handshakes",
    METADATA,
    sa.Column("connection_id", key(), refers("connected_sources.id"), primary_key=True),
    zoned_time("armed_until", default=None),
    sa.Column("token", BYTEA()),
    zoned_time("captured_at", default=None),
    zoned_time("shown_at", default=None),
    sa.Column(
        "unproven",
        sa.BigInteger(),
        refers("source_credentials.id", on_delete="SET NULL"),
    ),
)

REFUSED_MESSAGES = sa.Table(
    "lightfast_refused_messages",
    METADATA,
    _serial(),
    sa.Column("source_type", key(64)),
    sa.Column("connection_id", key()),
    sa.Column("answer", key(3), nullable=False),
    sa.Column("reason", key(500), nullable=False),
    sa.Column("size", sa.BigInteger()),
    sa.Column("digest", key(64)),
    zoned_time("refused_at"),
)

REFUSED_MESSAGE_COUNTS = sa.Table(
    "lightfast_refused_message_counts",
    METADATA,
    sa.Column("source_type", key(64), primary_key=True),
    sa.Column("answer", key(3), primary_key=True),
    sa.Column("seen", sa.BigInteger(), nullable=False),
)

LOOKUP_COUNTS = sa.Table(
    "lightfast_lookup_counts",
    METADATA,
    sa.Column("source_type", key(64), primary_key=True),
    sa.Column("outcome", key(16), primary_key=True),
    sa.Column("within_s", sa.Double(), primary_key=True),
    sa.Column("look_ups", sa.BigInteger(), nullable=False),
    sa.Column("seconds", sa.Double(), nullable=False),
)
