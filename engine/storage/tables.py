"""Every table. Rows hold plain values; what they mean is said by the noun modules that read and write them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar

import orjson
from sqlalchemy import (
    BigInteger,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
    true,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

NEVER = datetime(9999, 12, 31, tzinfo=UTC)
"""Stands for "no due date" where rows are sorted by it: NULL sorts differently on each database."""

_NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


class Moment(TypeDecorator[datetime]):
    """An aware UTC datetime; SQLite keeps it as text that sorts."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError(f"Expected a moment with a time zone, but got {value.isoformat()}.")
        return value and value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None or value.tzinfo is not None:
            return value
        return value.replace(tzinfo=UTC)


class Plain(TypeDecorator[Any]):
    """A JSON document as text: our own writing of it, the same on each database."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else orjson.dumps(value).decode()

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else orjson.loads(value)


Id = BigInteger().with_variant(Integer, "sqlite")
Names = list[str]


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=_NAMING)
    type_annotation_map: ClassVar = {datetime: Moment, Names: Plain, dict[str, Any]: Plain, bytes: LargeBinary}


def _id() -> Mapped[int]:
    return mapped_column(Id, primary_key=True, autoincrement=True)


def _of(column: str, *, index: bool = False, cascade: bool = True) -> Any:
    return mapped_column(Id, ForeignKey(column, ondelete="CASCADE" if cascade else None), index=index)


# ---- what is deployed ----------------------------------------------------------------------------------------------


class DeploymentRow(Base):
    __tablename__ = "deployment"
    id: Mapped[int] = _id()
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(200))


class ResourceRow(Base):
    """One uploaded file, byte for byte."""

    __tablename__ = "resource"
    __table_args__ = (UniqueConstraint("deployment_id", "file"),)
    id: Mapped[int] = _id()
    deployment_id: Mapped[int] = _of("deployment.id")
    file: Mapped[str] = mapped_column(String(400))
    content: Mapped[bytes]


class DefinitionRow(Base):
    __tablename__ = "definition"
    __table_args__ = (
        UniqueConstraint("key", "version"),
        Index(
            "ix_definition_latest",
            "key",
            unique=True,
            sqlite_where=text("is_latest"),
            postgresql_where=text("is_latest"),
        ),
    )
    id: Mapped[int] = _id()
    key: Mapped[str] = mapped_column(String(255))
    version: Mapped[int]
    is_latest: Mapped[bool]
    name: Mapped[str] = mapped_column(String(400))
    deployment_id: Mapped[int] = _of("deployment.id", index=True)
    resource_id: Mapped[int] = _of("resource.id")
    has_diagram: Mapped[bool]
    starter_users: Mapped[Names]
    """Who may start; both lists empty: everybody."""
    starter_groups: Mapped[Names]
    version_tag: Mapped[str | None] = mapped_column(String(255))
    """What its makers call this version."""
    starts_by_hand: Mapped[bool] = mapped_column(server_default=true())
    """Whether it has a plain start; otherwise it starts by a timer, message or signal only."""
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(200))


class DraftRow(Base):
    """An upload that is kept though it need not be able to run."""

    __tablename__ = "draft"
    id: Mapped[int] = _id()
    name: Mapped[str] = mapped_column(String(400))
    revision: Mapped[int]
    """Counts how often its files were replaced, from 1."""
    errors: Mapped[int]
    """When its files were checked last."""
    warnings: Mapped[int]
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(200))
    updated_at: Mapped[datetime]
    updated_by: Mapped[str] = mapped_column(String(200))


class DraftFileRow(Base):
    """One file of a draft, byte for byte."""

    __tablename__ = "draft_file"
    draft_id: Mapped[int] = mapped_column(Id, ForeignKey("draft.id", ondelete="CASCADE"), primary_key=True)
    file: Mapped[str] = mapped_column(String(400), primary_key=True)
    content: Mapped[bytes]


# ---- what runs -----------------------------------------------------------------------------------------------------


class InstanceRow(Base):
    __tablename__ = "instance"
    __table_args__ = (
        Index(None, "status", "id"),
        Index(None, "definition_key", "status", "id"),
        Index(None, "business_key"),
        Index(None, "started_by", "id"),
        Index(None, "caller_id", "caller_token"),
        Index(None, "definition_key", "start_key", unique=True),
    )
    id: Mapped[int] = _id()
    definition_id: Mapped[int] = _of("definition.id", index=True, cascade=False)
    definition_key: Mapped[str] = mapped_column(String(255))
    business_key: Mapped[str | None] = mapped_column(String(255))
    start_key: Mapped[str | None] = mapped_column(String(255))
    """Under which it was started once; None: its starter gave none."""
    status: Mapped[str] = mapped_column(String(20))
    error_code: Mapped[str | None] = mapped_column(String(255))
    started_by: Mapped[str] = mapped_column(String(200))
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)
    """Counts the commands; compared before it is written: a second lock beside the row's."""
    caller_id: Mapped[int | None] = mapped_column(Id, ForeignKey("instance.id"))
    """The instance whose call activity started it."""
    caller_token: Mapped[str | None] = mapped_column(String(32))


class SnapshotRow(Base):
    """The live tokens of one instance, in the parts of engine/bpmn/snapshot.py."""

    __tablename__ = "snapshot"
    instance_id: Mapped[int] = mapped_column(Id, ForeignKey("instance.id", ondelete="CASCADE"), primary_key=True)
    part: Mapped[str] = mapped_column(String(40), primary_key=True)
    content: Mapped[bytes]


class VariableRow(Base):
    """A named value in a scope ("" is the process, else the token that owns it)."""

    __tablename__ = "variable"
    __table_args__ = (Index(None, "name", "text"), Index(None, "name", "number"))
    instance_id: Mapped[int] = mapped_column(Id, ForeignKey("instance.id", ondelete="CASCADE"), primary_key=True)
    scope: Mapped[str] = mapped_column(String(32), primary_key=True)
    name: Mapped[str] = mapped_column(String(255), primary_key=True)
    value: Mapped[str] = mapped_column(Text)
    text: Mapped[str | None] = mapped_column(String(200))
    """The value as people search for it; None for lists and dicts."""
    number: Mapped[float | None] = mapped_column(Float(53))


class DataStoreRow(Base):
    """What a data store holds, as JSON; version 0: nobody has written it yet."""

    __tablename__ = "data_store"
    name: Mapped[str] = mapped_column(String(400), primary_key=True)
    value: Mapped[str] = mapped_column(Text)
    version: Mapped[int]
    updated_at: Mapped[datetime]
    updated_by: Mapped[str] = mapped_column(String(200))


class ActivityRow(Base):
    """One visit of a token to an element."""

    __tablename__ = "activity"
    __table_args__ = (
        Index(None, "instance_id", "token"),
        Index(None, "instance_id", "id"),
        Index(None, "instance_id", "element_id", "outcome"),
        Index(None, "instance_id", "flow"),
    )
    id: Mapped[int] = _id()
    instance_id: Mapped[int] = _of("instance.id")
    token: Mapped[str] = mapped_column(String(32))
    element_id: Mapped[str] = mapped_column(String(255))
    element_type: Mapped[str] = mapped_column(String(50))
    element_name: Mapped[str] = mapped_column(String(400))
    entered_at: Mapped[datetime]
    left_at: Mapped[datetime | None]
    outcome: Mapped[str | None] = mapped_column(String(20))
    actor: Mapped[str | None] = mapped_column(String(200))
    flow: Mapped[str | None] = mapped_column(String(255))
    """The sequence flow that the token came in by."""


class EventRow(Base):
    """A fact about the past, never changed."""

    __tablename__ = "event"
    __table_args__ = (Index(None, "instance_id", "id"), Index(None, "instance_id", "element_id", "id"))
    id: Mapped[int] = _id()
    instance_id: Mapped[int | None] = mapped_column(Id, ForeignKey("instance.id", ondelete="CASCADE"))
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(200))
    kind: Mapped[str] = mapped_column(String(50))
    element_id: Mapped[str | None] = mapped_column(String(255))
    data: Mapped[dict[str, Any]]


# ---- what waits ----------------------------------------------------------------------------------------------------


class UserTaskRow(Base):
    __tablename__ = "user_task"
    __table_args__ = (
        Index(None, "instance_id", "token"),
        Index(None, "status", "assignee", "due_order", "id"),
        Index(None, "status", "assignee", "priority", "id"),
    )
    id: Mapped[int] = _id()
    instance_id: Mapped[int] = _of("instance.id")
    definition_id: Mapped[int] = _of("definition.id", cascade=False, index=True)
    token: Mapped[str] = mapped_column(String(32))
    element_id: Mapped[str] = mapped_column(String(255))
    name: Mapped[str] = mapped_column(String(400))
    status: Mapped[str] = mapped_column(String(20))
    assignee: Mapped[str | None] = mapped_column(String(200))
    candidate_users: Mapped[Names]
    candidate_groups: Mapped[Names]
    priority: Mapped[int] = mapped_column(default=50)
    due_at: Mapped[datetime | None]
    due_order: Mapped[datetime] = mapped_column(default=NEVER)
    follow_up_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    completed_by: Mapped[str | None] = mapped_column(String(200))


class CandidateRow(Base):
    """Offers an open task that nobody has to one reader: "user:ana", "group:clerks" or "all:" (nobody was named).

    Carries the task's sort keys, so that the first page of a reader's tasks is read off one index.
    """

    __tablename__ = "candidate"
    __table_args__ = (Index(None, "reader", "due_order", "task_id"), Index(None, "reader", "priority", "task_id"))
    reader: Mapped[str] = mapped_column(String(210), primary_key=True)
    task_id: Mapped[int] = mapped_column(
        Id, ForeignKey("user_task.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    priority: Mapped[int]
    due_order: Mapped[datetime]


class SubscriptionRow(Base):
    """A message or signal that an instance, or a definition's start event, waits for."""

    __tablename__ = "subscription"
    __table_args__ = (Index(None, "kind", "name", "correlation_key"), Index(None, "instance_id", "token"))
    id: Mapped[int] = _id()
    kind: Mapped[str] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(String(255))
    correlation_key: Mapped[str | None] = mapped_column(String(255))
    key_told: Mapped[str | None] = mapped_column(Text)
    """The same for people."""
    instance_id: Mapped[int | None] = mapped_column(Id, ForeignKey("instance.id", ondelete="CASCADE"))
    definition_id: Mapped[int | None] = mapped_column(Id, ForeignKey("definition.id", ondelete="CASCADE"), index=True)
    token: Mapped[str | None] = mapped_column(String(32))
    element_id: Mapped[str] = mapped_column(String(255))


class CorrelationRow(Base):
    """How the values of a key are retrieved from a message, as one definition says."""

    __tablename__ = "correlation"
    __table_args__ = (Index(None, "message"),)
    id: Mapped[int] = _id()
    definition_id: Mapped[int] = _of("definition.id", index=True)
    message: Mapped[str] = mapped_column(String(255))
    name: Mapped[str] = mapped_column(String(255))
    retrieved: Mapped[Names]


class ReceiptRow(Base):
    """A message from outside that was taken: one that comes again under its id changes nothing."""

    __tablename__ = "receipt"
    __table_args__ = (Index(None, "received_at"),)
    name: Mapped[str] = mapped_column(String(255), primary_key=True)
    message_id: Mapped[str] = mapped_column(String(255), primary_key=True)
    instance_id: Mapped[int | None] = mapped_column(Id)
    """Who took it; None: nobody has yet, and it is kept."""
    received_at: Mapped[datetime]


class MessageRow(Base):
    """A message that nobody waited for yet."""

    __tablename__ = "message"
    __table_args__ = (Index(None, "name", "id"),)
    id: Mapped[int] = _id()
    name: Mapped[str] = mapped_column(String(255))
    payload: Mapped[dict[str, Any]]
    thrower_id: Mapped[int | None] = mapped_column(Id, ForeignKey("instance.id", ondelete="CASCADE"), index=True)
    """The instance that has thrown it; None: it came from outside."""
    business_key: Mapped[str | None] = mapped_column(String(255))
    keys: Mapped[Names] = mapped_column(server_default="[]")
    """The correlation keys that it carries."""
    message_id: Mapped[str | None] = mapped_column(String(255))
    """Of its receipt; None: it has none."""
    kept_at: Mapped[datetime | None]
    """None: an earlier program did not note it."""
    expires_at: Mapped[datetime]


class IncidentRow(Base):
    """A stop at a token of an instance; or a failed job that no token can tell of, with which it goes."""

    __tablename__ = "incident"
    __table_args__ = (
        Index(None, "instance_id", "id"),
        Index(
            "ix_incident_open",
            "id",
            sqlite_where=text("resolved_at IS NULL"),
            postgresql_where=text("resolved_at IS NULL"),
        ),
    )
    id: Mapped[int] = _id()
    instance_id: Mapped[int | None] = mapped_column(Id, ForeignKey("instance.id", ondelete="CASCADE"))
    definition_id: Mapped[int | None] = mapped_column(Id, ForeignKey("definition.id", ondelete="CASCADE"), index=True)
    token: Mapped[str | None] = mapped_column(String(32))
    element_id: Mapped[str] = mapped_column(String(255))
    element_name: Mapped[str] = mapped_column(String(400))
    message: Mapped[str] = mapped_column(Text)
    job_id: Mapped[int | None] = mapped_column(Id, ForeignKey("job.id", ondelete="CASCADE"), index=True)
    """The failed job; None for a stop at a token."""
    created_at: Mapped[datetime]
    resolved_at: Mapped[datetime | None]
    resolved_by: Mapped[str | None] = mapped_column(String(200))
    """As long as it is open: who has it tried again just now."""


class JobRow(Base):
    """A stored unit of background work. Outcomes are in history; a finished job is deleted."""

    __tablename__ = "job"
    __table_args__ = (
        Index(
            "ix_job_claim",
            "queue",
            "topic",
            "priority",
            "run_at",
            "id",
            sqlite_where=text("failed_at IS NULL"),
            postgresql_where=text("failed_at IS NULL"),
        ),
        Index(None, "instance_id", "token"),
        Index(None, "kind", "due_at", "id"),
        {"sqlite_autoincrement": True},
    )
    id: Mapped[int] = _id()
    queue: Mapped[str] = mapped_column(String(100))
    topic: Mapped[str] = mapped_column(String(400), default="", server_default=text("''"))
    """Of a service's calls: who serves a topic takes its jobs."""
    priority: Mapped[int] = mapped_column(default=0, server_default="0")
    """Higher ones are taken first."""
    kind: Mapped[str] = mapped_column(String(20))
    instance_id: Mapped[int | None] = mapped_column(Id, ForeignKey("instance.id", ondelete="CASCADE"))
    definition_id: Mapped[int | None] = mapped_column(Id, ForeignKey("definition.id", ondelete="CASCADE"), index=True)
    token: Mapped[str | None] = mapped_column(String(32))
    element_id: Mapped[str | None] = mapped_column(String(255))
    payload: Mapped[dict[str, Any]]
    due_at: Mapped[datetime]
    """When people expect it."""
    run_at: Mapped[datetime]
    """When a worker may take it; a lease pushes it into the future."""
    lease: Mapped[str | None] = mapped_column(String(32))
    """Only who holds this may finish the job."""
    worker: Mapped[str | None] = mapped_column(String(255))
    """Who outside took it last, by the name that it gave itself."""
    taken_at: Mapped[datetime | None]
    """When that was."""
    attempts: Mapped[int] = mapped_column(default=0)
    """Tries that raised."""
    max_attempts: Mapped[int] = mapped_column(default=3)
    deliveries: Mapped[int] = mapped_column(default=0)
    """Times it was handed to a worker: stops a job that kills its workers."""
    error: Mapped[str | None] = mapped_column(Text)
    failed_at: Mapped[datetime | None]


class TryRow(Base):
    """One try of a call, as it went; never changed."""

    __tablename__ = "try"
    __table_args__ = (Index(None, "instance_id", "id"),)
    id: Mapped[int] = _id()
    instance_id: Mapped[int] = mapped_column(Id, ForeignKey("instance.id", ondelete="CASCADE"))
    token: Mapped[str] = mapped_column(String(32))
    element_id: Mapped[str] = mapped_column(String(255))
    number: Mapped[int]
    """From 1 on; trying again by hand begins anew."""
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime]
    outcome: Mapped[str] = mapped_column(String(20))
    message: Mapped[str | None] = mapped_column(Text)
    """Why it failed; the code of a BPMN error."""
    again_at: Mapped[datetime | None]
    """When it is tried again; None: it is not."""
    request: Mapped[str | None] = mapped_column(Text)
    answer: Mapped[str | None] = mapped_column(Text)
    worker: Mapped[str | None] = mapped_column(String(255))
    """Who made the call, where that was no worker of ours."""
    job_id: Mapped[int | None] = mapped_column(Id, index=True)
    """Of a job that such a worker had: it is told so when it comes twice."""


# ---- people --------------------------------------------------------------------------------------------------------


class AccountRow(Base):
    __tablename__ = "account"
    id: Mapped[str] = mapped_column(String(200), primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    email: Mapped[str] = mapped_column(String(320), default="")
    password_hash: Mapped[str] = mapped_column(String(200))
    roles: Mapped[Names]
    is_active: Mapped[bool] = mapped_column(default=True)
    session_version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]


class MembershipRow(Base):
    __tablename__ = "membership"
    account_id: Mapped[str] = mapped_column(String(200), ForeignKey("account.id", ondelete="CASCADE"), primary_key=True)
    group: Mapped[str] = mapped_column("group_id", String(200), primary_key=True, index=True)


class AccessTokenRow(Base):
    """Lets a program in, for what its scopes name; the secret itself is not kept."""

    __tablename__ = "access_token"
    id: Mapped[int] = _id()
    name: Mapped[str] = mapped_column(String(100), unique=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    """SHA-256 of the secret, which is too random to be guessed."""
    scopes: Mapped[Names]
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(200))
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    """Last, give or take a minute."""


# ---- services outside ----------------------------------------------------------------------------------------------


class SecretRow(Base):
    """What proves to a service who we are; encrypted."""

    __tablename__ = "secret"
    name: Mapped[str] = mapped_column(String(100), primary_key=True)
    content: Mapped[bytes]
    updated_at: Mapped[datetime]
    updated_by: Mapped[str] = mapped_column(String(200))


class ServiceRow(Base):
    """A service that administrators have set up: its address, how we prove who we are, and how much it bears."""

    __tablename__ = "service"
    name: Mapped[str] = mapped_column(String(255), primary_key=True)
    base_url: Mapped[str] = mapped_column(Text)
    auth: Mapped[dict[str, Any]]
    most_at_once: Mapped[int | None]
    most_per_second: Mapped[float | None] = mapped_column(Float(53))
    spent: Mapped[float] = mapped_column(Float(53), default=0, server_default="0")
    """Of the calls that it bears in a second: those of late, at that moment."""
    spent_at: Mapped[datetime | None]
    updated_at: Mapped[datetime]
    updated_by: Mapped[str] = mapped_column(String(200))


class CircuitRow(Base):
    """A service that has failed of late; one that works has none."""

    __tablename__ = "circuit"
    name: Mapped[str] = mapped_column(String(400), primary_key=True)
    """The topic of its jobs."""
    failures: Mapped[int]
    """One after the other."""
    opened_at: Mapped[datetime | None]
    """Since when it is not called any more."""
    probe_at: Mapped[datetime | None]
    """When one call tries whether it works again."""
    probes: Mapped[int] = mapped_column(default=0)
    """That have failed."""
    error: Mapped[str] = mapped_column(Text)
    incident_id: Mapped[int | None] = mapped_column(Id)


class WorkerRow(Base):
    """Who has asked for work on a topic, and when last."""

    __tablename__ = "worker"
    __table_args__ = (Index(None, "seen_at"),)
    topic: Mapped[str] = mapped_column(String(400), primary_key=True)
    name: Mapped[str] = mapped_column(String(255), primary_key=True)
    seen_at: Mapped[datetime]


# ---- webhooks ------------------------------------------------------------------------------------------------------


class WebhookRow(Base):
    """Messages or signals that a service outside sends, and how they are read."""

    __tablename__ = "webhook"
    name: Mapped[str] = mapped_column(String(100), primary_key=True)
    target: Mapped[str] = mapped_column(String(20))
    target_name: Mapped[str] = mapped_column(String(255))
    scheme: Mapped[str] = mapped_column(String(20))
    secret: Mapped[str] = mapped_column(String(100))
    """Its name."""
    expressions: Mapped[dict[str, Any]]
    lifetime_seconds: Mapped[int | None]
    is_active: Mapped[bool]
    updated_at: Mapped[datetime]
    updated_by: Mapped[str] = mapped_column(String(200))


class DeliveryRow(Base):
    """What came to a webhook, and what came of it: the last ones."""

    __tablename__ = "delivery"
    __table_args__ = (Index(None, "webhook", "is_proven", "id"),)
    id: Mapped[int] = _id()
    webhook: Mapped[str] = mapped_column(String(100), ForeignKey("webhook.name", ondelete="CASCADE"))
    at: Mapped[datetime]
    is_proven: Mapped[bool]
    outcome: Mapped[str] = mapped_column(String(20))
    message: Mapped[str] = mapped_column(Text)
    instance_id: Mapped[int | None] = mapped_column(Id)
    message_id: Mapped[str | None] = mapped_column(String(255))


# ---- programs ------------------------------------------------------------------------------------------------------


class ProgramRow(Base):
    """One row: which programs may work with these tables, while they are newer than some."""

    __tablename__ = "program"
    oldest: Mapped[str] = mapped_column(String(32), primary_key=True)
    """The revision of the oldest of them."""
