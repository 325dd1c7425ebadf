"""Who works with Redress: programs and people with keys, how much each person has on hand, and when they are away."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from services.base.database import Base, Timestamp


class ApiKey(Base):
    """A key that opens the API. Only its hash is kept: keys are 256 random bits, so a plain SHA-256 is enough."""

    __tablename__ = "api_key"

    id: Mapped[UUID] = mapped_column(sa.Uuid, primary_key=True)
    name: Mapped[str] = mapped_column(sa.Text)
    role: Mapped[str] = mapped_column(sa.Text)
    login: Mapped[str | None] = mapped_column(sa.Text)
    realm: Mapped[str] = mapped_column(sa.Text)
    hash: Mapped[bytes] = mapped_column(sa.LargeBinary, unique=True)
    created_at: Mapped[datetime] = mapped_column(Timestamp, server_default=sa.func.now())
    revoked_at: Mapped[datetime | None] = mapped_column(Timestamp)

    __table_args__ = (
        sa.CheckConstraint("role in ('channel', 'integrator', 'staff', 'admin')", name="role"),
        sa.CheckConstraint("(role = 'staff') = (login is not null)", name="login"),
        sa.CheckConstraint("realm in ('live', 'drill', 'sandbox')", name="realm"),
    )


class Duty(Base):
    """What one member of staff has on hand, for sharing cases out fairly. Who they are is in the plan.

    ``on_duty`` is the switch that is set by hand; absences and shifts count beside it (`services.people.rota`).
    """

    __tablename__ = "duty"

    login: Mapped[str] = mapped_column(sa.Text, primary_key=True)
    on_duty: Mapped[bool] = mapped_column(sa.Boolean)
    open_cases: Mapped[int] = mapped_column(sa.Integer, server_default="0")
    last_assigned_at: Mapped[datetime | None] = mapped_column(Timestamp)


class Absence(Base):
    """A time from ``from_at`` until ``until_at`` (not included) in which a member of staff is away, or, as kind
    ``duty``, has a shift outside their usual hours. ``substitute`` takes their urgent cases meanwhile. Cancelled, it
    counts for nothing."""

    __tablename__ = "absence"

    id: Mapped[UUID] = mapped_column(sa.Uuid, primary_key=True)
    login: Mapped[str] = mapped_column(sa.Text)
    kind: Mapped[str] = mapped_column(sa.Text)
    from_at: Mapped[datetime] = mapped_column(Timestamp)
    until_at: Mapped[datetime] = mapped_column(Timestamp)
    substitute: Mapped[str | None] = mapped_column(sa.Text)
    note: Mapped[str | None] = mapped_column(sa.Text)
    created_by: Mapped[str] = mapped_column(sa.Text)
    created_at: Mapped[datetime] = mapped_column(Timestamp)
    cancelled_at: Mapped[datetime | None] = mapped_column(Timestamp)

    __table_args__ = (
        sa.CheckConstraint("kind in ('leave', 'sick', 'training', 'duty')", name="kind"),
        sa.CheckConstraint("from_at < until_at", name="until_at"),
        sa.CheckConstraint("substitute <> login and (substitute is null or kind <> 'duty')", name="substitute"),
        # By person, and of a person those that are not over.
        sa.Index("ix_absence_login", "login", "until_at", postgresql_where=sa.text("cancelled_at is null")),
    )
