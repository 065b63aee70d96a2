"""Definitions know their version tag, by which call activities may name them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("definition", sa.Column("version_tag", sa.String(255)))
