"""Incidents: stops that need an administrator, and trying again."""

from __future__ import annotations

from sqlalchemy import func, select

from engine import execution, history, instances, jobs
from engine.bpmn.runtime import Run
from engine.errors import Conflict, NotFound
from engine.model import Incident, Page, Right
from engine.storage.tables import IncidentRow, JobRow
from engine.transaction import Transaction

_OPEN = IncidentRow.resolved_at.is_(None)


def pending(tx: Transaction, *, limit: int = 50, offset: int = 0) -> Page[Incident]:
    """Open incidents, newest first."""
    tx.require(Right.INSPECT)
    query = select(IncidentRow).where(_OPEN).order_by(IncidentRow.id.desc()).limit(limit).offset(offset)
    total = tx.session.scalar(select(func.count()).select_from(IncidentRow).where(_OPEN)) or 0
    return Page(tuple(map(_incident, tx.session.scalars(query))), total, offset, limit)


def of_instance(tx: Transaction, instance_id: int) -> list[Incident]:
    """Open and resolved ones, newest first. Raises NotFound for who may not see the instance."""
    instances.require_sight(tx, instance_id)
    query = select(IncidentRow).where(IncidentRow.instance_id == instance_id)
    return [_incident(row) for row in tx.session.scalars(query.order_by(IncidentRow.id.desc()))]


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

    def act(run: Run) -> None:
        """The instance is locked by now: nobody else resolves it."""
        _require_open(tx, incident_id)
        run.retry(row.token)

    execution.advance(tx, row.instance_id, act)
    failed = select(JobRow.id).where(
        JobRow.instance_id == row.instance_id, JobRow.token == row.token, JobRow.failed_at.is_not(None)
    )
    for job_id in tx.session.scalars(failed).all():
        jobs.retry(tx, job_id)


def _require_open(tx: Transaction, incident_id: int) -> None:
    seen = select(IncidentRow.resolved_at, IncidentRow.resolved_by).where(IncidentRow.id == incident_id)
    resolved_at, resolved_by = tx.session.execute(seen).one()
    if resolved_at is not None:
        raise Conflict(f"Expected incident {incident_id} to be open, but {resolved_by} has resolved it.")


def _incident(row: IncidentRow) -> Incident:
    return Incident(
        id=row.id,
        instance_id=row.instance_id,
        element_id=row.element_id,
        element_name=row.element_name,
        message=row.message,
        detail=row.detail,
        created_at=row.created_at,
        resolved_at=row.resolved_at,
        resolved_by=row.resolved_by,
    )
