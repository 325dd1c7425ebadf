"""The tables of the event log: the events, and how far each group of readers is."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from services.base.database import Base, Json, Snapshot, Timestamp, Xid8


class EventRow(Base):
    """One thing that happened. Append-only: the record, the outbox and the log in one."""

    __tablename__ = "event"

    # CACHE 1: with more, a session could write a lower position after another wrote a higher one of the same case.
    position: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(always=True, cache=1), primary_key=True)
    xid: Mapped[int] = mapped_column(Xid8, server_default=sa.text("pg_current_xact_id()"))
    id: Mapped[UUID] = mapped_column(sa.Uuid)
    type: Mapped[str] = mapped_column(sa.Text)
    topic: Mapped[str] = mapped_column(sa.Text)
    key: Mapped[UUID] = mapped_column(sa.Uuid)
    number: Mapped[int] = mapped_column(sa.Integer)
    realm: Mapped[str] = mapped_column(sa.Text)
    time: Mapped[datetime] = mapped_column(Timestamp)
    actor: Mapped[str] = mapped_column(sa.Text)
    data: Mapped[Any] = mapped_column(Json)
    private: Mapped[Any | None] = mapped_column(Json)

    __table_args__ = (
        sa.Index("ix_event_xid_position", "xid", "position"),
        # Two events can't have the same number in their case: a second writer that skipped the row lock fails here.
        sa.UniqueConstraint("key", "number"),
        sa.CheckConstraint("realm in ('live', 'drill', 'sandbox')", name="realm"),
        sa.CheckConstraint("number > 0", name="number"),
    )


class ReaderCursor(Base):
    """How far a share of a reader group is: everything visible in ``snapshot`` has been delivered.

    While a page was full, ``target`` is the snapshot being paged through and ``position`` the last one delivered of it.
    """

    __tablename__ = "reader_cursor"

    reader_group: Mapped[str] = mapped_column(sa.Text, primary_key=True)
    shares: Mapped[int] = mapped_column(sa.Integer, primary_key=True)
    share: Mapped[int] = mapped_column(sa.Integer, primary_key=True)
    epoch: Mapped[int] = mapped_column(sa.BigInteger)
    snapshot: Mapped[str] = mapped_column(Snapshot)
    target: Mapped[str | None] = mapped_column(Snapshot)
    position: Mapped[int] = mapped_column(sa.BigInteger)
    updated_at: Mapped[datetime] = mapped_column(Timestamp, server_default=sa.func.now())
