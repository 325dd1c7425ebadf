"""Events that a worker could not handle, kept with their reason until a person decides."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from services.base.database import Base, Json, Timestamp


class DeadLetter(Base):
    """One event that one group has parked. What follows it on the same key is parked behind it, in order.

    ``record`` holds the public half with its attributes, or what could be read of a record that is no event.
    """

    __tablename__ = "dead_letter"

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(always=True, cache=1), primary_key=True)
    reader_group: Mapped[str] = mapped_column(sa.Text)
    key: Mapped[UUID | None] = mapped_column(sa.Uuid)
    number: Mapped[int | None] = mapped_column(sa.Integer)
    type: Mapped[str | None] = mapped_column(sa.Text)
    reason: Mapped[str] = mapped_column(sa.Text)
    detail: Mapped[str] = mapped_column(sa.Text)
    attempts: Mapped[int] = mapped_column(sa.Integer)
    record: Mapped[Any] = mapped_column(Json)
    status: Mapped[str] = mapped_column(sa.Text)
    parked_at: Mapped[datetime] = mapped_column(Timestamp, server_default=sa.func.now())
    settled_at: Mapped[datetime | None] = mapped_column(Timestamp)

    __table_args__ = (
        sa.CheckConstraint("reason in ('undecodable', 'refused', 'failed', 'behind')", name="reason"),
        sa.CheckConstraint("status in ('parked', 'replay', 'settled')", name="status"),
        sa.Index(
            "uq_dead_letter_reader_group_key_number",
            "reader_group",
            "key",
            "number",
            unique=True,
            postgresql_where=sa.text("status <> 'settled' and key is not null"),
        ),
        sa.Index("ix_dead_letter_open", "reader_group", "id", postgresql_where=sa.text("status <> 'settled'")),
    )
