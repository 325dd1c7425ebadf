"""Category models as rows, and which of them is in force."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "category_model",
        sa.Column("number", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("about", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("comparison", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("origin in ('shipped', 'trained', 'imported')", name=op.f("ck_category_model_origin")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_category_model")),
        sa.UniqueConstraint("name", name=op.f("uq_category_model_name")),
    )
    op.create_table(
        "category_model_promotion",
        sa.Column("number", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("model", sa.Integer(), nullable=False),
        sa.Column("promoted_by", sa.Text(), nullable=False),
        sa.Column("promoted_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("withdrawn_by", sa.Text(), nullable=True),
        sa.Column("withdrawn_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["model"], ["category_model.number"], name=op.f("fk_category_model_promotion_model")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_category_model_promotion")),
    )


def downgrade() -> None:
    op.drop_table("category_model_promotion")
    op.drop_table("category_model")
