"""The category models as every process sees them, and which of them is in force.

A model never changes once it is stored. The one in force is that of the newest promotion which has not been withdrawn,
so that going back is always possible, and who did what when stays known.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from services.base.database import Base, Json, Timestamp


class CategoryModelRow(Base):
    """A model. ``name`` comes from its bytes; ``origin`` is ``shipped``, ``trained`` or ``imported``.

    ``about`` tells how it was made, ``comparison`` how it did beside the model in force when it was trained.
    """

    __tablename__ = "category_model"
    __table_args__ = (sa.CheckConstraint("origin in ('shipped', 'trained', 'imported')", name="origin"),)

    number: Mapped[int] = mapped_column(sa.Integer, sa.Identity(always=True), primary_key=True)
    name: Mapped[str] = mapped_column(sa.Text, unique=True)
    origin: Mapped[str] = mapped_column(sa.Text)
    content: Mapped[bytes] = mapped_column(sa.LargeBinary)
    about: Mapped[dict[str, Any]] = mapped_column(Json)
    comparison: Mapped[dict[str, Any] | None] = mapped_column(Json)
    created_at: Mapped[datetime] = mapped_column(Timestamp, server_default=sa.func.now())


class CategoryModelPromotion(Base):
    """That somebody put a model in force, and took it back, if they did."""

    __tablename__ = "category_model_promotion"

    number: Mapped[int] = mapped_column(sa.Integer, sa.Identity(always=True), primary_key=True)
    model: Mapped[int] = mapped_column(sa.ForeignKey("category_model.number"))
    promoted_by: Mapped[str] = mapped_column(sa.Text)
    promoted_at: Mapped[datetime] = mapped_column(Timestamp, server_default=sa.func.now())
    withdrawn_by: Mapped[str | None] = mapped_column(sa.Text)
    withdrawn_at: Mapped[datetime | None] = mapped_column(Timestamp)
