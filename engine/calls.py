"""Call activities: start the called instance, take over its end, end it when its caller goes on without it; compensate
it when its caller is compensated.

Each touches one instance: what the other has to know is a job. Source: BPMN 2.0.2, 13.3.4.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from sqlalchemy import func, select

from engine import execution, history, incidents, jobs, values
from engine.bpmn.elements.activities import Binding
from engine.bpmn.runtime import Run
from engine.bpmn.variables import PROCESS, is_internal
from engine.differences import Caller
from engine.errors import BpmnError, Busy, Conflict, InvalidValues, NotFound
from engine.execution import NotActive
from engine.jobs import Handler, Job
from engine.model import Json
from engine.storage.tables import DefinitionRow, InstanceRow, JobRow, VariableRow
from engine.transaction import Transaction

MOST_LEVELS = 50
"""Of instances that call each other."""


# ---- starting ------------------------------------------------------------------------------------------------------


def _start(tx: Transaction, job: Job, _result: object) -> None:
    """A call activity has begun. A second run cannot happen: this one deletes the job with what it starts."""
    caller = Caller(job.instance_id or 0, job.token or "")
    run = execution.look(tx, caller.instance_id)
    if not run.waits_at(caller.token):
        return
    if "called" in job.payload:
        return _compensate(tx, job, caller)
    try:
        with tx.session.begin_nested():
            _begin(tx, job, caller, run.taken_by(caller.token))
    except (NotFound, Conflict, InvalidValues, TypeError) as cause:
        message = str(cause)
        execution.advance(tx, caller.instance_id, lambda run: run.give_up(caller.token, message))


def _compensate(tx: Transaction, job: Job, caller: Caller) -> None:
    """The call activity is compensated by what the called process says. Parent, then child: the order of all locks."""
    try:
        execution.compensate(tx, int(job.payload["called"]), caller)
    except NotActive:
        execution.advance(tx, caller.instance_id, lambda run: run.give_back(caller.token, {}))


def _begin(tx: Transaction, job: Job, caller: Caller, given: Mapping[str, Json]) -> None:
    _require_depth(tx, caller)
    definition = _called(tx, job)
    called = execution.begin(tx, definition, given, business_key=_business_key(tx, job), caller=caller)
    data = {"called": called, "process": definition.key, "version": definition.version}
    told = history.event(tx, "instance called", instance_id=caller.instance_id, element_id=job.element_id, data=data)
    history.append(tx, [told])


def _business_key(tx: Transaction, job: Job) -> str | None:
    if job.payload["hands_on_key"]:
        return tx.session.scalar(select(InstanceRow.business_key).where(InstanceRow.id == job.instance_id))
    return job.payload["business_key"] or None


def _called(tx: Transaction, job: Job) -> DefinitionRow:
    key, binding = job.payload["process"], job.payload["binding"]
    caller = tx.session.get_one(DefinitionRow, job.definition_id)
    which = {
        Binding.LATEST: DefinitionRow.is_latest,
        Binding.DEPLOYMENT: DefinitionRow.deployment_id == caller.deployment_id,
        Binding.VERSION: DefinitionRow.version == _version(job.payload["version"]),
        Binding.VERSION_TAG: DefinitionRow.version_tag == job.payload["version"],
    }[Binding(binding)]
    query = select(DefinitionRow).where(DefinitionRow.key == key, which)
    found = tx.session.scalar(query.order_by(DefinitionRow.version.desc()).limit(1))
    if found is None:
        is_named = binding in (Binding.VERSION, Binding.VERSION_TAG)
        wanted = f"version {job.payload['version']} of " if is_named else ""
        raise NotFound(f'Expected {wanted}process "{key}" to call, but it is not deployed. Deploy it and retry.')
    return found


def _version(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 10 else 0


def _require_depth(tx: Transaction, caller: Caller) -> None:
    instance_id: int | None = caller.instance_id
    for _ in range(MOST_LEVELS - 1):
        instance_id = tx.session.scalar(select(InstanceRow.caller_id).where(InstanceRow.id == instance_id))
        if instance_id is None:
            return
    raise Conflict(f"Expected at most {MOST_LEVELS} instances to call each other. Does a process call itself?")


# ---- ending --------------------------------------------------------------------------------------------------------


def _take_over(tx: Transaction, job: Job, _result: object) -> None:
    """The called instance has ended. A second run is harmless: the caller does not wait for it any more."""
    error, called = job.payload["error"], int(job.payload["called"])
    if called != _last_called(tx, job):
        return  # it was tried again meanwhile
    _require_no_earlier(tx, job)
    if job.payload["cancelled"]:
        retried = "go on without undoing the rest" if job.payload.get("undoing") else "start another one"
        message = f"The called instance {called} was cancelled. Retry to {retried}."
        _tell(tx, job, lambda run, token: run.give_up(token, message))
    elif error:
        _tell(tx, job, lambda run, token: run.throw(token, BpmnError(error["code"], error["message"])))
    else:
        kept, result = called if job.payload.get("keeps") else None, _result_of(tx, called)
        told = _tell(tx, job, lambda run, token: run.give_back(token, result, called=kept))
        if kept is not None and not told:
            jobs.add(tx, "release", instance_id=called)


def _require_no_earlier(tx: Transaction, job: Job) -> None:
    """What the called instance threw before it ended comes first. Raises Busy while it is still on its way."""
    mine = (JobRow.instance_id == job.instance_id, JobRow.token == job.token, JobRow.kind == "escalation")
    if tx.session.scalar(select(JobRow.id).where(*mine, JobRow.id < job.id, JobRow.failed_at.is_(None)).limit(1)):
        raise Busy("Expected nothing else from the called instance, but an escalation is on its way.")


def _last_called(tx: Transaction, job: Job) -> int | None:
    mine = (InstanceRow.caller_id == job.instance_id, InstanceRow.caller_token == job.token)
    return tx.session.scalar(select(func.max(InstanceRow.id)).where(*mine))


def _result_of(tx: Transaction, called: int) -> dict[str, Json]:
    query = select(VariableRow.name, VariableRow.value).where(
        VariableRow.instance_id == called, VariableRow.scope == PROCESS
    )
    return {name: values.load(value) for name, value in tx.session.execute(query) if not is_internal(name)}


def _tell(tx: Transaction, job: Job, act: Any) -> bool:
    """Tell the caller; False: it has gone on."""
    token, told = job.token or "", False

    def tell(run: Run) -> None:
        nonlocal told
        told = run.waits_at(token)
        if told:
            act(run, token)

    with suppress(NotActive):
        execution.advance(tx, job.instance_id or 0, tell)
    return told


def _escalate(tx: Transaction, job: Job, _result: object) -> None:
    """The called instance has thrown an escalation that nobody there catches."""
    if job.payload["from"] != _last_called(tx, job):
        return
    code, payload = job.payload["name"] or None, values.decode(job.payload["values"])
    _tell(tx, job, lambda run, token: run.escalate(token, code, payload))


def _recall(tx: Transaction, job: Job, _result: object) -> None:
    """The caller has gone on without the called instance."""
    instance_id = job.instance_id or 0
    with suppress(NotActive):
        execution.advance(tx, instance_id, Run.terminate)
        data = {"reason": "The call activity that started it is over."}
        history.append(tx, [history.event(tx, "instance cancelled", instance_id=instance_id, data=data)])


def _release(tx: Transaction, job: Job, _result: object) -> None:
    """What the called instance keeps is needed no longer. A second run finds nothing."""
    with suppress(NotActive):
        execution.release(tx, job.instance_id or 0)


CALL = Handler(finish=_start, gave_up=incidents.give_up)
RETURN = Handler(finish=_take_over, gave_up=incidents.give_up)
ESCALATION = Handler(finish=_escalate, gave_up=incidents.give_up)
RECALL = Handler(finish=_recall, gave_up=incidents.give_up)
RELEASE = Handler(finish=_release, gave_up=incidents.give_up)
