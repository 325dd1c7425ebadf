"""The tables of the whole path: cases, the event log, keys, duty, deadlines, notices, dead letters, plan versions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from services.base.database import Snapshot, Xid8

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "api_key",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("login", sa.Text(), nullable=True),
        sa.Column("realm", sa.Text(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("revoked_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint("(role = 'staff') = (login is not null)", name=op.f("ck_api_key_login")),
        sa.CheckConstraint("realm in ('live', 'drill', 'sandbox')", name=op.f("ck_api_key_realm")),
        sa.CheckConstraint("role in ('channel', 'integrator', 'staff', 'admin')", name=op.f("ck_api_key_role")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_key")),
        sa.UniqueConstraint("hash", name=op.f("uq_api_key_hash")),
    )
    op.create_table(
        "complaint",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("realm", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("api_key_id", sa.Uuid(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("idempotency_key", sa.Text(), nullable=True),
        sa.Column("body_hash", sa.LargeBinary(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("service_type", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=True),
        sa.Column("occurred_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("received_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("concerns", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("personal", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("masked", sa.Text(), nullable=True),
        sa.Column("phone_hash", sa.LargeBinary(), nullable=True),
        sa.Column("email_hash", sa.LargeBinary(), nullable=True),
        sa.Column("account_hash", sa.LargeBinary(), nullable=True),
        sa.Column("track_epoch", sa.Integer(), server_default="0", nullable=False),
        sa.Column("region_code", sa.Text(), nullable=True),
        sa.Column("category", sa.Text(), nullable=True),
        sa.Column("sub_category", sa.Text(), nullable=True),
        sa.Column("severity", sa.Text(), nullable=True),
        sa.Column("reportable", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("judgement", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("plan_version", sa.Integer(), nullable=True),
        sa.Column("group_code", sa.Text(), nullable=True),
        sa.Column("assignee", sa.Text(), nullable=True),
        sa.Column("assignment", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("estimated_repair_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("resolution", sa.Text(), nullable=True),
        sa.Column("resolved_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("closed_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint("realm in ('live', 'drill', 'sandbox')", name=op.f("ck_complaint_realm")),
        sa.CheckConstraint(
            "status in ('received', 'classified', 'dispatched', 'in_progress', 'awaiting_customer', 'resolved', "
            "'closed', 'withdrawn', 'rejected')",
            name=op.f("ck_complaint_status"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_complaint")),
        sa.UniqueConstraint("reference", name=op.f("uq_complaint_reference")),
    )
    op.create_index(
        "ix_complaint_account_hash",
        "complaint",
        ["account_hash"],
        unique=False,
        postgresql_where=sa.text("account_hash is not null"),
    )
    op.create_index(
        "ix_complaint_assignee",
        "complaint",
        ["assignee", "id"],
        unique=False,
        postgresql_where=sa.text("assignee is not null"),
    )
    op.create_index(
        "ix_complaint_email_hash",
        "complaint",
        ["email_hash"],
        unique=False,
        postgresql_where=sa.text("email_hash is not null"),
    )
    op.create_index(
        "ix_complaint_phone_hash",
        "complaint",
        ["phone_hash"],
        unique=False,
        postgresql_where=sa.text("phone_hash is not null"),
    )
    op.create_index("ix_complaint_status_id", "complaint", ["realm", "status", "id"], unique=False)
    op.create_index(
        "uq_complaint_api_key_id_external_id",
        "complaint",
        ["api_key_id", "external_id"],
        unique=True,
        postgresql_where=sa.text("external_id is not null"),
    )
    op.create_index(
        "uq_complaint_api_key_id_idempotency_key",
        "complaint",
        ["api_key_id", "idempotency_key"],
        unique=True,
        postgresql_where=sa.text("idempotency_key is not null"),
    )
    op.create_table(
        "dead_letter",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True, cache=1), nullable=False),
        sa.Column("reader_group", sa.Text(), nullable=False),
        sa.Column("key", sa.Uuid(), nullable=True),
        sa.Column("number", sa.Integer(), nullable=True),
        sa.Column("type", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("record", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("parked_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("settled_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint(
            "reason in ('undecodable', 'refused', 'failed', 'behind')", name=op.f("ck_dead_letter_reason")
        ),
        sa.CheckConstraint("status in ('parked', 'replay', 'settled')", name=op.f("ck_dead_letter_status")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dead_letter")),
    )
    op.create_index(
        "ix_dead_letter_open",
        "dead_letter",
        ["reader_group", "id"],
        unique=False,
        postgresql_where=sa.text("status <> 'settled'"),
    )
    op.create_index(
        "uq_dead_letter_reader_group_key_number",
        "dead_letter",
        ["reader_group", "key", "number"],
        unique=True,
        postgresql_where=sa.text("status <> 'settled' and key is not null"),
    )
    op.create_table(
        "duty",
        sa.Column("login", sa.Text(), nullable=False),
        sa.Column("on_duty", sa.Boolean(), nullable=False),
        sa.Column("open_cases", sa.Integer(), server_default="0", nullable=False),
        sa.Column("last_assigned_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("login", name=op.f("pk_duty")),
    )
    op.create_table(
        "event",
        sa.Column("position", sa.BigInteger(), sa.Identity(always=True, cache=1), nullable=False),
        sa.Column("xid", Xid8(), server_default=sa.text("pg_current_xact_id()"), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("key", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("realm", sa.Text(), nullable=False),
        sa.Column("time", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("data", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("private", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.CheckConstraint("realm in ('live', 'drill', 'sandbox')", name=op.f("ck_event_realm")),
        sa.CheckConstraint("number > 0", name=op.f("ck_event_number")),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_event")),
        sa.UniqueConstraint("key", "number", name=op.f("uq_event_key_number")),
    )
    op.create_index("ix_event_xid_position", "event", ["xid", "position"], unique=False)
    op.create_table(
        "plan_version",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_plan_version")),
    )
    op.create_table(
        "reader_cursor",
        sa.Column("reader_group", sa.Text(), nullable=False),
        sa.Column("shares", sa.Integer(), nullable=False),
        sa.Column("share", sa.Integer(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("snapshot", Snapshot(), nullable=False),
        sa.Column("target", Snapshot(), nullable=True),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("reader_group", "shares", "share", name=op.f("pk_reader_cursor")),
    )
    op.create_table(
        "deadline",
        sa.Column("complaint_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("realm", sa.Text(), nullable=False),
        sa.Column("started_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("due_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("met_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint("kind in ('acknowledge', 'respond', 'resolve')", name=op.f("ck_deadline_kind")),
        sa.ForeignKeyConstraint(["complaint_id"], ["complaint.id"], name=op.f("fk_deadline_complaint_id")),
        sa.PrimaryKeyConstraint("complaint_id", "kind", name=op.f("pk_deadline")),
    )
    op.create_index(
        "ix_deadline_due_at", "deadline", ["due_at"], unique=False, postgresql_where=sa.text("met_at is null")
    )
    op.create_table(
        "notice",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("complaint_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("cause", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("realm", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("way", sa.Text(), nullable=False),
        sa.Column("facts", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("requested_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("due_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("claimed_until", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("sent_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.CheckConstraint("realm in ('live', 'drill', 'sandbox')", name=op.f("ck_notice_realm")),
        sa.CheckConstraint("status in ('pending', 'sent', 'failed')", name=op.f("ck_notice_status")),
        sa.ForeignKeyConstraint(["complaint_id"], ["complaint.id"], name=op.f("fk_notice_complaint_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice")),
        sa.UniqueConstraint("complaint_id", "kind", "cause", name=op.f("uq_notice_complaint_id_kind_cause")),
    )
    op.create_index(
        "ix_notice_due_at", "notice", ["due_at"], unique=False, postgresql_where=sa.text("status = 'pending'")
    )


def downgrade() -> None:
    op.drop_index("ix_notice_due_at", table_name="notice", postgresql_where=sa.text("status = 'pending'"))
    op.drop_table("notice")
    op.drop_index("ix_deadline_due_at", table_name="deadline", postgresql_where=sa.text("met_at is null"))
    op.drop_table("deadline")
    op.drop_table("reader_cursor")
    op.drop_table("plan_version")
    op.drop_index("ix_event_xid_position", table_name="event")
    op.drop_table("event")
    op.drop_table("duty")
    op.drop_index(
        "uq_dead_letter_reader_group_key_number",
        table_name="dead_letter",
        postgresql_where=sa.text("status <> 'settled' and key is not null"),
    )
    op.drop_index("ix_dead_letter_open", table_name="dead_letter", postgresql_where=sa.text("status <> 'settled'"))
    op.drop_table("dead_letter")
    op.drop_index(
        "uq_complaint_api_key_id_idempotency_key",
        table_name="complaint",
        postgresql_where=sa.text("idempotency_key is not null"),
    )
    op.drop_index(
        "uq_complaint_api_key_id_external_id",
        table_name="complaint",
        postgresql_where=sa.text("external_id is not null"),
    )
    op.drop_index("ix_complaint_status_id", table_name="complaint")
    op.drop_index("ix_complaint_phone_hash", table_name="complaint", postgresql_where=sa.text("phone_hash is not null"))
    op.drop_index("ix_complaint_email_hash", table_name="complaint", postgresql_where=sa.text("email_hash is not null"))
    op.drop_index("ix_complaint_assignee", table_name="complaint", postgresql_where=sa.text("assignee is not null"))
    op.drop_index(
        "ix_complaint_account_hash",
        table_name="complaint",
        postgresql_where=sa.text("account_hash is not null"),
    )
    op.drop_table("complaint")
    op.drop_table("api_key")
