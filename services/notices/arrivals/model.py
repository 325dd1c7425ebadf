"""What comes in by mail and text message, kept as it came: one row for each message, whatever became of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from services.base.database import Base, Json, Timestamp


class Arrival(Base):
    """One message that came in.

    ``peer_id`` is the same for a message that is delivered twice, and unique on its way. ``personal`` (addresses,
    subject, the words that are new, names of files) and ``content`` (the whole text) are written and read through
    `services.base.privacy` only.

    Kind: ``message``; ``automatic`` (out of office, a mail of ours that came back); ``bounce``; ``stop`` and ``start``
    (no messages any more, and messages again). Status: ``matched`` (it belongs to ``complaint_id``; a message then
    stands in the case's record), ``unmatched`` (a person sorts it), ``dismissed`` (a person saw that nothing is owed).
    ``why`` is the reason why one is unmatched; ``matched_by`` says by what it was matched. A message to a case that is
    over is unmatched, with the case that it is about. ``outcome`` are the words of who dismissed it.
    """

    __tablename__ = "arrival"

    id: Mapped[UUID] = mapped_column(sa.Uuid, primary_key=True)
    realm: Mapped[str] = mapped_column(sa.Text)
    way: Mapped[str] = mapped_column(sa.Text)
    peer_id: Mapped[str] = mapped_column(sa.Text)
    kind: Mapped[str] = mapped_column(sa.Text)
    status: Mapped[str] = mapped_column(sa.Text)
    personal: Mapped[Any] = mapped_column(Json)
    content: Mapped[str] = mapped_column(sa.Text)
    received_at: Mapped[datetime] = mapped_column(Timestamp)
    complaint_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("complaint.id"))
    notice_id: Mapped[UUID | None] = mapped_column(sa.Uuid)
    matched_by: Mapped[str | None] = mapped_column(sa.Text)
    why: Mapped[str | None] = mapped_column(sa.Text)
    settled_at: Mapped[datetime | None] = mapped_column(Timestamp)
    settled_by: Mapped[str | None] = mapped_column(sa.Text)
    outcome: Mapped[str | None] = mapped_column(sa.Text)

    __table_args__ = (
        sa.UniqueConstraint("way", "peer_id"),
        sa.CheckConstraint("realm in ('live', 'drill', 'sandbox')", name="realm"),
        sa.CheckConstraint("way in ('email', 'sms')", name="way"),
        sa.CheckConstraint("kind in ('message', 'automatic', 'bounce', 'stop', 'start')", name="kind"),
        sa.CheckConstraint("status in ('matched', 'unmatched', 'dismissed')", name="status"),
        sa.CheckConstraint("status <> 'matched' or complaint_id is not null", name="matched"),
        sa.Index("ix_arrival_status_id", "realm", "status", "id"),
        sa.Index("ix_arrival_complaint_id", "complaint_id", "id", postgresql_where=sa.text("complaint_id is not null")),
    )
