"""Notices on several ways: what remains to be tried, what the peer says later, what is held back, who wants none."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

MOMENT = sa.TIMESTAMP(timezone=True)
STATUSES = "status in ('pending', 'unconfirmed', 'sent', 'delivered', 'failed', 'dropped')"


def upgrade() -> None:
    op.add_column("notice", sa.Column("ways", sa.ARRAY(sa.Text()), nullable=False, server_default="{}"))
    op.add_column("notice", sa.Column("urgent", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("notice", sa.Column("required", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("notice", sa.Column("recipient", sa.LargeBinary(), nullable=True))
    op.add_column("notice", sa.Column("held", sa.Text(), nullable=True))
    op.add_column("notice", sa.Column("begun_at", MOMENT, nullable=True))
    op.add_column("notice", sa.Column("peer_id", sa.Text(), nullable=True))
    op.add_column("notice", sa.Column("delivered_at", MOMENT, nullable=True))
    op.add_column("notice", sa.Column("merged_into", sa.Uuid(), nullable=True))
    op.alter_column("notice", "due_at", nullable=True)
    op.drop_constraint(op.f("ck_notice_status"), "notice", type_="check")
    op.create_check_constraint(op.f("ck_notice_status"), "notice", STATUSES)
    op.create_check_constraint(op.f("ck_notice_held"), "notice", "held in ('quiet', 'limit')")
    op.drop_index("ix_notice_due_at", "notice")
    pending, unconfirmed = sa.text("status = 'pending'"), sa.text("status = 'unconfirmed' and due_at is not null")
    op.create_index("ix_notice_due_at", "notice", ["way", "due_at"], postgresql_where=pending)
    op.create_index("ix_notice_unconfirmed", "notice", ["due_at"], postgresql_where=unconfirmed)
    begun = sa.text("status = 'pending' and begun_at is not null")
    op.create_index("ix_notice_begun", "notice", ["claimed_until"], postgresql_where=begun)
    waiting = sa.text("status in ('pending', 'unconfirmed') and due_at is not null")
    op.create_index("ix_notice_waiting", "notice", ["complaint_id", "number", "id"], postgresql_where=waiting)
    op.create_index("ix_notice_recipient", "notice", ["recipient", "sent_at"])
    held = sa.text("status = 'pending' and held is not null")
    op.create_index("ix_notice_held", "notice", ["recipient"], postgresql_where=held)
    merged = sa.text("merged_into is not null")
    op.create_index("ix_notice_merged_into", "notice", ["merged_into"], postgresql_where=merged)
    op.create_index("ix_notice_peer_id", "notice", ["peer_id"], postgresql_where=sa.text("peer_id is not null"))

    op.create_table(
        "opt_out",
        sa.Column("recipient", sa.LargeBinary(), nullable=False),
        sa.Column("way", sa.Text(), nullable=False),
        sa.Column("realm", sa.Text(), nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.CheckConstraint("realm in ('live', 'drill', 'sandbox')", name=op.f("ck_opt_out_realm")),
        sa.PrimaryKeyConstraint("recipient", "way", "realm", name=op.f("pk_opt_out")),
    )


def downgrade() -> None:
    op.drop_table("opt_out")
    for index in (
        "ix_notice_peer_id",
        "ix_notice_merged_into",
        "ix_notice_held",
        "ix_notice_recipient",
        "ix_notice_waiting",
        "ix_notice_begun",
        "ix_notice_unconfirmed",
        "ix_notice_due_at",
    ):
        op.drop_index(index, "notice")
    op.create_index("ix_notice_due_at", "notice", ["due_at"], postgresql_where=sa.text("status = 'pending'"))
    op.drop_constraint(op.f("ck_notice_held"), "notice", type_="check")
    op.drop_constraint(op.f("ck_notice_status"), "notice", type_="check")
    op.execute("update notice set status = 'sent' where status = 'delivered'")
    op.execute("update notice set status = 'failed', failure = coalesce(failure, status) where status = 'dropped'")
    op.execute("update notice set status = 'failed', failure = 'unconfirmed' where status = 'unconfirmed'")
    op.create_check_constraint(op.f("ck_notice_status"), "notice", "status in ('pending', 'sent', 'failed')")
    op.execute("update notice set due_at = requested_at where due_at is null")
    op.alter_column("notice", "due_at", nullable=False)
    for column in (
        "merged_into",
        "delivered_at",
        "peer_id",
        "begun_at",
        "held",
        "recipient",
        "required",
        "urgent",
        "ways",
    ):
        op.drop_column("notice", column)
