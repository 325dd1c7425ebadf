"""Alerts to staff outside their inbox: what waits to be looked at, the contacts, and what is on its way to them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

MOMENT = sa.TIMESTAMP(timezone=True)


def upgrade() -> None:
    # What was told before is not told again: it has no time at which it is due.
    op.add_column("alert", sa.Column("due_at", MOMENT, nullable=True))
    op.create_index("ix_alert_due_at", "alert", ["due_at"], postgresql_where=sa.text("due_at is not null"))
    op.create_table(
        "alert_contact",
        sa.Column("contact", sa.Text(), nullable=False),
        sa.Column("next_at", MOMENT, nullable=False),
        sa.Column("claimed_until", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("contact", name=op.f("pk_alert_contact")),
    )
    op.create_table(
        "alert_delivery",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("alert_id", sa.Uuid(), nullable=False),
        sa.Column("contact", sa.Text(), nullable=False),
        sa.Column("realm", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("login", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), server_default="pending", nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("sent_at", MOMENT, nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.CheckConstraint("realm in ('live', 'drill', 'sandbox')", name=op.f("ck_alert_delivery_realm")),
        sa.CheckConstraint("status in ('pending', 'sent', 'failed', 'dropped')", name=op.f("ck_alert_delivery_status")),
        sa.ForeignKeyConstraint(["alert_id"], ["alert.id"], name=op.f("fk_alert_delivery_alert_id")),
        sa.ForeignKeyConstraint(["contact"], ["alert_contact.contact"], name=op.f("fk_alert_delivery_contact")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert_delivery")),
        sa.UniqueConstraint(
            "subject_id", "number", "kind", "contact", name=op.f("uq_alert_delivery_subject_id_number_kind_contact")
        ),
    )
    op.create_index(
        "ix_alert_delivery_due_at", "alert_delivery", ["due_at"], postgresql_where=sa.text("status = 'pending'")
    )


def downgrade() -> None:
    op.drop_table("alert_delivery")
    op.drop_table("alert_contact")
    op.drop_index("ix_alert_due_at", "alert")
    op.drop_column("alert", "due_at")
