"""Whether customers found it settled: one row for each time that one of them is asked."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from services.base.database import Base, Timestamp


class Survey(Base):
    """A customer is asked after the closing of a case. Whoever writes a row holds the lock of its case.

    ``cause`` is the event of the closing, so that one closing plans one survey, however often it is delivered.
    ``group_code`` and ``assignee`` are those who had the case when the customer was asked. ``comment`` is what the
    customer wrote, and ``follow_up`` what came of the answer.

    Status: ``planned`` (asked at ``next_at``, if the case is closed then), ``asked``, then ``answered`` or ``expired``;
    ``cancelled`` when the case was not closed any more. ``next_at`` is when the handler looks at the row next: to ask,
    to remind, to let it expire; null once it is over.
    """

    __tablename__ = "survey"

    id: Mapped[UUID] = mapped_column(sa.Uuid, primary_key=True)
    complaint_id: Mapped[UUID] = mapped_column(sa.ForeignKey("complaint.id"))
    realm: Mapped[str] = mapped_column(sa.Text)
    cause: Mapped[UUID] = mapped_column(sa.Uuid)
    status: Mapped[str] = mapped_column(sa.Text)
    channel: Mapped[str] = mapped_column(sa.Text)
    language: Mapped[str] = mapped_column(sa.Text)
    plan_version: Mapped[int | None] = mapped_column(sa.Integer)
    closed_at: Mapped[datetime] = mapped_column(Timestamp)
    group_code: Mapped[str | None] = mapped_column(sa.Text)
    assignee: Mapped[str | None] = mapped_column(sa.Text)
    asked_at: Mapped[datetime | None] = mapped_column(Timestamp)
    reminded_at: Mapped[datetime | None] = mapped_column(Timestamp)
    expires_at: Mapped[datetime | None] = mapped_column(Timestamp)
    answered_at: Mapped[datetime | None] = mapped_column(Timestamp)
    satisfaction: Mapped[int | None] = mapped_column(sa.Integer)
    solved: Mapped[bool | None] = mapped_column(sa.Boolean)
    comment: Mapped[str | None] = mapped_column(sa.Text)
    follow_up: Mapped[str | None] = mapped_column(sa.Text)
    next_at: Mapped[datetime | None] = mapped_column(Timestamp)

    __table_args__ = (
        sa.UniqueConstraint("complaint_id", "cause"),
        sa.CheckConstraint("realm in ('live', 'drill', 'sandbox')", name="realm"),
        sa.CheckConstraint("status in ('planned', 'asked', 'answered', 'expired', 'cancelled')", name="status"),
        sa.CheckConstraint("satisfaction between 1 and 5", name="satisfaction"),
        sa.CheckConstraint("follow_up in ('reopened', 'task')", name="follow_up"),
        sa.CheckConstraint("(status in ('planned', 'cancelled')) = (asked_at is null)", name="asked"),
        sa.CheckConstraint(
            "(status = 'answered') = (satisfaction is not null and solved is not null and answered_at is not null)",
            name="answered",
        ),
        sa.CheckConstraint("(status in ('planned', 'asked')) = (next_at is not null)", name="next"),
        sa.Index("ix_survey_next_at", "next_at", postgresql_where=sa.text("next_at is not null")),
    )
