"""Timers: due times that wait as jobs, and what happens when they come."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, func, select

from engine import definitions, execution, history, incidents, instances, values
from engine.bpmn import schedule
from engine.bpmn.names import element_of
from engine.errors import NotFound
from engine.jobs import Handler, Job
from engine.model import Page, Right, Timer
from engine.storage.tables import DefinitionRow, InstanceRow, JobRow
from engine.transaction import Transaction

_WAITS = (JobRow.kind == "timer") & JobRow.failed_at.is_(None)
"""One that failed is an incident."""


def pending(tx: Transaction, *, limit: int = 50, offset: int = 0) -> Page[Timer]:
    """Every timer that waits, next first; counting stops at COUNTED_TO."""
    tx.require(Right.INSPECT)
    query = _rows().order_by(JobRow.due_at, JobRow.id).limit(limit).offset(offset)
    counted = select(JobRow.id).where(_WAITS).limit(instances.COUNTED_TO).subquery()
    total = tx.session.scalar(select(func.count()).select_from(counted)) or 0
    return Page(tuple(_timer(tx, *row) for row in tx.session.execute(query)), total, offset, limit)


def of_instance(tx: Transaction, instance_id: int) -> list[Timer]:
    """The timers of one instance, next first. Raises NotFound for who may not see the instance."""
    instances.require_sight(tx, instance_id)
    query = _rows().where(JobRow.instance_id == instance_id).order_by(JobRow.due_at, JobRow.id)
    return [_timer(tx, *row) for row in tx.session.execute(query)]


def _rows() -> Select[Any, Any, Any]:
    return (
        select(JobRow, DefinitionRow.name, InstanceRow.business_key)
        .join(DefinitionRow, DefinitionRow.id == JobRow.definition_id)
        .outerjoin(InstanceRow, InstanceRow.id == JobRow.instance_id)
        .where(_WAITS)
    )


def _timer(tx: Transaction, row: JobRow, definition_name: str, business_key: str | None) -> Timer:
    element_id = row.element_id or ""
    process = execution.process_of(tx, row.definition_id or 0)
    return Timer(
        job_id=row.id,
        instance_id=row.instance_id,
        definition_id=row.definition_id or 0,
        definition_name=definition_name,
        element_id=element_of(element_id),
        element_name=process.elements[element_id].name or element_id,
        due_at=row.due_at,
        business_key=business_key,
    )


# ---- firing --------------------------------------------------------------------------------------------------------


def _fire(tx: Transaction, job: Job, _result: object) -> None:
    """A timer is due. A second run is harmless: the first deleted the job with the wait it stood for."""
    if job.instance_id is None:
        _start(tx, job)
        return
    fired = history.event(
        tx,
        "timer fired",
        instance_id=job.instance_id,
        element_id=element_of(job.element_id or ""),
        data={"due": values.encode(job.due_at)},
    )
    history.append(tx, [fired])
    token, element = job.token or "", job.element_id or ""
    execution.advance(tx, job.instance_id, lambda run: run.happen(token, element, {}))


def _start(tx: Transaction, job: Job) -> None:
    """A start timer: one instance, and the next turn of its cycle."""
    row = tx.session.get(DefinitionRow, job.definition_id)
    if row is None:
        raise NotFound(f"There is no definition {job.definition_id}.")
    due = schedule.Due(job.due_at, job.payload["remaining"], job.payload["interval"])
    following = schedule.following(due, tx.now)
    if following is not None:
        definitions.add_start_timer(tx, row.id, job.element_id or "", following)
    execution.begin(tx, row, {}, start_event=job.element_id)


HANDLER = Handler(finish=_fire, gave_up=incidents.give_up)
