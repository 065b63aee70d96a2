"""Calls of services that are not over: where each stands, and trying one again before its pause is over."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Row, select

from engine import execution, history, incidents, instances, jobs, values
from engine.bpmn.wait import CALLS
from engine.errors import Conflict, NotFound
from engine.model.people import Right
from engine.model.processes import InstanceStatus
from engine.model.services import OpenCall
from engine.storage.tables import CircuitRow, IncidentRow, InstanceRow, JobRow
from engine.transaction import Transaction

_ROWS = (
    select(JobRow, IncidentRow.id, InstanceRow.status, CircuitRow.probe_at)
    .join(InstanceRow, InstanceRow.id == JobRow.instance_id)
    .outerjoin(
        IncidentRow,
        (IncidentRow.instance_id == JobRow.instance_id)
        & (IncidentRow.token == JobRow.token)
        & IncidentRow.resolved_at.is_(None),
    )
    .outerjoin(CircuitRow, (CircuitRow.name == JobRow.topic) & CircuitRow.opened_at.is_not(None))
    .where(JobRow.kind.in_(CALLS))
    .execution_options(populate_existing=True)
)


def of_instance(tx: Transaction, instance_id: int) -> list[OpenCall]:
    """Those of one instance, in the order they began. Raises NotFound for who may not see the instance."""
    instances.require_sight(tx, instance_id)
    rows = tx.session.execute(_ROWS.where(JobRow.instance_id == instance_id).order_by(JobRow.id))
    return [_open_call(tx, row) for row in rows]


def _open_call(tx: Transaction, row: Row[JobRow, int | None, str, datetime | None]) -> OpenCall:
    job, incident_id, _status, probe_at = row
    element_id = job.element_id or ""
    is_held = job.lease is not None and job.run_at > tx.now
    return OpenCall(
        job_id=job.id,
        element_id=element_id,
        element_name=execution.process_of(tx, job.definition_id or 0).elements[element_id].name,
        token=job.token or "",
        topic=job.topic,
        kind=job.kind,
        tries=job.attempts,
        most_tries=job.max_attempts,
        next_at=None if is_held or job.failed_at else job.run_at,
        parked_until=None if is_held or job.failed_at else probe_at,
        taken_at=job.taken_at if is_held else None,
        held_until=job.run_at if is_held else None,
        worker=job.worker if is_held else None,
        error=job.error,
        awaited_until=_awaited_until(job),
        is_polled="url" in job.payload.get("awaiting", {}),
        has_failed=job.failed_at is not None,
        incident_id=incident_id,
    )


def _awaited_until(job: JobRow) -> datetime | None:
    """Only the present try's outcome counts: what an earlier one was promised does not come any more."""
    awaiting = job.payload.get("awaiting")
    if awaiting is None or awaiting["try"] != job.attempts or job.failed_at is not None:
        return None
    return datetime.fromisoformat(awaiting["until"])


# ---- trying again --------------------------------------------------------------------------------------------------


def try_now(tx: Transaction, job_id: int) -> None:
    """Make the next try at once instead of after its pause; one that has failed for good is its incident's retry.

    Where the outcome is asked for now and then, ask now.
    Raises NotFound, Forbidden, Conflict when a worker has it, it is due anyway or only the service can tell.
    """
    tx.require(Right.REPAIR)
    jobs.get(tx, job_id)  # locks it with its instance: who comes second sees what the first has done
    row = tx.session.execute(_ROWS.where(JobRow.id == job_id)).one_or_none()
    if row is None:
        raise NotFound(f"There is no call {job_id}.")
    call = _open_call(tx, row)
    if call.has_failed:
        return _retry(tx, call)
    _require_pausing(tx, call, InstanceStatus(row[2]))
    data = {"due": values.encode(call.next_at)}
    told = history.event(tx, "tried now", instance_id=row[0].instance_id, element_id=call.element_id, data=data)
    history.append(tx, [told])
    jobs.hasten(tx, job_id)


def _retry(tx: Transaction, call: OpenCall) -> None:
    if call.incident_id is None:
        jobs.retry(tx, call.job_id)
    else:
        incidents.retry(tx, call.incident_id)


def _require_pausing(tx: Transaction, call: OpenCall, status: InstanceStatus) -> None:
    why = ""
    if status != InstanceStatus.ACTIVE:
        why = f"its instance is {status}"
    elif call.held_until is not None:
        why = f"{call.worker or 'a worker of ours'} has it until {call.held_until:%H:%M:%S %Z}"
    elif call.awaited_until is not None and not call.is_polled:
        why = "the service itself tells the outcome"
    elif call.parked_until is not None:
        why = "its service is down; try the service instead"
    elif call.next_at is not None and call.next_at <= tx.now:
        why = "it is due already and waits for a worker"
    if why:
        raise Conflict(f"Expected the call of {call.element_name or call.element_id} to pause, but {why}.")
