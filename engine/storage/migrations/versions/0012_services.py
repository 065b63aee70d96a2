"""Services outside, and the secrets that they are called with."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "secret",
        sa.Column("name", sa.String(100), primary_key=True),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("updated_by", sa.String(200), nullable=False),
    )
    op.create_table(
        "service",
        sa.Column("name", sa.String(255), primary_key=True),
        sa.Column("base_url", sa.Text(), nullable=False),
        sa.Column("auth", sa.Text(), nullable=False),
        sa.Column("most_at_once", sa.Integer()),
        sa.Column("most_per_second", sa.Float(53)),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("updated_by", sa.String(200), nullable=False),
    )
