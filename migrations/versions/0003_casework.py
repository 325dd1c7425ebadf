"""Clocks that pause and fire, compensation, links between cases, alerts; where the handling of a case stands."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

JSONB = postgresql.JSONB(none_as_null=True, astext_type=sa.Text())
MOMENT = sa.TIMESTAMP(timezone=True)


def upgrade() -> None:
    _complaint()
    _deadline()
    op.create_table(
        "compensation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("complaint_id", sa.Uuid(), nullable=False),
        sa.Column("realm", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("amount", sa.Numeric(18, 4), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("needs", sa.Text(), nullable=True),
        sa.Column("proposed_by", sa.Text(), nullable=False),
        sa.Column("proposed_at", MOMENT, nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", MOMENT, nullable=True),
        sa.Column("paid_by", sa.Text(), nullable=True),
        sa.Column("paid_at", MOMENT, nullable=True),
        sa.Column("billing_reference", sa.Text(), nullable=True),
        sa.CheckConstraint("kind in ('refund', 'credit', 'waiver')", name=op.f("ck_compensation_kind")),
        sa.CheckConstraint(
            "status in ('proposed', 'approved', 'declined', 'accepted', 'disputed', 'paid')",
            name=op.f("ck_compensation_status"),
        ),
        sa.CheckConstraint("needs in ('head', 'leadership')", name=op.f("ck_compensation_needs")),
        sa.CheckConstraint("amount > 0", name=op.f("ck_compensation_amount")),
        sa.CheckConstraint("(status = 'paid') = (billing_reference is not null)", name=op.f("ck_compensation_paid")),
        sa.CheckConstraint("realm in ('live', 'drill', 'sandbox')", name=op.f("ck_compensation_realm")),
        sa.ForeignKeyConstraint(["complaint_id"], ["complaint.id"], name=op.f("fk_compensation_complaint_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_compensation")),
    )
    op.create_index(
        "uq_compensation_open",
        "compensation",
        ["complaint_id"],
        unique=True,
        postgresql_where=sa.text("status in ('proposed', 'approved', 'accepted')"),
    )
    op.create_index("ix_compensation_complaint_id", "compensation", ["complaint_id"])
    _link()
    _alert()


def _complaint() -> None:
    op.add_column("complaint", sa.Column("handling", JSONB, nullable=True))
    op.add_column("complaint", sa.Column("escalation", JSONB, nullable=True))
    op.add_column("complaint", sa.Column("merged_into", sa.Uuid(), nullable=True))
    op.add_column("complaint", sa.Column("reported_at", MOMENT, nullable=True))
    op.create_foreign_key(op.f("fk_complaint_merged_into"), "complaint", "complaint", ["merged_into"], ["id"])
    op.create_index(
        "ix_complaint_merged_into",
        "complaint",
        ["merged_into"],
        postgresql_where=sa.text("merged_into is not null"),
    )
    op.create_index(
        "ix_complaint_reported",
        "complaint",
        ["realm", "id"],
        postgresql_where=sa.text("reported_at is not null and closed_at is null"),
    )


def _deadline() -> None:
    op.alter_column("deadline", "due_at", nullable=True)
    op.add_column("deadline", sa.Column("allowed", sa.Text(), nullable=True))
    op.add_column("deadline", sa.Column("calendar", sa.Text(), nullable=True))
    op.add_column("deadline", sa.Column("used", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("deadline", sa.Column("since", MOMENT, nullable=True))
    op.add_column("deadline", sa.Column("warned_at", MOMENT, nullable=True))
    op.add_column("deadline", sa.Column("missed_at", MOMENT, nullable=True))
    op.add_column("deadline", sa.Column("told", sa.Integer(), server_default="0", nullable=False))
    op.add_column("deadline", sa.Column("next_at", MOMENT, nullable=True))
    # Until now all were counted around the clock from the receipt, and nothing happened when they passed.
    op.execute(
        """
        update deadline
        set allowed = greatest(1, extract(epoch from due_at - started_at)::bigint) || 's', calendar = 'always',
            since = started_at, next_at = case when met_at is null then due_at end
        """
    )
    op.drop_constraint(op.f("ck_deadline_kind"), "deadline")
    op.create_check_constraint(
        op.f("ck_deadline_kind"),
        "deadline",
        "kind in ('acknowledge', 'respond', 'estimate', 'update', 'repair', 'resolve', 'regulator', 'step', "
        "'promise', 'remind', 'give_back', 'close', 'escalation')",
    )
    op.create_index("ix_deadline_next_at", "deadline", ["next_at"], postgresql_where=sa.text("next_at is not null"))


def _link() -> None:
    op.create_table(
        "link",
        sa.Column("complaint_id", sa.Uuid(), nullable=False),
        sa.Column("other_id", sa.Uuid(), nullable=False),
        sa.Column("relation", sa.Text(), nullable=False),
        sa.Column("linked_at", MOMENT, nullable=False),
        sa.Column("linked_by", sa.Text(), nullable=False),
        sa.CheckConstraint("relation in ('repeat', 'duplicate', 'child', 'related')", name=op.f("ck_link_relation")),
        sa.CheckConstraint("complaint_id <> other_id", name=op.f("ck_link_other")),
        sa.ForeignKeyConstraint(["complaint_id"], ["complaint.id"], name=op.f("fk_link_complaint_id")),
        sa.ForeignKeyConstraint(["other_id"], ["complaint.id"], name=op.f("fk_link_other_id")),
        sa.PrimaryKeyConstraint("complaint_id", "other_id", name=op.f("pk_link")),
    )
    op.create_index("ix_link_other_id", "link", ["other_id"])
    op.create_index(
        "uq_link_followed",
        "link",
        ["complaint_id", "relation"],
        unique=True,
        postgresql_where=sa.text("relation in ('duplicate', 'child')"),
    )


def _alert() -> None:
    op.create_table(
        "alert",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("login", sa.Text(), nullable=False),
        sa.Column("realm", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("facts", JSONB, nullable=False),
        sa.Column("told_at", MOMENT, nullable=False),
        sa.Column("seen_at", MOMENT, nullable=True),
        sa.CheckConstraint("subject in ('complaint', 'task', 'directive')", name=op.f("ck_alert_subject")),
        sa.CheckConstraint("realm in ('live', 'drill', 'sandbox')", name=op.f("ck_alert_realm")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert")),
        sa.UniqueConstraint(
            "subject_id", "number", "kind", "login", name=op.f("uq_alert_subject_id_number_kind_login")
        ),
    )
    op.create_index("ix_alert_login", "alert", ["login", "id"])


def downgrade() -> None:
    op.drop_table("alert")
    op.drop_table("link")
    op.drop_table("compensation")
    op.execute("delete from deadline where kind not in ('acknowledge', 'respond', 'resolve') or due_at is null")
    op.drop_index("ix_deadline_next_at", "deadline")
    op.drop_constraint(op.f("ck_deadline_kind"), "deadline")
    op.create_check_constraint(op.f("ck_deadline_kind"), "deadline", "kind in ('acknowledge', 'respond', 'resolve')")
    for column in ("allowed", "calendar", "used", "since", "warned_at", "missed_at", "told", "next_at"):
        op.drop_column("deadline", column)
    op.alter_column("deadline", "due_at", nullable=False)
    op.drop_index("ix_complaint_reported", "complaint")
    op.drop_index("ix_complaint_merged_into", "complaint")
    for column in ("handling", "escalation", "merged_into", "reported_at"):
        op.drop_column("complaint", column)
