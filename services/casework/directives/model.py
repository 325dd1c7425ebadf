"""Emergency directives (应急指令): what the leadership group asks of groups, and who has taken notice."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from services.base.database import Base, Timestamp


class Directive(Base):
    """A directive to groups, open until the leadership group closes it. Its history is in the event log.

    ``text`` and ``closing`` are words of staff and stay in the database. ``version`` is the number of its last event,
    and the ETag that a change must name. ``next_at`` is when the handler looks at the row next, null once it is closed;
    ``told`` counts how often people were told that it is overdue.
    """

    __tablename__ = "directive"

    id: Mapped[UUID] = mapped_column(sa.Uuid, primary_key=True)
    realm: Mapped[str] = mapped_column(sa.Text)
    version: Mapped[int] = mapped_column(sa.Integer)
    status: Mapped[str] = mapped_column(sa.Text)
    text: Mapped[str] = mapped_column(sa.Text)
    complaint_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("complaint.id"))
    issued_at: Mapped[datetime] = mapped_column(Timestamp)
    issued_by: Mapped[str] = mapped_column(sa.Text)
    idempotency_key: Mapped[str | None] = mapped_column(sa.Text)
    body_hash: Mapped[bytes | None] = mapped_column(sa.LargeBinary)
    due_at: Mapped[datetime] = mapped_column(Timestamp)
    closed_at: Mapped[datetime | None] = mapped_column(Timestamp)
    closed_by: Mapped[str | None] = mapped_column(sa.Text)
    closing: Mapped[str | None] = mapped_column(sa.Text)
    next_at: Mapped[datetime | None] = mapped_column(Timestamp)
    missed_at: Mapped[datetime | None] = mapped_column(Timestamp)
    told: Mapped[int] = mapped_column(sa.Integer, server_default="0")

    __table_args__ = (
        sa.CheckConstraint("status in ('open', 'closed')", name="status"),
        sa.CheckConstraint("(status = 'closed') = (closed_at is not null)", name="closed"),
        sa.CheckConstraint("status = 'open' or next_at is null", name="next"),
        sa.CheckConstraint("realm in ('live', 'drill', 'sandbox')", name="realm"),
        sa.Index(
            "uq_directive_idempotency_key",
            "realm",
            "issued_by",
            "idempotency_key",
            unique=True,
            postgresql_where=sa.text("idempotency_key is not null"),
        ),
        sa.Index("ix_directive_realm", "realm", "id"),
        sa.Index("ix_directive_next_at", "next_at", postgresql_where=sa.text("next_at is not null")),
        sa.Index("ix_directive_complaint_id", "complaint_id", postgresql_where=sa.text("complaint_id is not null")),
    )


class DirectiveGroup(Base):
    """A group that a directive is addressed to."""

    __tablename__ = "directive_group"

    directive_id: Mapped[UUID] = mapped_column(sa.ForeignKey("directive.id"), primary_key=True)
    group_code: Mapped[str] = mapped_column(sa.Text, primary_key=True)

    __table_args__ = (sa.Index("ix_directive_group_group_code", "group_code", "directive_id"),)


class DirectivePerson(Base):
    """Somebody who was in an addressed group when the directive was issued, and whether they have taken notice.

    Who is in several of the groups stands here once, with the first of them that the plan lists.
    """

    __tablename__ = "directive_person"

    directive_id: Mapped[UUID] = mapped_column(sa.ForeignKey("directive.id"), primary_key=True)
    login: Mapped[str] = mapped_column(sa.Text, primary_key=True)
    group_code: Mapped[str] = mapped_column(sa.Text)
    acknowledged_at: Mapped[datetime | None] = mapped_column(Timestamp)

    __table_args__ = (sa.Index("ix_directive_person_login", "login", "directive_id"),)
