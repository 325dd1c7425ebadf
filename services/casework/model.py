"""What cases owe by when, what was granted to customers, how cases hang together, and what staff were told."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from services.base.database import Base, Json, Timestamp


class Deadline(Base):
    """One clock of one case, or one of its timers. docs/clocks.md says what moves each.

    A clock runs while ``met_at`` is null and ``since`` is not; ``used`` is what it had used before ``since`` (as
    `services.casework.counting.Count` keeps it; below zero it remembers the day of beginning). ``due_at`` is null while
    it stands, and for a timer always: a timer owes nothing, it only does something at ``next_at``. ``next_at`` is when
    the handler looks at the row next: to warn, to note that it is missed, to tell again.
    """

    __tablename__ = "deadline"

    complaint_id: Mapped[UUID] = mapped_column(sa.ForeignKey("complaint.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(sa.Text, primary_key=True)
    realm: Mapped[str] = mapped_column(sa.Text)
    started_at: Mapped[datetime] = mapped_column(Timestamp)
    allowed: Mapped[str | None] = mapped_column(sa.Text)
    calendar: Mapped[str | None] = mapped_column(sa.Text)
    used: Mapped[int] = mapped_column(sa.BigInteger, server_default="0")
    since: Mapped[datetime | None] = mapped_column(Timestamp)
    due_at: Mapped[datetime | None] = mapped_column(Timestamp)
    met_at: Mapped[datetime | None] = mapped_column(Timestamp)
    warned_at: Mapped[datetime | None] = mapped_column(Timestamp)
    missed_at: Mapped[datetime | None] = mapped_column(Timestamp)
    told: Mapped[int] = mapped_column(sa.Integer, server_default="0")
    next_at: Mapped[datetime | None] = mapped_column(Timestamp)

    __table_args__ = (
        sa.CheckConstraint(
            "kind in ('acknowledge', 'respond', 'estimate', 'update', 'repair', 'resolve', 'regulator', 'step', "
            "'promise', 'remind', 'give_back', 'close', 'escalation')",
            name="kind",
        ),
        sa.Index("ix_deadline_due_at", "due_at", postgresql_where=sa.text("met_at is null")),
        sa.Index("ix_deadline_next_at", "next_at", postgresql_where=sa.text("next_at is not null")),
    )


class Compensation(Base):
    """What a customer is offered: proposed, decided by somebody else where it is above the proposer's limit, paid.

    ``needs`` is whose decision it waits for (`head` of the group, or `leadership`).
    """

    __tablename__ = "compensation"

    id: Mapped[UUID] = mapped_column(sa.Uuid, primary_key=True)
    complaint_id: Mapped[UUID] = mapped_column(sa.ForeignKey("complaint.id"))
    realm: Mapped[str] = mapped_column(sa.Text)
    kind: Mapped[str] = mapped_column(sa.Text)
    amount: Mapped[Decimal] = mapped_column(sa.Numeric(18, 4))
    currency: Mapped[str] = mapped_column(sa.Text)
    status: Mapped[str] = mapped_column(sa.Text)
    needs: Mapped[str | None] = mapped_column(sa.Text)
    proposed_by: Mapped[str] = mapped_column(sa.Text)
    proposed_at: Mapped[datetime] = mapped_column(Timestamp)
    decided_by: Mapped[str | None] = mapped_column(sa.Text)
    decided_at: Mapped[datetime | None] = mapped_column(Timestamp)
    paid_by: Mapped[str | None] = mapped_column(sa.Text)
    paid_at: Mapped[datetime | None] = mapped_column(Timestamp)
    billing_reference: Mapped[str | None] = mapped_column(sa.Text)

    __table_args__ = (
        sa.CheckConstraint("kind in ('refund', 'credit', 'waiver')", name="kind"),
        sa.CheckConstraint(
            "status in ('proposed', 'approved', 'declined', 'accepted', 'disputed', 'paid')", name="status"
        ),
        sa.CheckConstraint("needs in ('head', 'leadership')", name="needs"),
        sa.CheckConstraint("amount > 0", name="amount"),
        sa.CheckConstraint("(status = 'paid') = (billing_reference is not null)", name="paid"),
        sa.CheckConstraint("realm in ('live', 'drill', 'sandbox')", name="realm"),
        # One at a time: another is proposed when the one before was declined or disputed, or is paid.
        sa.Index(
            "uq_compensation_open",
            "complaint_id",
            unique=True,
            postgresql_where=sa.text("status in ('proposed', 'approved', 'accepted')"),
        ),
        sa.Index("ix_compensation_complaint_id", "complaint_id"),
    )


class Link(Base):
    """How one case hangs together with another: ``complaint_id`` is its ``repeat``, ``duplicate``, ``child``, or just
    ``related``. A duplicate's fate follows the other case."""

    __tablename__ = "link"

    complaint_id: Mapped[UUID] = mapped_column(sa.ForeignKey("complaint.id"), primary_key=True)
    other_id: Mapped[UUID] = mapped_column(sa.ForeignKey("complaint.id"), primary_key=True)
    relation: Mapped[str] = mapped_column(sa.Text)
    linked_at: Mapped[datetime] = mapped_column(Timestamp)
    linked_by: Mapped[str] = mapped_column(sa.Text)

    __table_args__ = (
        sa.CheckConstraint("relation in ('repeat', 'duplicate', 'child', 'related')", name="relation"),
        sa.CheckConstraint("complaint_id <> other_id", name="other"),
        sa.Index("ix_link_other_id", "other_id"),
        # A case follows one other at most, and has one parent at most.
        sa.Index(
            "uq_link_followed",
            "complaint_id",
            "relation",
            unique=True,
            postgresql_where=sa.text("relation in ('duplicate', 'child')"),
        ),
    )


class Alert(Base):
    """One thing that one member of staff was told. ``subject`` and ``subject_id`` say of what, ``number`` by which of
    its events, so that nobody is told the same twice.

    It is in the inbox at once. ``due_at`` is set while nobody has looked yet whether it is told outside of it, too.
    """

    __tablename__ = "alert"

    id: Mapped[UUID] = mapped_column(sa.Uuid, primary_key=True)
    login: Mapped[str] = mapped_column(sa.Text)
    realm: Mapped[str] = mapped_column(sa.Text)
    kind: Mapped[str] = mapped_column(sa.Text)
    subject: Mapped[str] = mapped_column(sa.Text)
    subject_id: Mapped[UUID] = mapped_column(sa.Uuid)
    number: Mapped[int] = mapped_column(sa.Integer)
    facts: Mapped[Any] = mapped_column(Json)
    told_at: Mapped[datetime] = mapped_column(Timestamp)
    seen_at: Mapped[datetime | None] = mapped_column(Timestamp)
    due_at: Mapped[datetime | None] = mapped_column(Timestamp)

    __table_args__ = (
        sa.UniqueConstraint("subject_id", "number", "kind", "login"),
        sa.CheckConstraint("subject in ('complaint', 'task', 'directive')", name="subject"),
        sa.CheckConstraint("realm in ('live', 'drill', 'sandbox')", name="realm"),
        sa.Index("ix_alert_login", "login", "id"),
        sa.Index("ix_alert_due_at", "due_at", postgresql_where=sa.text("due_at is not null")),
    )
