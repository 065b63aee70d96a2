"""Timers: due times that wait as jobs, and what happens when they come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, func, select

from engine import definitions, execution, history, incidents, instances, jobs, values
from engine.bpmn import schedule
from engine.bpmn.names import element_of
from engine.bpmn.runtime import Run
from engine.bpmn.schedule import CatchUp, TimerKind
from engine.errors import Busy, Conflict, InvalidValues, NotFound
from engine.jobs import Handler, Job
from engine.model import Json, Page
from engine.model.people import Right
from engine.model.processes import InstanceStatus, Timer
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


def get(tx: Transaction, job_id: int) -> Timer:
    """One that waits. Raises Forbidden, NotFound."""
    tx.require(Right.INSPECT)
    row = tx.session.execute(_rows().where(JobRow.id == job_id)).one_or_none()
    if row is None:
        raise _gone(job_id)
    return _timer(tx, *row)


def _gone(job_id: int) -> NotFound:
    return NotFound(f"There is no timer {job_id}: it has fired, or is waited for no longer.")


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
        is_cycle=_is_cycle(row),
        business_key=business_key,
    )


# ---- firing --------------------------------------------------------------------------------------------------------


def _fire(tx: Transaction, job: Job, _result: object) -> None:
    """A timer is due. A second run is harmless: the first deleted the job with the wait it stood for."""
    if _is_skipped(tx, job):
        _skip(tx, job)
    elif job.instance_id is None:
        _start(tx, job)
    else:
        _happen(tx, job, job.instance_id)


def _happen(tx: Transaction, job: Job, instance_id: int) -> None:
    _require_no_start(tx, job)
    history.append(tx, [_told(tx, "timer fired", job, {"due": job.due_at})])
    token, element = job.token or "", job.element_id or ""
    execution.advance(tx, instance_id, lambda run: run.happen(token, element, {}))


def _start(tx: Transaction, job: Job) -> int | None:
    """A start timer: one instance, or the rest that others wait for; and the next turn of its cycle."""
    _wait_for(tx, job, schedule.following(_due(job), tx.now, _catch_up(job)))
    return _begin(tx, job)


def _wait_for(tx: Transaction, job: Job, turn: schedule.Due | None) -> None:
    """A further turn of a start timer's cycle, if there is one."""
    if turn is not None:
        element_id = job.element_id or ""
        definitions.add_start_timer(tx, job.definition_id or 0, element_id, turn, catch_up=_catch_up(job))


def _begin(tx: Transaction, job: Job) -> int | None:
    """Begin an instance; None when instances waited for this."""
    row = tx.session.get(DefinitionRow, job.definition_id)
    if row is None:
        raise NotFound(f"There is no definition {job.definition_id}.")
    return None if _comes_to_others(tx, job) else execution.begin(tx, row, {}, start_event=job.element_id)


def _due(job: Job) -> schedule.Due:
    """The turn as its schedule has it: a job may have been moved since."""
    told = job.payload
    at = datetime.fromisoformat(told["due"]) if "due" in told else job.due_at
    return schedule.Due(at, told["remaining"], told["interval"])


def _is_cycle(job: Job | JobRow) -> bool:
    return job.payload["interval"] is not None


def _catch_up(job: Job) -> CatchUp:
    return CatchUp(job.payload.get("catch_up", CatchUp.ONCE))


def _told(
    tx: Transaction, kind: str, job: Job, data: Mapping[str, Json], *, began: int | None = None
) -> dict[str, Any]:
    """A fact about a timer; of a start timer it is told at the instance that it began, if any."""
    told = {name: values.encode(value) for name, value in data.items()}
    at = element_of(job.element_id or "")
    return history.event(tx, kind, instance_id=job.instance_id or began, element_id=at, data=told)


# ---- turns of a cycle that came while nothing ran ------------------------------------------------------------------
# What all and once mean, schedule.following says: it is asked whenever one has fired.


def _is_skipped(tx: Transaction, job: Job) -> bool:
    """Whether a turn is too late to fire. One that a person has moved, or that failed before, is late on purpose.

    An instance that waits for a cycle with an end is not left waiting: the last turn comes late.
    """
    if _catch_up(job) is not CatchUp.SKIP or job.attempts or job.due_at != _due(job).at:
        return False
    waits_in_vain = job.instance_id is not None and schedule.skipping(_due(job), tx.now) is None
    return schedule.is_missed(_due(job), tx.now) and not waits_in_vain


def _skip(tx: Transaction, job: Job) -> None:
    """Wait for the next turn that is not past; as many are left as before."""
    history.append(tx, [_told(tx, "timer skipped", job, {"due": job.due_at})])
    if job.instance_id is None:
        _wait_for(tx, job, schedule.skipping(_due(job), tx.now))
    else:
        execution.advance(tx, job.instance_id, lambda run: run.skip(job.token or "", job.element_id or ""))


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


# ---- by hand -------------------------------------------------------------------------------------------------------


def fire(tx: Transaction, job_id: int) -> None:
    """Let a timer fire now, in this transaction and in the actor's name.

    Who waits for it goes on, or an instance starts; a timer without a cycle is over then. A cycle goes on as if nothing
    had happened: its coming turn keeps its moment, and as many are left (as where a schedule of Temporal, Quartz or
    Kubernetes is triggered by hand). Whoever wants that turn itself to come now moves it to now. A turn that is due by
    now is the one that fires: none is doubled.
    Raises Forbidden, NotFound, Conflict when it has just fired, was moved, has failed or its instance is not active.
    """
    job = _waiting(tx, job_id)
    is_extra = _is_cycle(job) and job.due_at > tx.now
    if job.instance_id is None:
        _start_by_hand(tx, job, is_extra=is_extra)
        return

    def act(run: Run) -> None:
        """The instance is locked by now, as a worker locks it before the job."""
        _require_unchanged(tx, job)
        run.fire(job.token or "", job.element_id or "", is_extra=is_extra)

    told = _told(tx, "timer fired", job, _by_hand(job))
    execution.advance(tx, job.instance_id, act, events=[told])


def _start_by_hand(tx: Transaction, job: Job, *, is_extra: bool) -> None:
    _require_unchanged(tx, job)
    now = replace(job, due_at=min(job.due_at, tx.now))
    if is_extra:
        began = _begin(tx, now)
    else:
        tx.session.execute(delete(JobRow).where(JobRow.id == job.id))
        began = _start(tx, now)
    history.append(tx, [_told(tx, "timer fired", job, _by_hand(job), began=began)])


def _by_hand(job: Job) -> Mapping[str, Json]:
    return {"due": job.due_at, "by_hand": True}


def move(tx: Transaction, job_id: int, due_at: datetime, *, seen: datetime | None = None) -> None:
    """Let a timer be due at another moment; one that is past is now.

    Of a cycle this moves one turn: those that follow keep to their schedule, and as many are left. What they do when
    the moved turn comes later than they are due, the timer's catch-up says: by default it makes up for them.
    seen: the moment that the actor has seen it to be due at; None: any.
    Raises Forbidden, NotFound, InvalidValues for a moment too far away, Conflict as fire does, or when it was moved
    since it was seen.
    """
    job = _waiting(tx, job_id)
    _require_active(tx, job)
    if seen is not None and seen != job.due_at:
        raise _moved(job_id, seen)
    if due_at.tzinfo is None or due_at - tx.now > schedule.LONGEST:
        raise InvalidValues({"due_at": "Expected a moment with a zone, at most a thousand years from now."})
    due_at = max(due_at, tx.now)
    history.append(tx, [_told(tx, "timer moved", job, {"from": job.due_at, "to": due_at})])
    if not jobs.move(tx, JobRow.id == job.id, JobRow.due_at == job.due_at, due_at=due_at):
        raise _moved(job_id, job.due_at)


def moment(tx: Transaction, text: str) -> datetime:
    """A date, or a duration from now, as diagrams write it. Raises InvalidValues (of due_at)."""
    kind = TimerKind.DURATION if text.strip().startswith("P") else TimerKind.DATE
    try:
        return schedule.first(kind, text, tx.now, execution.zone(tx)).at
    except ValueError as cause:
        raise InvalidValues({"due_at": str(cause)}) from cause


def _waiting(tx: Transaction, job_id: int) -> Job:
    """A timer that somebody wants to change."""
    tx.require(Right.REPAIR)
    row = tx.session.get(JobRow, job_id)
    if row is None or row.kind != "timer":
        raise _gone(job_id)
    if row.failed_at is not None:
        raise Conflict(f"Expected timer {job_id} to wait, but its last try has failed. Retry its incident.")
    return Job(**{field.name: getattr(row, field.name) for field in fields(Job)})


def _require_active(tx: Transaction, job: Job) -> None:
    status = tx.session.scalar(select(InstanceRow.status).where(InstanceRow.id == job.instance_id))
    if status not in (None, InstanceStatus.ACTIVE):
        raise execution.NotActive(f"Expected instance {job.instance_id} to be active, but it is {status}.")


def _require_unchanged(tx: Transaction, job: Job) -> None:
    """Lock the job. Raises Conflict unless it is as it was read."""
    same = select(JobRow.id).where(JobRow.id == job.id, JobRow.due_at == job.due_at, JobRow.failed_at.is_(None))
    if tx.session.scalar(same.with_for_update()) is None:
        raise _moved(job.id, job.due_at)


def _moved(job_id: int, seen: datetime) -> Conflict:
    due = seen.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
    return Conflict(f"Expected timer {job_id} to be due at {due} UTC, but it was moved or has fired. Load it again.")


HANDLER = Handler(finish=_fire, gave_up=incidents.give_up)
