"""Where channel front ends are called back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

MOMENT = sa.TIMESTAMP(timezone=True)


def upgrade() -> None:
    op.execute("create sequence callback_epoch")
    op.create_table(
        "callback",
        sa.Column("realm", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False, server_default=sa.text("nextval('callback_epoch')")),
        sa.Column("previous_epoch", sa.BigInteger(), nullable=True),
        sa.Column("rotated_at", MOMENT, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False, server_default=sa.func.now()),
        sa.Column("disabled_at", MOMENT, nullable=True),
        sa.Column("disabled_reason", sa.Text(), nullable=True),
        sa.CheckConstraint("realm in ('live', 'drill', 'sandbox')", name=op.f("ck_callback_realm")),
        sa.CheckConstraint("(previous_epoch is null) = (rotated_at is null)", name=op.f("ck_callback_rotated_at")),
        sa.CheckConstraint(
            "(disabled_at is null) = (disabled_reason is null)", name=op.f("ck_callback_disabled_reason")
        ),
        sa.PrimaryKeyConstraint("realm", "name", name=op.f("pk_callback")),
    )


def downgrade() -> None:
    op.drop_table("callback")
    op.execute("drop sequence callback_epoch")
