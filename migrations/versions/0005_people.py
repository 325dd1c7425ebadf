"""When members of staff are away, or have a shift outside their usual hours; the urgent cases of each person."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

MOMENT = sa.TIMESTAMP(timezone=True)


def upgrade() -> None:
    op.create_table(
        "absence",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("login", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("from_at", MOMENT, nullable=False),
        sa.Column("until_at", MOMENT, nullable=False),
        sa.Column("substitute", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("cancelled_at", MOMENT, nullable=True),
        sa.CheckConstraint("kind in ('leave', 'sick', 'training', 'duty')", name=op.f("ck_absence_kind")),
        sa.CheckConstraint("from_at < until_at", name=op.f("ck_absence_until_at")),
        sa.CheckConstraint(
            "substitute <> login and (substitute is null or kind <> 'duty')", name=op.f("ck_absence_substitute")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_absence")),
    )
    op.create_index(
        "ix_absence_login", "absence", ["login", "until_at"], postgresql_where=sa.text("cancelled_at is null")
    )

    op.create_index(
        "ix_complaint_urgent",
        "complaint",
        ["assignee"],
        postgresql_where=sa.text("status in ('dispatched', 'in_progress') and severity in ('critical', 'major')"),
    )


def downgrade() -> None:
    op.drop_index("ix_complaint_urgent", "complaint")
    op.drop_table("absence")
