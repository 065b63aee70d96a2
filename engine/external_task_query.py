"""Which external tasks there are: by worker, topic, lock, retries, instance and more; each as a value."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, func, select

from engine import instances, jobs, values
from engine.errors import NotFound
from engine.jobs import SERVICE_QUEUE
from engine.model import Json, Page
from engine.model.people import Right
from engine.model.processes import InstanceStatus
from engine.model.services import ExternalTask, TryOutcome
from engine.storage.tables import DefinitionRow, InstanceRow, JobRow, TryRow
from engine.transaction import Transaction

IS_ONE = JobRow.queue == SERVICE_QUEUE
ROWS: Select[Any, Any, Any] = (
    select(JobRow, InstanceRow, DefinitionRow.key)
    .join(InstanceRow, InstanceRow.id == JobRow.instance_id)
    .join(DefinitionRow, DefinitionRow.id == JobRow.definition_id)
    .where(IS_ONE)
)


def get(tx: Transaction, task_id: int) -> ExternalTask:
    """Raises NotFound, Forbidden."""
    tx.require(Right.WORK)
    row = tx.session.execute(ROWS.where(JobRow.id == task_id)).one_or_none()
    if row is None:
        raise NotFound(f"There is no external task {task_id}.")
    return as_task(tx, row)


def find(
    tx: Transaction, asked: Mapping[str, Any], *, order: Sequence[Any] = (), limit: int = 50, offset: int = 0
) -> Page[ExternalTask]:
    """Tasks for which all that is asked holds: names of CONDITIONS with their values. order: columns, see ORDERS."""
    tx.require(Right.WORK)
    fitting = ROWS.where(*conditions(tx, asked))
    rows = tx.session.execute(fitting.order_by(*order, JobRow.id).limit(limit).offset(offset))
    return Page(tuple(as_task(tx, row) for row in rows), count(tx, asked), offset, limit)


def count(tx: Transaction, asked: Mapping[str, Any]) -> int:
    tx.require(Right.WORK)
    fitting = ROWS.where(*conditions(tx, asked)).with_only_columns(JobRow.id)
    return tx.session.scalar(select(func.count()).select_from(fitting.subquery())) or 0


def topics(tx: Transaction, asked: Mapping[str, Any]) -> list[str]:
    """Of the tasks that there are."""
    tx.require(Right.WORK)
    found = ROWS.where(*conditions(tx, asked)).with_only_columns(JobRow.topic)
    return list(tx.session.scalars(found.distinct().order_by(JobRow.topic)))


def details(tx: Transaction, task_id: int) -> str | None:
    """What the worker told of the last failure, in full."""
    get(tx, task_id)
    told = select(TryRow.answer).where(TryRow.job_id == task_id, TryRow.outcome == TryOutcome.FAILED)
    return tx.session.scalar(told.order_by(TryRow.id.desc()).limit(1))


def conditions(tx: Transaction, asked: Mapping[str, Any]) -> list[ColumnElement[bool]]:
    """That all that is asked holds, for a query of jobs."""
    return [CONDITIONS[name](tx, told) for name, told in asked.items()]


def _has_key(_tx: Transaction, keys: Collection[str]) -> ColumnElement[bool]:
    return JobRow.definition_id.in_(select(DefinitionRow.id).where(DefinitionRow.key.in_(keys)))


def _of_business_key(_tx: Transaction, key: str) -> ColumnElement[bool]:
    mine = select(InstanceRow.business_key).where(InstanceRow.id == JobRow.instance_id).scalar_subquery()
    return mine == values.shown(key)


def _with_variables(_tx: Transaction, told: Mapping[str, Json]) -> ColumnElement[bool]:
    """Variables of the process that have these values."""
    return instances.with_values(JobRow.instance_id, told)


def _of_status(status: InstanceStatus) -> ColumnElement[bool]:
    return JobRow.instance_id.in_(select(InstanceRow.id).where(InstanceRow.status == status))


CONDITIONS: Mapping[str, Callable[[Transaction, Any], ColumnElement[bool]]] = {
    "ids": lambda tx, ids: JobRow.id.in_(ids),
    "topic": lambda tx, topic: JobRow.topic == topic,
    "worker": lambda tx, worker: (JobRow.worker == worker) & jobs.is_leased(tx),
    "is_locked": lambda tx, is_so: jobs.is_leased(tx) if is_so else ~jobs.is_leased(tx),
    "locked_before": lambda tx, moment: jobs.is_leased(tx) & (JobRow.run_at < moment),
    "locked_after": lambda tx, moment: jobs.is_leased(tx) & (JobRow.run_at > moment),
    "has_retries": lambda tx, is_so: JobRow.failed_at.is_(None) if is_so else JobRow.failed_at.is_not(None),
    "is_suspended": lambda tx, is_so: _of_status(InstanceStatus.SUSPENDED if is_so else InstanceStatus.ACTIVE),
    "elements": lambda tx, ids: JobRow.element_id.in_(ids),
    "tokens": lambda tx, tokens: JobRow.token.in_(tokens),
    "instances": lambda tx, ids: JobRow.instance_id.in_(ids),
    "definitions": lambda tx, ids: JobRow.definition_id.in_(ids),
    "keys": _has_key,
    "business_key": _of_business_key,
    "variables": _with_variables,
    "priority_from": lambda tx, least: JobRow.priority >= least,
    "priority_to": lambda tx, most: JobRow.priority <= most,
}
ORDERS: Mapping[str, Any] = {
    "id": JobRow.id,
    "lockExpirationTime": JobRow.run_at,
    "processInstanceId": JobRow.instance_id,
    "processDefinitionId": JobRow.definition_id,
    "processDefinitionKey": DefinitionRow.key,
    "taskPriority": JobRow.priority,
    "createTime": JobRow.due_at,
}


def as_task(tx: Transaction, row: Row[Any, Any, Any]) -> ExternalTask:
    job, instance, key = row
    is_locked = job.lease is not None and job.run_at > tx.now
    tried = job.attempts > 0
    return ExternalTask(
        id=job.id,
        topic=job.topic,
        instance_id=instance.id,
        definition_id=job.definition_id,
        definition_key=key,
        business_key=instance.business_key,
        element_id=job.element_id or "",
        token=job.token or "",
        priority=job.priority,
        worker=job.worker,
        locked_until=job.run_at if is_locked else None,
        retries=0 if job.failed_at else job.max_attempts - job.attempts if tried else None,
        error=job.error,
        is_suspended=instance.status == InstanceStatus.SUSPENDED,
        created_at=job.due_at,
    )
