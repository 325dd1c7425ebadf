"""Directives of the leadership group and who has taken notice of them; tasks that groups owe."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

JSONB = postgresql.JSONB(none_as_null=True, astext_type=sa.Text())
MOMENT = sa.TIMESTAMP(timezone=True)


def upgrade() -> None:
    _directive()
    _addressed()
    _task()
    _task_indexes()


def _directive() -> None:
    op.create_table(
        "directive",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("realm", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("complaint_id", sa.Uuid(), nullable=True),
        sa.Column("issued_at", MOMENT, nullable=False),
        sa.Column("issued_by", sa.Text(), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=True),
        sa.Column("body_hash", sa.LargeBinary(), nullable=True),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("closed_at", MOMENT, nullable=True),
        sa.Column("closed_by", sa.Text(), nullable=True),
        sa.Column("closing", sa.Text(), nullable=True),
        sa.Column("next_at", MOMENT, nullable=True),
        sa.Column("missed_at", MOMENT, nullable=True),
        sa.Column("told", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint("status in ('open', 'closed')", name=op.f("ck_directive_status")),
        sa.CheckConstraint("(status = 'closed') = (closed_at is not null)", name=op.f("ck_directive_closed")),
        sa.CheckConstraint("status = 'open' or next_at is null", name=op.f("ck_directive_next")),
        sa.CheckConstraint("realm in ('live', 'drill', 'sandbox')", name=op.f("ck_directive_realm")),
        sa.ForeignKeyConstraint(["complaint_id"], ["complaint.id"], name=op.f("fk_directive_complaint_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_directive")),
    )
    op.create_index(
        "uq_directive_idempotency_key",
        "directive",
        ["realm", "issued_by", "idempotency_key"],
        unique=True,
        postgresql_where=sa.text("idempotency_key is not null"),
    )
    op.create_index("ix_directive_realm", "directive", ["realm", "id"])
    op.create_index("ix_directive_next_at", "directive", ["next_at"], postgresql_where=sa.text("next_at is not null"))
    op.create_index(
        "ix_directive_complaint_id",
        "directive",
        ["complaint_id"],
        postgresql_where=sa.text("complaint_id is not null"),
    )


def _addressed() -> None:
    op.create_table(
        "directive_group",
        sa.Column("directive_id", sa.Uuid(), nullable=False),
        sa.Column("group_code", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["directive_id"], ["directive.id"], name=op.f("fk_directive_group_directive_id")),
        sa.PrimaryKeyConstraint("directive_id", "group_code", name=op.f("pk_directive_group")),
    )
    op.create_index("ix_directive_group_group_code", "directive_group", ["group_code", "directive_id"])
    op.create_table(
        "directive_person",
        sa.Column("directive_id", sa.Uuid(), nullable=False),
        sa.Column("login", sa.Text(), nullable=False),
        sa.Column("group_code", sa.Text(), nullable=False),
        sa.Column("acknowledged_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["directive_id"], ["directive.id"], name=op.f("fk_directive_person_directive_id")),
        sa.PrimaryKeyConstraint("directive_id", "login", name=op.f("pk_directive_person")),
    )
    op.create_index("ix_directive_person_login", "directive_person", ["login", "directive_id"])


def _task() -> None:
    op.create_table(
        "task",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("realm", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("group_code", sa.Text(), nullable=False),
        sa.Column("assignee", sa.Text(), nullable=True),
        sa.Column("complaint_id", sa.Uuid(), nullable=True),
        sa.Column("directive_id", sa.Uuid(), nullable=True),
        sa.Column("cause", sa.Uuid(), nullable=True),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("facts", JSONB, nullable=False),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("opened_by", sa.Text(), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=True),
        sa.Column("body_hash", sa.LargeBinary(), nullable=True),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("done_at", MOMENT, nullable=True),
        sa.Column("done_by", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("rung", sa.Integer(), server_default="-1", nullable=False),
        sa.Column("acknowledged_at", MOMENT, nullable=True),
        sa.Column("next_at", MOMENT, nullable=True),
        sa.Column("missed_at", MOMENT, nullable=True),
        sa.Column("told", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint(
            "kind in ('call_customer', 'pay', 'promotion_review', 'site_visit', 'other')", name=op.f("ck_task_kind")
        ),
        sa.CheckConstraint("status in ('open', 'done', 'cancelled')", name=op.f("ck_task_status")),
        sa.CheckConstraint("(status = 'open') = (done_at is null)", name=op.f("ck_task_done")),
        sa.CheckConstraint("status = 'open' or next_at is null", name=op.f("ck_task_next")),
        sa.CheckConstraint("realm in ('live', 'drill', 'sandbox')", name=op.f("ck_task_realm")),
        sa.ForeignKeyConstraint(["complaint_id"], ["complaint.id"], name=op.f("fk_task_complaint_id")),
        sa.ForeignKeyConstraint(["directive_id"], ["directive.id"], name=op.f("fk_task_directive_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task")),
    )


def _task_indexes() -> None:
    op.create_index(
        "uq_task_cause",
        "task",
        ["kind", "complaint_id", "cause"],
        unique=True,
        postgresql_where=sa.text("cause is not null"),
        postgresql_nulls_not_distinct=True,
    )
    op.create_index(
        "uq_task_idempotency_key",
        "task",
        ["realm", "opened_by", "idempotency_key"],
        unique=True,
        postgresql_where=sa.text("idempotency_key is not null"),
    )
    op.create_index("ix_task_due", "task", ["realm", "due_at", "id"])
    for name, columns, condition in (
        ("ix_task_next_at", ["next_at"], "next_at is not null"),
        ("ix_task_group", ["realm", "group_code", "due_at", "id"], "status = 'open'"),
        ("ix_task_assignee", ["assignee", "due_at", "id"], "status = 'open'"),
        ("ix_task_complaint_id", ["complaint_id"], "complaint_id is not null"),
        ("ix_task_directive_id", ["directive_id"], "directive_id is not null"),
    ):
        op.create_index(name, "task", columns, postgresql_where=sa.text(condition))


def downgrade() -> None:
    op.drop_table("task")
    op.drop_table("directive_person")
    op.drop_table("directive_group")
    op.drop_table("directive")
