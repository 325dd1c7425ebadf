"""Where each channel front end is called back, and which secret the calls are signed with."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from services.base.database import Base, Timestamp


class Callback(Base):
    """The callback of one front end, which is known by the name of its API keys: a new key keeps the callback.

    ``epoch`` says which secret signs; secrets are not stored but made from it (`Privacy.callback_secret`). Epochs come
    from one sequence and none is used twice, so what was removed or rotated away never returns. Since ``rotated_at``
    the secret of ``previous_epoch`` signs as well, for as long as `signing.BOTH_SIGN`.

    ``disabled_at``: it isn't called any more, because the front end asked for that (410), until it is set or enabled.
    """

    __tablename__ = "callback"

    realm: Mapped[str] = mapped_column(sa.Text, primary_key=True)
    name: Mapped[str] = mapped_column(sa.Text, primary_key=True)
    url: Mapped[str] = mapped_column(sa.Text)
    epoch: Mapped[int] = mapped_column(sa.BigInteger, server_default=sa.text("nextval('callback_epoch')"))
    previous_epoch: Mapped[int | None] = mapped_column(sa.BigInteger)
    rotated_at: Mapped[datetime | None] = mapped_column(Timestamp)
    created_at: Mapped[datetime] = mapped_column(Timestamp, server_default=sa.func.now())
    disabled_at: Mapped[datetime | None] = mapped_column(Timestamp)
    disabled_reason: Mapped[str | None] = mapped_column(sa.Text)

    __table_args__ = (
        sa.CheckConstraint("realm in ('live', 'drill', 'sandbox')", name="realm"),
        sa.CheckConstraint("(previous_epoch is null) = (rotated_at is null)", name="rotated_at"),
        sa.CheckConstraint("(disabled_at is null) = (disabled_reason is null)", name="disabled_reason"),
    )
