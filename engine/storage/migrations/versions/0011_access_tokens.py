"""Programs come in with tokens of their own, and start an instance once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("instance", sa.Column("start_key", sa.String(255)))
    op.create_index("ix_instance_definition_key_start_key", "instance", ["definition_key", "start_key"], unique=True)
    op.create_table(
        "access_token",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("created_by", sa.String(200), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT),
        sa.UniqueConstraint("name", name="uq_access_token_name"),
        sa.UniqueConstraint("digest", name="uq_access_token_digest"),
    )
