"""The versions of the plan as every process sees them. A case remembers the version it ran under."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from services.base.database import Base, Timestamp


class PlanVersion(Base):
    """One version of the plan, as its file was written. The highest version is the one in force."""

    __tablename__ = "plan_version"

    version: Mapped[int] = mapped_column(sa.Integer, primary_key=True, autoincrement=False)
    digest: Mapped[str] = mapped_column(sa.Text)
    text: Mapped[str] = mapped_column(sa.Text)
    created_at: Mapped[datetime] = mapped_column(Timestamp, server_default=sa.func.now())
