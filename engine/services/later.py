"""Outcomes that services tell later, at the address that their call told them: once, while they are waited for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import select, update

from engine import jobs, tries
from engine.errors import Conflict, InvalidValues, NotFound, ServiceFailed
from engine.jobs import Job, Told
from engine.model import Json
from engine.model.services import TryOutcome
from engine.observe import logs
from engine.services import answers, callbacks, http
from engine.services.exchange import Answer
from engine.storage.tables import JobRow, TryRow
from engine.transaction import Transaction


def tell(tx: Transaction, signed: str, body: Json, headers: Mapping[str, str]) -> None:
    """The outcome: what the call's answer would have said, had it not come later.

    Raises NotFound, Conflict when it is told already or not waited for any more, InvalidValues when it cannot be read.
    """
    job = _awaited(tx, signed)
    answer = Answer(200, headers, body)
    hidden = _hidden(tx, job)
    try:
        outcome = answers.outcome_of(tx.store, http.asked(tx, job), answer)
    except ServiceFailed as cause:
        raise InvalidValues({"body": http.masked(str(cause), hidden)}) from cause
    http.conclude(tx, job, outcome)
    said = http.masked(answers.beginning(body, http.LONGEST_TOLD), hidden)
    told = Told("Told later, by the service itself.", said)
    error = None if outcome.error is None else outcome.error.code
    how = TryOutcome.ANSWERED if error is None else TryOutcome.ERROR
    tries.keep(tx, job, tries.Began(job.due_at, told), how, error)
    jobs.end(tx, job)


def tell_failure(tx: Transaction, signed: str, message: str, *, is_final: bool = False) -> None:
    """The try has failed. is_final: another one will not make it better. Raises as tell does."""
    job = _awaited(tx, signed)
    message = http.masked(message, _hidden(tx, job))
    failure = ServiceFailed(message or "The service said that it has failed.", retryable=not is_final, names=["Told"])
    tries.fail(tx, job, {job.kind: http.HANDLER}, failure, tries.Began(job.due_at))


def beat(tx: Transaction, signed: str) -> None:
    """A sign of life: the service works on it still. Raises as tell does."""
    job = _awaited(tx, signed)
    awaiting = job.payload.get("awaiting")
    if awaiting is not None and awaiting["heartbeat"] is not None:
        until = datetime.fromisoformat(awaiting["until"])
        due = min(until, tx.now + timedelta(seconds=awaiting["heartbeat"]))
        tx.session.execute(update(JobRow).where(JobRow.id == job.id).values(run_at=due))


def _hidden(tx: Transaction, job: Job) -> tuple[str, ...]:
    """What a service may repeat and nobody shall read. What cannot be told any more is no secret of this call."""
    try:
        return http.secrets_of(tx, http.asked(tx, job))
    except ServiceFailed:
        return ()


def _awaited(tx: Transaction, signed: str) -> Job:
    """Of this very try. It may be told before the answer 202 has come: then that one finds nothing to wait for."""
    job_id, number = callbacks.meant(tx, signed)
    try:
        job = jobs.get(tx, job_id)
    except NotFound as cause:
        raise _over(tx, job_id) from cause
    failed = tx.session.scalar(select(JobRow.failed_at).where(JobRow.id == job_id))
    if job.attempts != number or failed is not None:
        raise Conflict("Expected the call to wait for its outcome, but its time is over; it is tried again, or was.")
    logs.note(job=job.id, instance=job.instance_id, element=job.element_id)
    return job


def _over(tx: Transaction, job_id: int) -> Conflict | NotFound:
    if tx.session.scalar(select(TryRow.id).where(TryRow.job_id == job_id).limit(1)) is None:
        return NotFound("There is no call that waits for an outcome at this address.")
    return Conflict("Expected the call to wait for its outcome, but it has it already, or its process has gone on.")
