"""Incidents of jobs that belong to no instance; one flow for each visit; what starts by hand; indexes for lists."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _incidents()
    _visits()
    _definitions()
    for table, columns in _INDEXES:
        op.create_index(f"ix_{table}_{'_'.join(columns)}", table, list(columns))


def _incidents() -> None:
    op.drop_index("ix_incident_open", "incident")
    with op.batch_alter_table("incident") as table:
        table.alter_column("instance_id", existing_type=ID, nullable=True)
        table.alter_column("token", existing_type=sa.String(32), nullable=True)
        table.drop_column("detail")
        table.add_column(sa.Column("definition_id", ID))
        table.create_foreign_key(
            "fk_incident_definition_id", "definition", ["definition_id"], ["id"], ondelete="CASCADE"
        )
        table.create_foreign_key("fk_incident_job_id", "job", ["job_id"], ["id"], ondelete="CASCADE")
    op.execute(
        "UPDATE incident SET definition_id = "
        "(SELECT instance.definition_id FROM instance WHERE instance.id = incident.instance_id)"
    )
    is_open = sa.text("resolved_at IS NULL")
    op.create_index("ix_incident_open", "incident", ["id"], sqlite_where=is_open, postgresql_where=is_open)
    for column in ("definition_id", "job_id"):
        op.create_index(f"ix_incident_{column}", "incident", [column])


def _visits() -> None:
    """A token comes in along one flow at most: no list is needed. ("[]" is none, '["f"]' is f.)"""
    op.add_column("activity", sa.Column("flow", sa.String(255)))
    op.execute("UPDATE activity SET flow = substr(flows, 3, length(flows) - 4) WHERE flows <> '[]'")
    op.drop_column("activity", "flows")


def _definitions() -> None:
    """Of what was deployed before, nobody has looked: starting it says so when it does not start by hand."""
    op.add_column("definition", sa.Column("starts_by_hand", sa.Boolean(), nullable=False, server_default=sa.true()))


_INDEXES = (
    ("instance", ("started_by", "id")),
    ("user_task", ("definition_id",)),
    ("activity", ("instance_id", "id")),
    ("activity", ("instance_id", "element_id", "outcome")),
    ("activity", ("instance_id", "flow")),
    ("event", ("instance_id", "element_id", "id")),
)
