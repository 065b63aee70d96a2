"""Webhooks and what came to them; keys that are waited for, and since when messages are kept, for people."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "webhook",
        sa.Column("name", sa.String(100), primary_key=True),
        sa.Column("target", sa.String(20), nullable=False),
        sa.Column("target_name", sa.String(255), nullable=False),
        sa.Column("scheme", sa.String(20), nullable=False),
        sa.Column("secret", sa.String(100), nullable=False),
        sa.Column("expressions", sa.Text(), nullable=False),
        sa.Column("lifetime_seconds", sa.Integer()),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("updated_by", sa.String(200), nullable=False),
    )
    op.create_table(
        "delivery",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("webhook", sa.String(100), sa.ForeignKey("webhook.name", ondelete="CASCADE"), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("is_proven", sa.Boolean(), nullable=False),
        sa.Column("outcome", sa.String(20), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("instance_id", ID),
        sa.Column("message_id", sa.String(255)),
    )
    op.create_index("ix_delivery_webhook_is_proven_id", "delivery", ["webhook", "is_proven", "id"])
    op.add_column("subscription", sa.Column("key_told", sa.Text()))
    op.add_column("message", sa.Column("kept_at", MOMENT))
