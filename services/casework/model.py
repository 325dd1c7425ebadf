"""What a case owes by when."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from services.base.database import Base, Timestamp


class Deadline(Base):
    """One clock of one case: by when it must be acknowledged, answered, resolved. Open while ``met_at`` is null."""

    __tablename__ = "deadline"

    complaint_id: Mapped[UUID] = mapped_column(sa.ForeignKey("complaint.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(sa.Text, primary_key=True)
    realm: Mapped[str] = mapped_column(sa.Text)
    started_at: Mapped[datetime] = mapped_column(Timestamp)
    due_at: Mapped[datetime] = mapped_column(Timestamp)
    met_at: Mapped[datetime | None] = mapped_column(Timestamp)

    __table_args__ = (
        sa.CheckConstraint("kind in ('acknowledge', 'respond', 'resolve')", name="kind"),
        sa.Index("ix_deadline_due_at", "due_at", postgresql_where=sa.text("met_at is null")),
    )
