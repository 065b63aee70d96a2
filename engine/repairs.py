"""Letting a token go on by hand where a service does not answer, or an incident has stopped it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import select, update

from engine import execution, history, instances, jobs, tries, values
from engine.bpmn.runtime import Run
from engine.bpmn.variables import check
from engine.bpmn.wait import CALLS
from engine.errors import BpmnError, Conflict, InvalidValues
from engine.jobs import Job, Told
from engine.model import Json
from engine.model.people import Right
from engine.model.processes import InstanceStatus
from engine.model.services import Stuck, TryOutcome
from engine.services import told_of
from engine.storage.tables import IncidentRow, JobRow
from engine.transaction import Transaction

LONGEST_REASON = 500
LONGEST_CODE = 255


def look(tx: Transaction, instance_id: int, token: str) -> Stuck:
    """What stands there, for who would let it go on. Raises as the verbs do."""
    tx.require(Right.REPAIR)
    instance = instances.get(tx, instance_id)
    if instance.status != InstanceStatus.ACTIVE:
        raise Conflict(f"Expected instance {instance_id} to be active, but it is {instance.status}.")
    run = execution.look(tx, instance_id)
    stuck, codes = run.stuck_at(token), run.caught_at(token)
    return replace(stuck, codes=tuple(code for code in codes if code is not None), catches_any=None in codes)


def complete(tx: Transaction, instance_id: int, token: str, text: str) -> None:
    """Go on as if the work were done. text: a JSON object of what the service would have answered: its variables.

    Where the diagram names a variable for the answer of a function or a worker, the whole object becomes that one.
    Raises Forbidden, NotFound, InvalidValues, Conflict when it has gone on, only waits or stops again at once.
    """
    tx.require(Right.REPAIR)
    results = _results(text)
    told = _Repair("completed by hand", {"results": values.shown(text.strip(), history.LARGE_VALUE)}, told_of(results))
    _repair(tx, instance_id, token, told, lambda run: run.go_on(token, results))


def skip(tx: Transaction, instance_id: int, token: str, reason: str) -> None:
    """Go on as if the work were done, without results: no output mapping is made. Raises as complete does."""
    tx.require(Right.REPAIR)
    if not reason.strip():
        raise InvalidValues({"reason": "Expected a reason for skipping. Say in a few words why."})
    told = _Repair("skipped", {"reason": values.shown(reason.strip(), LONGEST_REASON)})
    _repair(tx, instance_id, token, told, lambda run: run.go_on(token, None))


def throw(tx: Transaction, instance_id: int, token: str, code: str, message: str = "") -> None:
    """Go on as if the work had ended with a BPMN error. Raises as complete does, and Conflict when none catches it."""
    tx.require(Right.REPAIR)
    error = BpmnError(_code(code), values.shown(message.strip(), LONGEST_REASON))
    told = _Repair("error thrown by hand", {"code": error.code, "message": error.message}, code=error.code)
    _repair(tx, instance_id, token, told, lambda run: run.throw_by_hand(token, error))


def _results(text: str) -> dict[str, Json]:
    try:
        results = values.of_person(text)
        if not isinstance(results, dict):
            raise TypeError(f"Expected an object in JSON, such as {{}}, but it is {text.strip()[:60]}")
        check(results)
    except TypeError as cause:
        raise InvalidValues({"variables": str(cause)}) from cause
    return results


def _code(code: str) -> str:
    if not code.strip():
        raise InvalidValues({"code": "Expected the code of an error, but it is empty."})
    try:
        return values.fitting(code.strip(), LONGEST_CODE, "the code of an error")
    except TypeError as cause:
        raise InvalidValues({"code": str(cause)}) from cause


@dataclass(frozen=True, slots=True)
class _Repair:
    """What is recorded of it, in the history and, where a service was called, as the end of that call."""

    kind: str
    data: Mapping[str, Json]
    answer: str | None = None
    code: str | None = None


def _repair(tx: Transaction, instance_id: int, token: str, told: _Repair, act: Callable[[Run], None]) -> None:
    """Of several at once, and of a worker that answers, the first wins: the others find that the token has gone on."""
    calls: list[Job] = []
    events: list[dict[str, Any]] = []

    def repair(run: Run) -> None:
        """The instance is locked by now."""
        stuck = run.stuck_at(token)
        calls.extend(_calls(tx, instance_id, token))
        data = {**told.data, "before": _before(stuck, calls)}
        events.append(history.event(tx, told.kind, instance_id=instance_id, element_id=stuck.element_id, data=data))
        _take_over(tx, instance_id, token)
        act(run)

    execution.advance(tx, instance_id, repair, events=events)
    _require_passed(tx, instance_id, token)
    for job in calls:
        _end(tx, job, told)


def _calls(tx: Transaction, instance_id: int, token: str) -> list[Job]:
    mine = (JobRow.instance_id == instance_id, JobRow.token == token, JobRow.kind.in_(CALLS))
    return [jobs.get(tx, job_id) for job_id in tx.session.scalars(select(JobRow.id).where(*mine)).all()]


def _before(stuck: Stuck, calls: list[Job]) -> str:
    if stuck.message is not None:
        return f"stopped: {stuck.message}"
    tried = "".join(f", tried {job.attempts} of {job.max_attempts} times" for job in calls)
    return f"called a service{tried}"


def _take_over(tx: Transaction, instance_id: int, token: str) -> None:
    """Who has it tried again is not who resolves it."""
    mine = (IncidentRow.instance_id == instance_id, IncidentRow.token == token, IncidentRow.resolved_at.is_(None))
    tx.session.execute(update(IncidentRow).where(*mine).values(resolved_by=None))


def _require_passed(tx: Transaction, instance_id: int, token: str) -> None:
    """A gateway may not know its way even so, an output mapping may not find what it reads."""
    mine = (IncidentRow.instance_id == instance_id, IncidentRow.token == token, IncidentRow.resolved_at.is_(None))
    found = tx.session.execute(select(IncidentRow.element_name, IncidentRow.message).where(*mine)).first()
    if found is not None:
        raise Conflict(f"Expected {found.element_name} to go on then, but it would stop again. {found.message}")


def _end(tx: Transaction, job: Job, told: _Repair) -> None:
    """The end of a call: who answers it later is told that it has ended, and by whom."""
    outcome = TryOutcome.ANSWERED if told.code is None else TryOutcome.ERROR
    began = tries.Began(tx.now, Told(answer=told.answer))
    tries.keep(tx, replace(job, worker=tx.actor.id), began, outcome, told.code or f"By hand: {told.kind}.")
