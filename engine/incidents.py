"""Incidents: stops that need an administrator, and trying again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, func, insert, or_, select, update

from engine import accounts, circuits, execution, history, instances, jobs
from engine.bpmn.runtime import Run
from engine.bpmn.wait import CALLS
from engine.errors import Conflict, NotFound
from engine.jobs import Job
from engine.model import Page
from engine.model.people import Right
from engine.model.processes import Incident
from engine.storage.tables import DefinitionRow, EventRow, IncidentRow
from engine.transaction import Transaction

_OPEN = IncidentRow.resolved_at.is_(None)


# ---- finding -------------------------------------------------------------------------------------------------------


def pending(tx: Transaction, *, limit: int = 50, offset: int = 0) -> Page[Incident]:
    """Open incidents, newest first; those that are tried again just now are open still."""
    tx.require(Right.INSPECT)
    found = _told(tx, _ROWS.where(_OPEN).limit(limit).offset(offset))
    total = tx.session.scalar(select(func.count()).select_from(IncidentRow).where(_OPEN)) or 0
    return Page(tuple(found), total, offset, limit)


def of_instance(tx: Transaction, instance_id: int) -> list[Incident]:
    """Open and resolved ones, newest first. Raises NotFound for who may not see the instance."""
    instances.require_sight(tx, instance_id)
    return _told(tx, _ROWS.where(IncidentRow.instance_id == instance_id))


def get(tx: Transaction, incident_id: int) -> Incident:
    """Raises NotFound."""
    tx.require(Right.INSPECT)
    found = _told(tx, _ROWS.where(IncidentRow.id == incident_id))
    if not found:
        raise NotFound(f"There is no incident {incident_id}.")
    return found[0]


_ROWS: Select[Any, Any] = (
    select(IncidentRow, DefinitionRow.name)
    .outerjoin(DefinitionRow, DefinitionRow.id == IncidentRow.definition_id)
    .order_by(IncidentRow.id.desc())
    .execution_options(populate_existing=True)
)


def _told(tx: Transaction, query: Select[Any, Any]) -> list[Incident]:
    rows = tx.session.execute(query).all()
    retries = _retries(tx, [row for row, _ in rows if row.resolved_at is None])
    return [_incident(row, name, retries.get(row.id, [])) for row, name in rows]


def _retries(tx: Transaction, rows: Sequence[IncidentRow]) -> dict[int, list[datetime]]:
    """When each incident was tried again, in order."""
    found: dict[int, list[datetime]] = {row.id: [] for row in rows}
    at = {(row.instance_id, row.element_id) for row in rows}
    where = or_(false(), *(_is_at(instance_id, element_id) for instance_id, element_id in at))
    told = select(EventRow.data, EventRow.at).where(EventRow.kind == "retried", where).order_by(EventRow.id)
    for data, moment in tx.session.execute(told) if at else ():
        found.setdefault(data["incident"], []).append(moment)
    return found


def _is_at(instance_id: int | None, element_id: str) -> ColumnElement[bool]:
    return and_(EventRow.instance_id == instance_id, EventRow.element_id == element_id)


def _incident(row: IncidentRow, definition_name: str | None, retries: Sequence[datetime]) -> Incident:
    is_open = row.resolved_at is None
    return Incident(
        id=row.id,
        instance_id=row.instance_id,
        definition_id=row.definition_id,
        definition_name=definition_name or "",
        element_id=row.element_id,
        element_name=row.element_name,
        message=row.message,
        created_at=row.created_at,
        resolved_at=row.resolved_at,
        resolved_by=None if is_open else row.resolved_by,
        token=row.token,
        retries=len(retries),
        retried_at=retries[-1] if retries else None,
        retried_by=row.resolved_by if is_open else None,
    )


# ---- opening -------------------------------------------------------------------------------------------------------


def give_up(tx: Transaction, job: Job, message: str) -> None:
    """The last try of a job has failed: an incident at the token it was for.

    The job itself has one when it is for no token, or when the state that holds the token cannot be read (by now: a
    worker of another version, say). Once it can, a retry goes on where the job stopped.
    """
    if job.instance_id is None or job.token is None:
        return _open(tx, job, message)
    token = job.token
    try:
        execution.advance(tx, job.instance_id, lambda run: run.fail(token, message))
    except execution.StateUnreadable:
        _open(tx, job, message)


def _open(tx: Transaction, job: Job, message: str) -> None:
    """A job that was tried again in vain has its incident still."""
    again = {"message": message, "resolved_by": None}
    known = update(IncidentRow).where(IncidentRow.job_id == job.id).values(again).returning(IncidentRow.id)
    if tx.session.scalar(known) is not None:
        return
    row = {
        "instance_id": job.instance_id,
        "definition_id": job.definition_id,
        "element_id": job.element_id or "",
        "element_name": _name(tx, job),
        "message": message,
        "job_id": job.id,
        "created_at": tx.now,
    }
    tx.session.execute(insert(IncidentRow).values(row))


def _name(tx: Transaction, job: Job) -> str:
    """What stopped: the start event, else what was to be thrown to all."""
    if job.definition_id is None or job.element_id is None:
        return f'{_WORDS.get(job.kind, job.kind)} "{job.payload.get("name", "")}"'
    return execution.process_of(tx, job.definition_id).elements[job.element_id].name or job.element_id


_WORDS = {"seek": "message"}


# ---- trying again --------------------------------------------------------------------------------------------------

_TRIED_LATER = CALLS | {"timer"}
"""Jobs that tell by their end whether what has stopped passes: until then its incident stays."""


def retry(tx: Transaction, incident_id: int, *, seen: int | None = None) -> None:
    """Try again what stopped: the element itself, or its job. What fails again is the same incident.

    It is resolved once that has passed: at once, or when the job has. seen: how often it had been tried again as far
    as the actor knows; None: however often.
    Raises NotFound, Forbidden, Conflict when it is resolved or is tried again already.
    """
    tx.require(Right.REPAIR)
    row = tx.session.get(IncidentRow, incident_id)
    if row is None:
        raise NotFound(f"There is no incident {incident_id}.")
    _require_retryable(tx, row, seen)
    if row.instance_id is None and row.job_id is None:
        circuits.try_of(tx, incident_id)
    elif row.instance_id is None or row.job_id is not None:
        _retry_job(tx, row)
    else:
        _retry_token(tx, row, row.instance_id, seen)


def _retry_token(tx: Transaction, row: IncidentRow, instance_id: int, seen: int | None) -> None:
    token = row.token or ""
    failed = jobs.failed_at(tx, instance_id, token)

    def act(run: Run) -> None:
        """The instance is locked by now: nobody else tries it again."""
        _require_retryable(tx, row, seen)
        _mark(tx, row)
        if not any(kind in _TRIED_LATER for _, kind in failed):
            run.retry(token)

    execution.advance(tx, instance_id, act, events=[_retried(tx, row)])
    for job_id, _ in failed:
        jobs.retry(tx, job_id)


def _retry_job(tx: Transaction, row: IncidentRow) -> None:
    """Who comes second finds the job waiting for its next try, and is refused. The incident goes with the job."""
    jobs.retry(tx, row.job_id or 0)
    _mark(tx, row)
    history.append(tx, [_retried(tx, row)])


def _retried(tx: Transaction, row: IncidentRow) -> dict[str, Any]:
    data = {"incident": row.id}
    return history.event(tx, "retried", instance_id=row.instance_id, element_id=row.element_id, data=data)


def _mark(tx: Transaction, row: IncidentRow) -> None:
    """Somebody has it tried again."""
    tx.session.execute(update(IncidentRow).where(IncidentRow.id == row.id).values(resolved_by=tx.actor.id))


def _require_retryable(tx: Transaction, row: IncidentRow, seen: int | None) -> None:
    tx.session.refresh(row)
    if row.resolved_at is not None:
        raise Conflict(f"Expected incident {row.id} to be open, but {_called(tx, row)} has resolved it.")
    if row.resolved_by is not None:
        raise Conflict(f"Expected incident {row.id} to stand still, but {_called(tx, row)} has it tried again already.")
    if seen is not None and seen != len(_retries(tx, [row])[row.id]):
        raise Conflict(f"Expected incident {row.id} to be as you saw it, but it was tried again since.")


def _called(tx: Transaction, row: IncidentRow) -> str:
    who = row.resolved_by or ""
    return accounts.called(tx, [who]).get(who, who)
