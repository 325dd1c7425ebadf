"""What groups still owe: one row for each thing that somebody has to do beside the steps of a case."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from services.base.database import Base, Json, Timestamp


class Task(Base):
    """Something that a group owes by a time. Its history is in the event log.

    ``cause`` is the event or thing that made it, so that it is made once. ``title`` and ``outcome`` are words of staff
    and stay in the database; ``facts`` hold codes, amounts and references only. ``version`` is the number of its last
    event, and the ETag that a change must name.

    ``rung`` is the place on the plan's ladder that was told last that it is overdue, -1 while it is not; ``told``
    counts how often somebody was. ``next_at`` is when the handler looks at the row next; null once it is over.
    """

    __tablename__ = "task"

    id: Mapped[UUID] = mapped_column(sa.Uuid, primary_key=True)
    realm: Mapped[str] = mapped_column(sa.Text)
    version: Mapped[int] = mapped_column(sa.Integer)
    kind: Mapped[str] = mapped_column(sa.Text)
    status: Mapped[str] = mapped_column(sa.Text)
    group_code: Mapped[str] = mapped_column(sa.Text)
    assignee: Mapped[str | None] = mapped_column(sa.Text)

    # What it is about, and why it is there.
    complaint_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("complaint.id"))
    directive_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("directive.id"))
    cause: Mapped[UUID | None] = mapped_column(sa.Uuid)
    title: Mapped[str | None] = mapped_column(sa.Text)
    facts: Mapped[Any] = mapped_column(Json)
    opened_at: Mapped[datetime] = mapped_column(Timestamp)
    opened_by: Mapped[str] = mapped_column(sa.Text)
    idempotency_key: Mapped[str | None] = mapped_column(sa.Text)
    body_hash: Mapped[bytes | None] = mapped_column(sa.LargeBinary)

    # How it ends: done, or cancelled with the reason as its outcome.
    due_at: Mapped[datetime] = mapped_column(Timestamp)
    done_at: Mapped[datetime | None] = mapped_column(Timestamp)
    done_by: Mapped[str | None] = mapped_column(sa.Text)
    outcome: Mapped[str | None] = mapped_column(sa.Text)

    # What happens while it doesn't.
    rung: Mapped[int] = mapped_column(sa.Integer, server_default="-1")
    acknowledged_at: Mapped[datetime | None] = mapped_column(Timestamp)
    next_at: Mapped[datetime | None] = mapped_column(Timestamp)
    missed_at: Mapped[datetime | None] = mapped_column(Timestamp)
    told: Mapped[int] = mapped_column(sa.Integer, server_default="0")

    __table_args__ = (
        sa.CheckConstraint("kind in ('call_customer', 'pay', 'promotion_review', 'site_visit', 'other')", name="kind"),
        sa.CheckConstraint("status in ('open', 'done', 'cancelled')", name="status"),
        sa.CheckConstraint("(status = 'open') = (done_at is null)", name="done"),
        sa.CheckConstraint("status = 'open' or next_at is null", name="next"),
        sa.CheckConstraint("realm in ('live', 'drill', 'sandbox')", name="realm"),
        # A cause makes one task of a kind for a case, and one at most that is for no case.
        sa.Index(
            "uq_task_cause",
            "kind",
            "complaint_id",
            "cause",
            unique=True,
            postgresql_where=sa.text("cause is not null"),
            postgresql_nulls_not_distinct=True,
        ),
        sa.Index(
            "uq_task_idempotency_key",
            "realm",
            "opened_by",
            "idempotency_key",
            unique=True,
            postgresql_where=sa.text("idempotency_key is not null"),
        ),
        sa.Index("ix_task_next_at", "next_at", postgresql_where=sa.text("next_at is not null")),
        sa.Index("ix_task_due", "realm", "due_at", "id"),
        sa.Index("ix_task_group", "realm", "group_code", "due_at", "id", postgresql_where=sa.text("status = 'open'")),
        sa.Index("ix_task_assignee", "assignee", "due_at", "id", postgresql_where=sa.text("status = 'open'")),
        sa.Index("ix_task_complaint_id", "complaint_id", postgresql_where=sa.text("complaint_id is not null")),
        sa.Index("ix_task_directive_id", "directive_id", postgresql_where=sa.text("directive_id is not null")),
    )
