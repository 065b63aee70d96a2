"""The first tables: what is deployed, what runs, what waits, and people."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _people()
    _deployed()
    _running()
    _history()
    _user_tasks()
    _subscriptions()
    _incidents()
    _jobs()


def _id() -> sa.Column[int]:
    return sa.Column("id", ID, primary_key=True, autoincrement=True)


def _of(
    name: str, column: str, *, nullable: bool = False, cascade: bool = True, primary_key: bool = False
) -> sa.Column[int]:
    key = sa.ForeignKey(column, ondelete="CASCADE" if cascade else None)
    return sa.Column(name, ID, key, nullable=nullable, primary_key=primary_key)


def _index(table: str, *columns: str) -> None:
    op.create_index(f"ix_{table}_{'_'.join(columns)}", table, list(columns))


def _partial_index(name: str, table: str, columns: list[str], *, where: str, unique: bool = False) -> None:
    kept = sa.text(where)
    op.create_index(name, table, columns, unique=unique, sqlite_where=kept, postgresql_where=kept)


def _people() -> None:
    op.create_table(
        "account",
        sa.Column("id", sa.String(200), primary_key=True),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("email", sa.String(320), nullable=False),
        sa.Column("password_hash", sa.String(200), nullable=False),
        sa.Column("roles", sa.Text(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("session_version", sa.Integer(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
    )
    op.create_table(
        "membership",
        sa.Column("account_id", sa.String(200), sa.ForeignKey("account.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("group_id", sa.String(200), primary_key=True),
    )
    _index("membership", "group_id")


def _deployed() -> None:
    op.create_table(
        "deployment",
        _id(),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("created_by", sa.String(200), nullable=False),
    )
    op.create_table(
        "resource",
        _id(),
        _of("deployment_id", "deployment.id"),
        sa.Column("file", sa.String(400), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.UniqueConstraint("deployment_id", "file"),
    )
    op.create_table(
        "definition",
        _id(),
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("is_latest", sa.Boolean(), nullable=False),
        sa.Column("name", sa.String(400), nullable=False),
        _of("deployment_id", "deployment.id"),
        _of("resource_id", "resource.id"),
        sa.Column("has_diagram", sa.Boolean(), nullable=False),
        sa.Column("starter_users", sa.Text(), nullable=False),
        sa.Column("starter_groups", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("created_by", sa.String(200), nullable=False),
        sa.UniqueConstraint("key", "version"),
    )
    _index("definition", "deployment_id")
    _partial_index("ix_definition_latest", "definition", ["key"], where="is_latest", unique=True)


def _running() -> None:
    op.create_table(
        "instance",
        _id(),
        _of("definition_id", "definition.id", cascade=False),
        sa.Column("definition_key", sa.String(255), nullable=False),
        sa.Column("business_key", sa.String(255)),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("error_code", sa.String(255)),
        sa.Column("started_by", sa.String(200), nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT),
        sa.Column("version", sa.Integer(), nullable=False),
    )
    _index("instance", "definition_id")
    _index("instance", "status", "id")
    _index("instance", "definition_key", "status", "id")
    _index("instance", "business_key")
    op.create_table(
        "snapshot",
        _of("instance_id", "instance.id", primary_key=True),
        sa.Column("part", sa.String(32), primary_key=True),
        sa.Column("content", sa.LargeBinary(), nullable=False),
    )
    op.create_table(
        "variable",
        _of("instance_id", "instance.id", primary_key=True),
        sa.Column("scope", sa.String(32), primary_key=True),
        sa.Column("name", sa.String(255), primary_key=True),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("text", sa.String(200)),
        sa.Column("number", sa.Float(53)),
    )
    _index("variable", "name", "text")
    _index("variable", "name", "number")


def _history() -> None:
    op.create_table(
        "activity",
        _id(),
        _of("instance_id", "instance.id"),
        sa.Column("token", sa.String(32), nullable=False),
        sa.Column("element_id", sa.String(255), nullable=False),
        sa.Column("element_type", sa.String(50), nullable=False),
        sa.Column("element_name", sa.String(400), nullable=False),
        sa.Column("entered_at", MOMENT, nullable=False),
        sa.Column("left_at", MOMENT),
        sa.Column("outcome", sa.String(20)),
        sa.Column("actor", sa.String(200)),
        sa.Column("flows", sa.Text(), nullable=False),
    )
    _index("activity", "instance_id", "token")
    op.create_table(
        "event",
        _id(),
        _of("instance_id", "instance.id", nullable=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("actor", sa.String(200), nullable=False),
        sa.Column("kind", sa.String(50), nullable=False),
        sa.Column("element_id", sa.String(255)),
        sa.Column("data", sa.Text(), nullable=False),
    )
    _index("event", "instance_id", "id")


def _user_tasks() -> None:
    op.create_table(
        "user_task",
        _id(),
        _of("instance_id", "instance.id"),
        _of("definition_id", "definition.id", cascade=False),
        sa.Column("token", sa.String(32), nullable=False),
        sa.Column("element_id", sa.String(255), nullable=False),
        sa.Column("name", sa.String(400), nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("assignee", sa.String(200)),
        sa.Column("candidate_users", sa.Text(), nullable=False),
        sa.Column("candidate_groups", sa.Text(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("due_at", MOMENT),
        sa.Column("due_order", MOMENT, nullable=False),
        sa.Column("follow_up_at", MOMENT),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT),
        sa.Column("completed_by", sa.String(200)),
    )
    _index("user_task", "instance_id", "token")
    _index("user_task", "status", "assignee", "due_order", "id")
    _index("user_task", "status", "assignee", "priority", "id")
    op.create_table(
        "candidate",
        sa.Column("reader", sa.String(210), primary_key=True),
        _of("task_id", "user_task.id", primary_key=True),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("due_order", MOMENT, nullable=False),
    )
    _index("candidate", "task_id")
    _index("candidate", "reader", "due_order", "task_id")
    _index("candidate", "reader", "priority", "task_id")


def _subscriptions() -> None:
    op.create_table(
        "subscription",
        _id(),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("correlation_key", sa.String(255)),
        _of("instance_id", "instance.id", nullable=True),
        _of("definition_id", "definition.id", nullable=True),
        sa.Column("token", sa.String(32)),
        sa.Column("element_id", sa.String(255), nullable=False),
    )
    _index("subscription", "definition_id")
    _index("subscription", "kind", "name", "correlation_key")
    _index("subscription", "instance_id", "token")


def _incidents() -> None:
    op.create_table(
        "incident",
        _id(),
        _of("instance_id", "instance.id"),
        sa.Column("token", sa.String(32), nullable=False),
        sa.Column("element_id", sa.String(255), nullable=False),
        sa.Column("element_name", sa.String(400), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("job_id", ID),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("resolved_at", MOMENT),
        sa.Column("resolved_by", sa.String(200)),
    )
    _index("incident", "instance_id", "id")
    _partial_index("ix_incident_open", "incident", ["id"], where="resolved_at IS NULL")


def _jobs() -> None:
    op.create_table(
        "job",
        _id(),
        sa.Column("queue", sa.String(100), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        _of("instance_id", "instance.id", nullable=True),
        _of("definition_id", "definition.id", nullable=True),
        sa.Column("token", sa.String(32)),
        sa.Column("element_id", sa.String(255)),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("run_at", MOMENT, nullable=False),
        sa.Column("lease", sa.String(32)),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("max_attempts", sa.Integer(), nullable=False),
        sa.Column("deliveries", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text()),
        sa.Column("failed_at", MOMENT),
        sqlite_autoincrement=True,  # an id is never used twice: it is part of idempotency keys
    )
    _index("job", "definition_id")
    _index("job", "instance_id", "token")
    _index("job", "kind", "due_at", "id")
    _partial_index("ix_job_claim", "job", ["queue", "run_at", "id"], where="failed_at IS NULL")
