"""What customers are told: one row per notice, written before it is sent."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from services.base.database import Base, Json, Timestamp


class Notice(Base):
    """One thing told to one customer. ``cause`` is the event that it answers, so that telling twice is impossible.

    ``facts`` are the values that the text is made of, as they were when the notice was requested (no name, no
    address: those are read through `services.base.privacy` at the moment of sending).
    """

    __tablename__ = "notice"

    id: Mapped[UUID] = mapped_column(sa.Uuid, primary_key=True)
    complaint_id: Mapped[UUID] = mapped_column(sa.ForeignKey("complaint.id"))
    kind: Mapped[str] = mapped_column(sa.Text)
    cause: Mapped[UUID] = mapped_column(sa.Uuid)
    number: Mapped[int] = mapped_column(sa.Integer)
    realm: Mapped[str] = mapped_column(sa.Text)
    language: Mapped[str] = mapped_column(sa.Text)
    way: Mapped[str] = mapped_column(sa.Text)
    facts: Mapped[Any] = mapped_column(Json)
    status: Mapped[str] = mapped_column(sa.Text)
    version: Mapped[int] = mapped_column(sa.Integer)
    requested_at: Mapped[datetime] = mapped_column(Timestamp)
    due_at: Mapped[datetime] = mapped_column(Timestamp)
    claimed_until: Mapped[datetime | None] = mapped_column(Timestamp)
    attempts: Mapped[int] = mapped_column(sa.Integer, server_default="0")
    sent_at: Mapped[datetime | None] = mapped_column(Timestamp)
    failure: Mapped[str | None] = mapped_column(sa.Text)

    __table_args__ = (
        sa.UniqueConstraint("complaint_id", "kind", "cause"),
        sa.CheckConstraint("status in ('pending', 'sent', 'failed')", name="status"),
        sa.CheckConstraint("realm in ('live', 'drill', 'sandbox')", name="realm"),
        sa.Index("ix_notice_due_at", "due_at", postgresql_where=sa.text("status = 'pending'")),
    )
