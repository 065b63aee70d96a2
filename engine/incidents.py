"""Incidents: stops that need an administrator, and trying again."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, func, insert, select, update

from engine import accounts, execution, history, instances, jobs
from engine.bpmn.runtime import Run
from engine.errors import Conflict, NotFound
from engine.jobs import Job
from engine.model import Incident, Page, Right
from engine.storage.tables import DefinitionRow, IncidentRow, JobRow
from engine.transaction import Transaction

_OPEN = IncidentRow.resolved_at.is_(None)


# ---- finding -------------------------------------------------------------------------------------------------------


def pending(tx: Transaction, *, limit: int = 50, offset: int = 0) -> Page[Incident]:
    """Open incidents, newest first."""
    tx.require(Right.INSPECT)
    rows = tx.session.execute(_rows().where(_OPEN).limit(limit).offset(offset))
    total = tx.session.scalar(select(func.count()).select_from(IncidentRow).where(_OPEN)) or 0
    return Page(tuple(_incident(*row) for row in rows), total, offset, limit)


def of_instance(tx: Transaction, instance_id: int) -> list[Incident]:
    """Open and resolved ones, newest first. Raises NotFound for who may not see the instance."""
    instances.require_sight(tx, instance_id)
    rows = tx.session.execute(_rows().where(IncidentRow.instance_id == instance_id))
    return [_incident(*row) for row in rows]


def _rows() -> Select[Any, Any]:
    named = select(IncidentRow, DefinitionRow.name)
    return named.outerjoin(DefinitionRow, DefinitionRow.id == IncidentRow.definition_id).order_by(IncidentRow.id.desc())


def _incident(row: IncidentRow, definition_name: str | None) -> Incident:
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
        resolved_by=row.resolved_by,
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


def retry(tx: Transaction, incident_id: int) -> None:
    """Try again what stopped: the element itself, or its job. What fails again opens a new incident.

    Raises NotFound, Forbidden, Conflict when it is resolved already.
    """
    tx.require(Right.REPAIR)
    row = tx.session.get(IncidentRow, incident_id)
    if row is None:
        raise NotFound(f"There is no incident {incident_id}.")
    _require_open(tx, incident_id)
    told = history.event(
        tx, "retried", instance_id=row.instance_id, element_id=row.element_id, data={"incident": incident_id}
    )
    history.append(tx, [told])
    if row.instance_id is None or row.job_id is not None:
        _retry_job(tx, row)
    else:
        _retry_token(tx, row, row.instance_id, row.token or "")


def _retry_token(tx: Transaction, row: IncidentRow, instance_id: int, token: str) -> None:
    def act(run: Run) -> None:
        """The instance is locked by now: nobody else resolves it."""
        _require_open(tx, row.id)
        run.retry(token)

    execution.advance(tx, instance_id, act)
    failed = select(JobRow.id).where(
        JobRow.instance_id == instance_id, JobRow.token == token, JobRow.failed_at.is_not(None)
    )
    for job_id in tx.session.scalars(failed).all():
        jobs.retry(tx, job_id)


def _retry_job(tx: Transaction, row: IncidentRow) -> None:
    """Who comes second finds the job waiting for its next try, and is refused."""
    jobs.retry(tx, row.job_id or 0)
    resolved = {"resolved_at": tx.now, "resolved_by": tx.actor.id, "job_id": None}
    tx.session.execute(update(IncidentRow).where(IncidentRow.id == row.id).values(resolved))


def _require_open(tx: Transaction, incident_id: int) -> None:
    seen = select(IncidentRow.resolved_at, IncidentRow.resolved_by).where(IncidentRow.id == incident_id)
    resolved_at, resolved_by = tx.session.execute(seen).one()
    if resolved_at is not None:
        who = accounts.called(tx, [resolved_by or ""]).get(resolved_by or "", resolved_by)
        raise Conflict(f"Expected incident {incident_id} to be open, but {who} has resolved it.")
