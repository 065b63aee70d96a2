"""Longer names for parts of snapshots: several instances of a repeated activity make one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("snapshot") as snapshot:
        snapshot.alter_column("part", existing_type=sa.String(32), type_=sa.String(40), existing_nullable=False)
