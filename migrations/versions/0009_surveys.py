"""Asking customers whether it was settled. The news of a fault that was overdue is told by the programs from now on."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

MOMENT = sa.TIMESTAMP(timezone=True)


def upgrade() -> None:
    op.create_table(
        "survey",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("complaint_id", sa.Uuid(), nullable=False),
        sa.Column("realm", sa.Text(), nullable=False),
        sa.Column("cause", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("plan_version", sa.Integer(), nullable=True),
        sa.Column("closed_at", MOMENT, nullable=False),
        sa.Column("group_code", sa.Text(), nullable=True),
        sa.Column("assignee", sa.Text(), nullable=True),
        sa.Column("asked_at", MOMENT, nullable=True),
        sa.Column("reminded_at", MOMENT, nullable=True),
        sa.Column("expires_at", MOMENT, nullable=True),
        sa.Column("answered_at", MOMENT, nullable=True),
        sa.Column("satisfaction", sa.Integer(), nullable=True),
        sa.Column("solved", sa.Boolean(), nullable=True),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.Column("follow_up", sa.Text(), nullable=True),
        sa.Column("next_at", MOMENT, nullable=True),
        sa.CheckConstraint("realm in ('live', 'drill', 'sandbox')", name=op.f("ck_survey_realm")),
        sa.CheckConstraint(
            "status in ('planned', 'asked', 'answered', 'expired', 'cancelled')", name=op.f("ck_survey_status")
        ),
        sa.CheckConstraint("satisfaction between 1 and 5", name=op.f("ck_survey_satisfaction")),
        sa.CheckConstraint("follow_up in ('reopened', 'task')", name=op.f("ck_survey_follow_up")),
        sa.CheckConstraint("(status in ('planned', 'cancelled')) = (asked_at is null)", name=op.f("ck_survey_asked")),
        sa.CheckConstraint(
            "(status = 'answered') = (satisfaction is not null and solved is not null and answered_at is not null)",
            name=op.f("ck_survey_answered"),
        ),
        sa.CheckConstraint("(status in ('planned', 'asked')) = (next_at is not null)", name=op.f("ck_survey_next")),
        sa.ForeignKeyConstraint(["complaint_id"], ["complaint.id"], name=op.f("fk_survey_complaint_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_survey")),
        sa.UniqueConstraint("complaint_id", "cause", name=op.f("uq_survey_complaint_id_cause")),
    )
    op.create_index("ix_survey_next_at", "survey", ["next_at"], postgresql_where=sa.text("next_at is not null"))

    # Customers who have waited for news for too long hear at the next look.
    op.execute(
        "update deadline set missed_at = null, told = 0, next_at = due_at "
        "where kind = 'update' and met_at is null and missed_at is not null"
    )


def downgrade() -> None:
    op.drop_table("survey")
