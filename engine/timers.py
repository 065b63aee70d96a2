"""Timers: due times that wait as jobs, and what happens when they come."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, func, select

from engine import definitions, execution, history, incidents, instances, jobs, values
from engine.bpmn import schedule
from engine.bpmn.names import element_of
from engine.errors import Busy, NotFound
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
    _require_no_start(tx, job)
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
    """A start timer: one instance, or the rest that others wait for; and the next turn of its cycle."""
    row = tx.session.get(DefinitionRow, job.definition_id)
    if row is None:
        raise NotFound(f"There is no definition {job.definition_id}.")
    due = schedule.Due(job.due_at, job.payload["remaining"], job.payload["interval"])
    following = schedule.following(due, tx.now)
    if following is not None:
        definitions.add_start_timer(tx, row.id, job.element_id or "", following)
    if not _comes_to_others(tx, job):
        execution.begin(tx, row, {}, start_event=job.element_id)


# ---- where an instance needs other triggers beside the timer -------------------------------------------------------


def _comes_to_others(tx: Transaction, job: Job) -> bool:
    """Whether instances that other triggers have begun wait for this one: it begins no other, and comes to them all.

    Time passes for everybody, as a signal is for everybody. What they wait for fires now, and not again later.
    Source: BPMN 2.0.2, 13.5.1 Start Events: the first event makes the instance, the rest are routed to it.
    """
    if not _is_one_of_all(tx, job):
        return False
    theirs = (*_at_start(job), JobRow.instance_id.is_not(None))
    is_awaited = tx.session.scalar(select(JobRow.id).where(*theirs).limit(1)) is not None
    jobs.bring_forward(tx, *theirs, due_at=job.due_at)
    return is_awaited


def _require_no_start(tx: Transaction, job: Job) -> None:
    """What begins instances comes first: it has to see who waits for it. Raises Busy while it is due, too."""
    earlier = (*_at_start(job), JobRow.instance_id.is_(None), JobRow.due_at <= job.due_at)
    if _is_one_of_all(tx, job) and tx.session.scalar(select(JobRow.id).where(*earlier).limit(1)) is not None:
        raise Busy("Expected nobody else to see to this timer, but the definition's own is due.")


def _is_one_of_all(tx: Transaction, job: Job) -> bool:
    return execution.process_of(tx, job.definition_id or 0).needs_others(job.element_id)


def _at_start(job: Job) -> tuple[ColumnElement[bool], ...]:
    """The timers of one start event: that of the definition, and those of instances that wait there."""
    return _WAITS, JobRow.definition_id == job.definition_id, JobRow.element_id == job.element_id


HANDLER = Handler(finish=_fire, gave_up=incidents.give_up)
