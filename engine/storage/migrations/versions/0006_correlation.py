"""Correlation of messages by key, delivery once, and messages from outside that wait."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    with op.batch_alter_table("message") as message:
        message.alter_column("thrower_id", existing_type=ID, nullable=True)
        message.add_column(sa.Column("business_key", sa.String(255)))
        message.add_column(sa.Column("keys", sa.Text(), nullable=False, server_default="[]"))
    op.create_table(
        "correlation",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("definition_id", ID, sa.ForeignKey("definition.id", ondelete="CASCADE"), nullable=False),
        sa.Column("message", sa.String(255), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("retrieved", sa.Text(), nullable=False),
    )
    op.create_index("ix_correlation_message", "correlation", ["message"])
    op.create_index("ix_correlation_definition_id", "correlation", ["definition_id"])
    op.create_table(
        "receipt",
        sa.Column("name", sa.String(255), primary_key=True),
        sa.Column("message_id", sa.String(255), primary_key=True),
        sa.Column("instance_id", ID),
        sa.Column("received_at", MOMENT, nullable=False),
    )
    op.create_index("ix_receipt_received_at", "receipt", ["received_at"])
