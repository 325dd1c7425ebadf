"""What comes in by mail and text message."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

JSONB = postgresql.JSONB(none_as_null=True, astext_type=sa.Text())
MOMENT = sa.TIMESTAMP(timezone=True)


def upgrade() -> None:
    op.create_table(
        "arrival",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("realm", sa.Text(), nullable=False),
        sa.Column("way", sa.Text(), nullable=False),
        sa.Column("peer_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("personal", JSONB, nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("complaint_id", sa.Uuid(), nullable=True),
        sa.Column("notice_id", sa.Uuid(), nullable=True),
        sa.Column("matched_by", sa.Text(), nullable=True),
        sa.Column("why", sa.Text(), nullable=True),
        sa.Column("settled_at", MOMENT, nullable=True),
        sa.Column("settled_by", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.CheckConstraint("realm in ('live', 'drill', 'sandbox')", name=op.f("ck_arrival_realm")),
        sa.CheckConstraint("way in ('email', 'sms')", name=op.f("ck_arrival_way")),
        sa.CheckConstraint("kind in ('message', 'automatic', 'bounce', 'stop', 'start')", name=op.f("ck_arrival_kind")),
        sa.CheckConstraint("status in ('matched', 'unmatched', 'dismissed')", name=op.f("ck_arrival_status")),
        sa.CheckConstraint("status <> 'matched' or complaint_id is not null", name=op.f("ck_arrival_matched")),
        sa.ForeignKeyConstraint(["complaint_id"], ["complaint.id"], name=op.f("fk_arrival_complaint_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_arrival")),
        sa.UniqueConstraint("way", "peer_id", name=op.f("uq_arrival_way_peer_id")),
    )
    op.create_index("ix_arrival_status_id", "arrival", ["realm", "status", "id"])
    op.create_index(
        "ix_arrival_complaint_id",
        "arrival",
        ["complaint_id", "id"],
        postgresql_where=sa.text("complaint_id is not null"),
    )


def downgrade() -> None:
    op.drop_table("arrival")
