"""The id of a message from outside that is kept: once it is taken, its receipt tells by whom."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("message", sa.Column("message_id", sa.String(255)))
