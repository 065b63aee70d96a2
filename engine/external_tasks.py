"""External tasks: the work of service tasks for workers outside, in any language.

A worker takes calls of the topics that it serves for a while (their lock), keeps them, and says how they ended. Nobody
else has them meanwhile; once the time is over, others may. Words as in the API of Camunda 7.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, select, update

from engine import execution, gates, incidents, jobs, leases, tries, values, workers
from engine.bpmn.runtime import Run
from engine.errors import BpmnError, Conflict, InvalidValues, NotFound
from engine.external_task_query import IS_ONE, ROWS, as_task, conditions, get
from engine.jobs import SERVICE_QUEUE, Job, Told
from engine.messages import require_storable
from engine.model import Json
from engine.model.people import Actor, Right
from engine.model.processes import InstanceStatus
from engine.model.services import ExternalTask, TryOutcome
from engine.observe import logs
from engine.retry import Retry
from engine.services import told_of
from engine.storage.tables import IncidentRow, InstanceRow, JobRow, TryRow
from engine.transaction import Ref, Store, Transaction

LONGEST_LOCK = timedelta(days=366)
LONGEST_WAIT = timedelta(seconds=60)
LONGEST_WORKER = 255
LONGEST_TOPIC = 400
MOST_TAKEN = 1_000
"""At one time."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a worker asks for of one topic."""

    topic: str
    duration: timedelta
    names: Collection[str] | None = None
    """Of the variables that it needs; None: all that the task sees."""
    is_local: bool = False
    """Whether it needs those in the task's own scope only."""
    asked: Mapping[str, Any] | None = None
    """Further conditions, as in find."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A task in the hand of a worker."""

    task: ExternalTask
    variables: Mapping[str, Json]
    properties: Mapping[str, str]
    """What the diagram says of it beyond what we know."""


# ---- taking --------------------------------------------------------------------------------------------------------


def _never() -> bool:
    return False


def fetch(
    store: Store,
    actor: Actor,
    wanted: Sequence[Wanted],
    *,
    worker: str,
    limit: int,
    wait: timedelta = timedelta(0),
    is_gone: Callable[[], bool] = _never,
) -> list[Taken]:
    """Take up to limit tasks; when there are none, wait that long for some (at most LONGEST_WAIT).

    Waiting looks again when this process has added one, and now and then for what others have.
    is_gone: whether the worker hears the answer no longer; then nothing is taken for it.
    Raises Forbidden, InvalidValues.
    """
    until = time.monotonic() + min(wait, LONGEST_WAIT).total_seconds()
    while not is_gone():
        heard = store.bell.rung
        taken = _take(store, actor, wanted, worker, limit)
        workers.note(store, worker, [each.topic for each in wanted if each.topic])
        left = until - time.monotonic()
        if taken or left <= 0 or store.bell.is_closed:
            return taken
        store.bell.wait(heard, min(left, store.settings.poll_interval.total_seconds()))
    return []


def _take(store: Store, actor: Actor, wanted: Sequence[Wanted], worker: str, limit: int) -> list[Taken]:
    with store.transaction(actor) as tx:
        tx.require(Right.WORK)
        _require_fitting(worker, limit)
        _require_names([each.topic for each in wanted])
        found: list[Taken] = []
        for each in wanted:
            found += _take_of(tx, each, worker, limit - len(found))
    return found


def _take_of(tx: Transaction, wanted: Wanted, worker: str, limit: int) -> Iterator[Taken]:
    about: dict[str, Any] = {"lease": _lease(tx, worker), "worker": worker, "duration": _duration(wanted.duration)}
    also = [*conditions(tx, wanted.asked or {}), _is_active()]
    ids = leases.take(tx, limit, wanted.topic, *also, **about, gate=gates.Gate()) if limit > 0 else []
    tasks = {row[0].id: as_task(tx, row) for row in tx.session.execute(ROWS.where(JobRow.id.in_(ids)))}
    for task in (tasks[id] for id in ids):
        element = execution.process_of(tx, task.definition_id).elements[task.element_id]
        variables = _variables(execution.look(tx, task.instance_id), task.token, wanted)
        yield Taken(task, variables, dict(element.properties))


def _is_active() -> ColumnElement[bool]:
    active = select(InstanceRow.id).where(
        InstanceRow.id == JobRow.instance_id, InstanceRow.status == InstanceStatus.ACTIVE
    )
    return active.exists()


def _variables(run: Run, token: str, wanted: Wanted) -> dict[str, Json]:
    seen = run.own_values_of(token) if wanted.is_local else run.values_seen_by(token)
    return seen if wanted.names is None else {name: seen[name] for name in wanted.names if name in seen}


def lock(tx: Transaction, task_id: int, worker: str, duration: timedelta) -> None:
    """Take one task by its id, for so long from now.

    Raises NotFound, Conflict when another worker has it, or as many have others as the topic's limit allows.
    """
    tx.require(Right.WORK)
    _require_fitting(worker)
    lease = _lease(tx, worker)
    free = select(JobRow.id).where(IS_ONE, JobRow.id == task_id, JobRow.failed_at.is_(None))
    free = free.where(~jobs.is_leased(tx) | (JobRow.lease == lease)).with_for_update()
    if tx.session.scalar(free) is None:
        raise _taken_by_another(tx, task_id)
    _require_room(tx, get(tx, task_id))
    leases.hand_out(tx, [task_id], lease=lease, worker=worker, duration=_duration(duration))


def _require_room(tx: Transaction, task: ExternalTask) -> None:
    if task.locked_until is None and not gates.Gate().allows(tx, SERVICE_QUEUE, task.topic, 1):
        raise Conflict(f"Expected topic {task.topic} to have room for one more call, but its limit is reached.")


def extend(tx: Transaction, task_id: int, worker: str, duration: timedelta) -> None:
    """Keep a task for so long from now. Raises NotFound, Conflict unless the worker has it."""
    job = _held(tx, task_id, worker)
    tx.session.execute(update(JobRow).where(JobRow.id == job.id).values(run_at=jobs.moment(tx, _duration(duration))))


def unlock(tx: Transaction, task_id: int) -> None:
    """Let others have it at once, whoever has it."""
    tx.require(Right.WORK)
    free = {"lease": None, "run_at": jobs.moment(tx)}
    which = update(JobRow).where(IS_ONE, JobRow.id == task_id, JobRow.failed_at.is_(None), jobs.is_leased(tx))
    if tx.session.scalar(which.values(free).returning(JobRow.id)) is None:
        get(tx, task_id)
    tx.has_news = True


# ---- how it ended --------------------------------------------------------------------------------------------------


def complete(
    tx: Transaction,
    task_id: int,
    worker: str,
    variables: Mapping[str, Json],
    own: Mapping[str, Json] | None = None,
) -> None:
    """The work is done. variables: for the process; own: for the task's own scope, which its output mapping reads.

    Raises NotFound, Conflict unless the worker has it (also when it is done already), Invalid.
    """
    job = _held(tx, task_id, worker)
    require_storable(job.element_id or "", {**variables, **(own or {})})
    told = Told(answer=told_of({**variables, **(own or {})}))

    def act(run: Run) -> None:
        told.request = told_of(run.values_seen_by(job.token or ""))
        run.answer(job.token or "", variables, own or {})

    execution.advance(tx, job.instance_id or 0, act)
    _end(tx, job, told, TryOutcome.ANSWERED)


def throw(
    tx: Transaction, task_id: int, worker: str, error: BpmnError, variables: Mapping[str, Json] | None = None
) -> None:
    """The work ended with a BPMN error. Raises as complete does."""
    job = _held(tx, task_id, worker)
    require_storable(job.element_id or "", variables or {})
    told = Told(answer=told_of(variables or {}), error=error.code)
    execution.advance(tx, job.instance_id or 0, lambda run: run.throw(job.token or "", error, variables))
    _end(tx, job, told, TryOutcome.ERROR, values.shown(error.code))


def _end(tx: Transaction, job: Job, told: Told, outcome: TryOutcome, message: str | None = None) -> None:
    tries.keep(tx, job, _began(tx, job, told), outcome, message)
    jobs.end(tx, job)


def fail(
    tx: Transaction,
    task_id: int,
    worker: str,
    message: str,
    *,
    details: str | None = None,
    retries: int | None = None,
    pause: timedelta = timedelta(0),
) -> None:
    """The work has failed; so many more tries are left, the next one after the pause. 0: it is an incident.

    retries None: as the diagram says of the task; where it says nothing, none.
    Raises NotFound, Conflict unless the worker has it.
    """
    job = _held(tx, task_id, worker)
    left, pause = _left(job, retries, pause)
    began, message = _began(tx, job, Told(answer=details)), values.shown(message)
    if left > 0:
        jobs.put_off(tx, job, message, pause, left=left)
        tries.keep(tx, job, began, TryOutcome.FAILED, message, tx.now + pause)
    else:
        jobs.fail(tx, job, message)
        tries.keep(tx, job, began, TryOutcome.FAILED, message)
        incidents.give_up(tx, job, message)


def _left(job: Job, retries: int | None, pause: timedelta) -> tuple[int, timedelta]:
    if retries is not None:
        return retries, pause
    told = job.payload.get("retry")
    if told is None:
        return 0, pause
    return job.max_attempts - job.attempts - 1, tries.next_pause(Retry.of(told), job.attempts + 1)


def _began(tx: Transaction, job: Job, told: Told) -> tries.Began:
    return tries.Began(job.taken_at or tx.now, told)


def set_retries(tx: Transaction, task_id: int, retries: int) -> None:
    """So many tries are left. A task whose tries are used up is tried again; 0 makes an incident of it.

    Raises NotFound, Forbidden, InvalidValues.
    """
    tx.require(Right.WORK)
    if not 0 <= retries <= 1_000_000:
        raise InvalidValues({"retries": f"Expected 0 retries or more, but it is {retries}."})
    task = get(tx, task_id)
    if retries == 0:
        return _use_up(tx, task)
    if task.retries == 0:
        _retry(tx, task)
    most = update(JobRow).where(JobRow.id == task_id).values(max_attempts=JobRow.attempts + retries)
    tx.session.execute(most)


def _use_up(tx: Transaction, task: ExternalTask) -> None:
    if task.retries == 0:
        return
    job = jobs.get(tx, task.id)
    message = task.error or "Its retries were set to 0."
    jobs.fail(tx, job, message)
    incidents.give_up(tx, job, message)


def _retry(tx: Transaction, task: ExternalTask) -> None:
    at = (IncidentRow.instance_id == task.instance_id, IncidentRow.token == task.token)
    incident = tx.session.scalar(select(IncidentRow.id).where(*at, IncidentRow.resolved_at.is_(None)))
    if incident is None:
        jobs.retry(tx, task.id)
    else:
        incidents.retry(tx, incident)


def set_priority(tx: Transaction, task_id: int, priority: int) -> None:
    """Raises NotFound, Forbidden."""
    tx.require(Right.WORK)
    get(tx, task_id)
    tx.session.execute(update(JobRow).where(JobRow.id == task_id).values(priority=priority))


# ---- who has it ----------------------------------------------------------------------------------------------------


def _lease(tx: Transaction, worker: str) -> str:
    """A worker is known by its name and by who vouches for it: another's tasks are not its own by taking its name."""
    return hashlib.sha256(f"{tx.actor.id}\n{worker}".encode(errors="replace")).hexdigest()[:32]


def _held(tx: Transaction, task_id: int, worker: str) -> Job:
    tx.require(Right.WORK)
    job = jobs.held(tx, Ref(task_id, _lease(tx, worker), SERVICE_QUEUE))
    if job is None:
        raise _not_held(tx, task_id, worker)
    logs.note(job=job.id, instance=job.instance_id, element=job.element_id)
    return job


def _not_held(tx: Transaction, task_id: int, worker: str) -> Conflict | NotFound:
    known = tx.session.execute(ROWS.where(JobRow.id == task_id)).one_or_none()
    if known is None:
        return _gone(tx, task_id)
    task = as_task(tx, known)
    if task.worker == worker and task.locked_until is None:
        why = "its time for it is over"
    else:
        why = "nobody has it" if task.locked_until is None else f"{task.worker or 'a worker of ours'} has it"
    return Conflict(f"Expected worker {worker} to have external task {task_id}, but {why}.")


def _gone(tx: Transaction, task_id: int) -> Conflict | NotFound:
    done = select(TryRow.worker).where(TryRow.job_id == task_id, TryRow.outcome != TryOutcome.FAILED)
    found = tx.session.execute(done.limit(1)).one_or_none()
    if found is None:
        return NotFound(f"There is no external task {task_id}: it was cancelled, or never was.")
    who = found.worker or "a worker of ours"
    return Conflict(f"Expected external task {task_id} to be open, but {who} has ended it already.")


def _taken_by_another(tx: Transaction, task_id: int) -> Conflict:
    task = get(tx, task_id)
    why = "its tries are used up" if task.retries == 0 else f"{task.worker or 'a worker of ours'} has it"
    return Conflict(f"Expected external task {task_id} to be free, but {why}.")


def _require_fitting(worker: str, limit: int = 1) -> None:
    try:
        values.fitting(worker, LONGEST_WORKER, "the name of a worker")
    except TypeError as cause:
        raise InvalidValues({"workerId": str(cause)}) from cause
    if not worker.strip():
        raise InvalidValues({"workerId": "Expected the name of a worker, but it is empty."})
    if not 1 <= limit <= MOST_TAKEN:
        raise InvalidValues({"maxTasks": f"Expected from 1 to {MOST_TAKEN:,} tasks at a time, but it is {limit}."})


def _require_names(topics: Collection[str]) -> None:
    try:
        for topic in topics:
            values.fitting(topic, LONGEST_TOPIC, "the name of a topic")
    except TypeError as cause:
        raise InvalidValues({"topicName": str(cause)}) from cause


def _duration(duration: timedelta) -> timedelta:
    if not timedelta(0) < duration <= LONGEST_LOCK:
        told = f"Expected a lock of more than nothing and at most {LONGEST_LOCK.days} days, but it is {duration}."
        raise InvalidValues({"lockDuration": told})
    return duration
