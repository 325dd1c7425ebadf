"""The case: one customer's complaint and where it stands. Its history is in the event log, not here."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from services.base.database import Base, Json, Timestamp


class Complaint(Base):
    """A complaint as it stands now.

    ``personal``, ``content`` and ``masked`` are written and read through `services.base.privacy` only. ``version`` is
    the number of the case's last event, and the ETag that a change must name.
    """

    __tablename__ = "complaint"

    id: Mapped[UUID] = mapped_column(sa.Uuid, primary_key=True)
    reference: Mapped[str] = mapped_column(sa.Text, unique=True)
    realm: Mapped[str] = mapped_column(sa.Text)
    version: Mapped[int] = mapped_column(sa.Integer)
    status: Mapped[str] = mapped_column(sa.Text)

    # As posted.
    api_key_id: Mapped[UUID] = mapped_column(sa.Uuid)
    external_id: Mapped[str | None] = mapped_column(sa.Text)
    idempotency_key: Mapped[str | None] = mapped_column(sa.Text)
    body_hash: Mapped[bytes] = mapped_column(sa.LargeBinary)
    channel: Mapped[str] = mapped_column(sa.Text)
    service_type: Mapped[str] = mapped_column(sa.Text)
    language: Mapped[str] = mapped_column(sa.Text)
    region: Mapped[str | None] = mapped_column(sa.Text)
    occurred_at: Mapped[datetime | None] = mapped_column(Timestamp)
    received_at: Mapped[datetime] = mapped_column(Timestamp)
    concerns: Mapped[Any | None] = mapped_column(Json)

    # Who and what, through the one door.
    personal: Mapped[Any] = mapped_column(Json)
    content: Mapped[str] = mapped_column(sa.Text)
    masked: Mapped[str | None] = mapped_column(sa.Text)
    phone_hash: Mapped[bytes | None] = mapped_column(sa.LargeBinary)
    email_hash: Mapped[bytes | None] = mapped_column(sa.LargeBinary)
    account_hash: Mapped[bytes | None] = mapped_column(sa.LargeBinary)
    track_epoch: Mapped[int] = mapped_column(sa.Integer, server_default="0")

    # As judged. ``judgement`` holds the model, the plan's edition and the reasons with the masked copy's words.
    region_code: Mapped[str | None] = mapped_column(sa.Text)
    category: Mapped[str | None] = mapped_column(sa.Text)
    sub_category: Mapped[str | None] = mapped_column(sa.Text)
    severity: Mapped[str | None] = mapped_column(sa.Text)
    reportable: Mapped[bool] = mapped_column(sa.Boolean, server_default=sa.false())
    judgement: Mapped[Any | None] = mapped_column(Json)

    # As handled.
    plan_version: Mapped[int | None] = mapped_column(sa.Integer)
    group_code: Mapped[str | None] = mapped_column(sa.Text)
    assignee: Mapped[str | None] = mapped_column(sa.Text)
    assignment: Mapped[Any | None] = mapped_column(Json)
    estimated_repair_at: Mapped[datetime | None] = mapped_column(Timestamp)
    resolution: Mapped[str | None] = mapped_column(sa.Text)
    resolved_at: Mapped[datetime | None] = mapped_column(Timestamp)
    closed_at: Mapped[datetime | None] = mapped_column(Timestamp)
    # Where its playbook stands, and what decisions about it need (`services.casework.handling`).
    handling: Mapped[Any | None] = mapped_column(Json)
    # Who was told last that it needs more than its person can do, and whether they acknowledged it.
    escalation: Mapped[Any | None] = mapped_column(Json)
    merged_into: Mapped[UUID | None] = mapped_column(sa.ForeignKey("complaint.id"))
    reported_at: Mapped[datetime | None] = mapped_column(Timestamp)

    __table_args__ = (
        sa.CheckConstraint("realm in ('live', 'drill', 'sandbox')", name="realm"),
        sa.CheckConstraint(
            "status in ('received', 'classified', 'dispatched', 'in_progress', 'awaiting_customer', 'resolved', "
            "'closed', 'withdrawn', 'rejected')",
            name="status",
        ),
        sa.Index(
            "uq_complaint_api_key_id_external_id",
            "api_key_id",
            "external_id",
            unique=True,
            postgresql_where=sa.text("external_id is not null"),
        ),
        sa.Index(
            "uq_complaint_api_key_id_idempotency_key",
            "api_key_id",
            "idempotency_key",
            unique=True,
            postgresql_where=sa.text("idempotency_key is not null"),
        ),
        sa.Index("ix_complaint_status_id", "realm", "status", "id"),
        sa.Index("ix_complaint_assignee", "assignee", "id", postgresql_where=sa.text("assignee is not null")),
        # What must not wait for somebody who has gone home (`services.casework.moving`).
        sa.Index(
            "ix_complaint_urgent",
            "assignee",
            postgresql_where=sa.text("status in ('dispatched', 'in_progress') and severity in ('critical', 'major')"),
        ),
        sa.Index("ix_complaint_merged_into", "merged_into", postgresql_where=sa.text("merged_into is not null")),
        sa.Index(
            "ix_complaint_reported",
            "realm",
            "id",
            postgresql_where=sa.text("reported_at is not null and closed_at is null"),
        ),
        sa.Index("ix_complaint_phone_hash", "phone_hash", postgresql_where=sa.text("phone_hash is not null")),
        sa.Index("ix_complaint_email_hash", "email_hash", postgresql_where=sa.text("email_hash is not null")),
        sa.Index("ix_complaint_account_hash", "account_hash", postgresql_where=sa.text("account_hash is not null")),
    )
