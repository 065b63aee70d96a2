"""Call activities: who called an instance."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    with op.batch_alter_table("instance") as table:
        table.add_column(sa.Column("caller_id", ID))
        table.add_column(sa.Column("caller_token", sa.String(32)))
        table.create_foreign_key("fk_instance_caller_id", "instance", ["caller_id"], ["id"])
    op.create_index("ix_instance_caller_id_caller_token", "instance", ["caller_id", "caller_token"])
