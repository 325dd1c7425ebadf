"""What customers are told: one row per notice, written before it is sent; and who wants no messages."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from services.base.database import Base, Json, Timestamp

_PENDING: Final = sa.text("status = 'pending'")
_BEGUN: Final = sa.text("status = 'pending' and begun_at is not null")
_HELD: Final = sa.text("status = 'pending' and held is not null")
_UNCONFIRMED: Final = sa.text("status = 'unconfirmed' and due_at is not null")
_WAITING: Final = sa.text("status in ('pending', 'unconfirmed') and due_at is not null")


class Notice(Base):
    """One thing told to one customer. ``cause`` is the event that it answers, so that telling twice is impossible.

    ``facts`` are the values that the text is made of, as they were when the notice was requested (no name, no
    address: those are read through `services.base.privacy` at the moment of sending). ``number`` is that of the cause
    in its case: a customer reads things in this order.

    ``way`` is how it goes or went, ``ways`` are those that remain when that one fails for good. ``recipient`` is the
    fingerprint of the address. ``held`` says why it waits though it could be sent: the customer is asleep (``quiet``)
    or was told much already (``limit``). ``merged_into`` is the notice in whose message it was told.

    Status: ``pending``; ``sent`` (the peer took it), then ``delivered`` when a receipt says so; ``unconfirmed`` (handed
    over, and nobody knows: a receipt is waited for until ``due_at``, after which the next way is taken; null
    when there was none); ``failed`` on all ways; ``dropped`` (not needed or not wanted any more). ``failure`` is the
    reason of what went wrong last. ``begun_at`` is set before a way is used that must not be repeated.
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
    ways: Mapped[list[str]] = mapped_column(ARRAY(sa.Text), server_default="{}")
    urgent: Mapped[bool] = mapped_column(sa.Boolean, server_default=sa.false())
    required: Mapped[bool] = mapped_column(sa.Boolean, server_default=sa.false())
    facts: Mapped[Any] = mapped_column(Json)
    status: Mapped[str] = mapped_column(sa.Text)
    version: Mapped[int] = mapped_column(sa.Integer)
    requested_at: Mapped[datetime] = mapped_column(Timestamp)
    due_at: Mapped[datetime | None] = mapped_column(Timestamp)
    claimed_until: Mapped[datetime | None] = mapped_column(Timestamp)
    attempts: Mapped[int] = mapped_column(sa.Integer, server_default="0")
    recipient: Mapped[bytes | None] = mapped_column(sa.LargeBinary)
    held: Mapped[str | None] = mapped_column(sa.Text)
    begun_at: Mapped[datetime | None] = mapped_column(Timestamp)
    sent_at: Mapped[datetime | None] = mapped_column(Timestamp)
    peer_id: Mapped[str | None] = mapped_column(sa.Text)
    delivered_at: Mapped[datetime | None] = mapped_column(Timestamp)
    merged_into: Mapped[UUID | None] = mapped_column(sa.Uuid)
    failure: Mapped[str | None] = mapped_column(sa.Text)

    __table_args__ = (
        sa.UniqueConstraint("complaint_id", "kind", "cause"),
        sa.CheckConstraint(
            "status in ('pending', 'unconfirmed', 'sent', 'delivered', 'failed', 'dropped')", name="status"
        ),
        sa.CheckConstraint("realm in ('live', 'drill', 'sandbox')", name="realm"),
        sa.CheckConstraint("held in ('quiet', 'limit')", name="held"),
        sa.Index("ix_notice_due_at", "way", "due_at", postgresql_where=_PENDING),
        sa.Index("ix_notice_unconfirmed", "due_at", postgresql_where=_UNCONFIRMED),
        sa.Index("ix_notice_begun", "claimed_until", postgresql_where=_BEGUN),
        sa.Index("ix_notice_waiting", "complaint_id", "number", "id", postgresql_where=_WAITING),
        sa.Index("ix_notice_recipient", "recipient", "sent_at"),
        sa.Index("ix_notice_held", "recipient", postgresql_where=_HELD),
        sa.Index("ix_notice_merged_into", "merged_into", postgresql_where=sa.text("merged_into is not null")),
        sa.Index("ix_notice_peer_id", "peer_id", postgresql_where=sa.text("peer_id is not null")),
    )


class OptOut(Base):
    """Somebody wants no messages on a way any more. Only what the law demands is still told there.

    ``recipient`` is the fingerprint of the address; ``cause`` how they said so (``stop``, ``unsubscribed``,
    ``staff``).
    """

    __tablename__ = "opt_out"

    recipient: Mapped[bytes] = mapped_column(sa.LargeBinary, primary_key=True)
    way: Mapped[str] = mapped_column(sa.Text, primary_key=True)
    realm: Mapped[str] = mapped_column(sa.Text, primary_key=True)
    since: Mapped[datetime] = mapped_column(Timestamp)
    cause: Mapped[str] = mapped_column(sa.Text)

    __table_args__ = (sa.CheckConstraint("realm in ('live', 'drill', 'sandbox')", name="realm"),)
