"""Calls of services are taken by topic and priority, also by workers outside."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
WAITING = sa.text("failed_at IS NULL")


def upgrade() -> None:
    op.add_column("job", sa.Column("topic", sa.String(400), nullable=False, server_default=sa.text("''")))
    op.add_column("job", sa.Column("priority", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("job", sa.Column("worker", sa.String(255)))
    op.add_column("job", sa.Column("taken_at", MOMENT))
    op.drop_index("ix_job_claim", "job")
    columns = ["queue", "topic", "priority", "run_at", "id"]
    op.create_index("ix_job_claim", "job", columns, sqlite_where=WAITING, postgresql_where=WAITING)
    _tell_topics()
    op.add_column("try", sa.Column("worker", sa.String(255)))
    op.add_column("try", sa.Column("job_id", ID))
    op.create_index("ix_try_job_id", "try", ["job_id"])


def _tell_topics() -> None:
    """Of the calls that wait by now; until here the topic was in the payload alone."""
    job = sa.table("job", sa.column("id"), sa.column("kind"), sa.column("topic"), sa.column("payload"))
    connection = op.get_bind()
    for id, payload in connection.execute(sa.select(job.c.id, job.c.payload).where(job.c.kind == "service")).all():
        told = sa.update(job).where(job.c.id == id).values(topic=json.loads(payload)["topic"])
        connection.execute(told)
