"""What is told to staff outside their inbox: the contacts that are told, and each alert on its way to one of them.

No address and no secret stands here: a contact is known by the hash of its URL, which is in the operator's file only.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from services.base.database import Base, Timestamp


class AlertContact(Base):
    """A contact to which something was to be told. One sender at a time speaks to it, and not before ``next_at``."""

    __tablename__ = "alert_contact"

    contact: Mapped[str] = mapped_column(sa.Text, primary_key=True)
    next_at: Mapped[datetime] = mapped_column(Timestamp)
    claimed_until: Mapped[datetime | None] = mapped_column(Timestamp)


class AlertDelivery(Base):
    """One thing on its way to one contact, which is told once of it however many people an alert was written for.

    ``alert_id`` is the first of those. ``login`` is whom the contact belongs to, null for one that a group shares.
    ``since`` is when it may first be told, ``due_at`` when it is tried next.
    """

    __tablename__ = "alert_delivery"

    id: Mapped[UUID] = mapped_column(sa.Uuid, primary_key=True)
    alert_id: Mapped[UUID] = mapped_column(sa.ForeignKey("alert.id"))
    contact: Mapped[str] = mapped_column(sa.ForeignKey("alert_contact.contact"))
    realm: Mapped[str] = mapped_column(sa.Text)
    subject_id: Mapped[UUID] = mapped_column(sa.Uuid)
    number: Mapped[int] = mapped_column(sa.Integer)
    kind: Mapped[str] = mapped_column(sa.Text)
    login: Mapped[str | None] = mapped_column(sa.Text)
    status: Mapped[str] = mapped_column(sa.Text, server_default="pending")
    since: Mapped[datetime] = mapped_column(Timestamp)
    due_at: Mapped[datetime] = mapped_column(Timestamp)
    attempts: Mapped[int] = mapped_column(sa.Integer, server_default="0")
    sent_at: Mapped[datetime | None] = mapped_column(Timestamp)
    failure: Mapped[str | None] = mapped_column(sa.Text)

    __table_args__ = (
        sa.UniqueConstraint("subject_id", "number", "kind", "contact"),
        sa.CheckConstraint("realm in ('live', 'drill', 'sandbox')", name="realm"),
        sa.CheckConstraint("status in ('pending', 'sent', 'failed', 'dropped')", name="status"),
        sa.Index("ix_alert_delivery_due_at", "due_at", postgresql_where=sa.text("status = 'pending'")),
    )
