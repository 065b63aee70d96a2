"""Services that are down, limits on calls, and who serves which topic."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "circuit",
        sa.Column("name", sa.String(400), primary_key=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("opened_at", MOMENT),
        sa.Column("probe_at", MOMENT),
        sa.Column("probes", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("incident_id", ID),
    )
    op.add_column("service", sa.Column("spent", sa.Float(53), nullable=False, server_default="0"))
    op.add_column("service", sa.Column("spent_at", MOMENT))
    op.create_table(
        "worker",
        sa.Column("topic", sa.String(400), primary_key=True),
        sa.Column("name", sa.String(255), primary_key=True),
        sa.Column("seen_at", MOMENT, nullable=False),
    )
    op.create_index("ix_worker_seen_at", "worker", ["seen_at"])
