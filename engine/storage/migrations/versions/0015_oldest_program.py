"""Which programs may work with the database: the oldest of them, so that some may be older than its tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    program = op.create_table("program", sa.Column("oldest", sa.String(32), primary_key=True))
    op.bulk_insert(program, [{"oldest": revision}])
