"""One try of a job that was handed out: run it, finish it, or see to its failure."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from engine import history, jobs, leases, values
from engine.errors import Busy, EngineError, Newer, ServiceFailed
from engine.jobs import Handler, Handlers, Job, Told
from engine.model.people import SYSTEM
from engine.model.services import TryOutcome
from engine.observe import watch
from engine.retry import Retry
from engine.transaction import AWAY, Ref, Store, Transaction

T = TypeVar("T")
log = logging.getLogger(__name__)

MAX_DELIVERIES = 10
"""Times a job is handed out without coming to any end, before it is taken for one that kills its workers."""
_WHILE_AWAY = timedelta(seconds=1)
UPGRADE = timedelta(hours=1)
"""For so long a job that takes a newer program is left to one: some have been replaced already, this one not yet."""
_WHILE_OLDER = timedelta(seconds=2)
BUSY_PAUSES = 10
"""Pauses for a busy instance before an answer in hand is let go and the slow part has to run again."""


@dataclass(frozen=True, slots=True)
class Began:
    """One that goes on."""

    at: datetime
    told: Told = field(default_factory=Told)


class _Lost(EngineError):
    """The job was handed out too often without coming to any end."""


def execute(store: Store, ref: Ref, handlers: Handlers) -> bool:
    """Run a job that was handed out; tells whether it finished.

    1. Look whether the lease still counts, else the delivery is stale and dropped. Without a slow part, finish here.
    2. Extend the lease and run the slow part outside any transaction.
    3. In ONE transaction: lock the job by its lease, finish, take the job away.
    Busy: put back for a moment, no try counted. Any other exception is a failed try: tried again later, or failed for
    good. Only what goes wrong in storing that failure is raised (the database is away); then the lease runs out.
    """
    with watch.a_try(ref.id):
        try:
            return _try(store, ref, handlers)
        except Busy as busy:
            watch.ended("busy")
            leases.give_back(store, [ref], delay=busy.pause or _moment())
            return False
        except AWAY as cause:  # nobody's fault: no try is counted. Should it still be away, the lease runs out
            watch.ended("busy")
            log.warning("database away", extra={"error": type(cause).__name__})
            leases.give_back(store, [ref], delay=_WHILE_AWAY)
            return False


def _try(store: Store, ref: Ref, handlers: Handlers) -> bool:
    began = Began(store.clock.now())
    try:
        return _run(store, ref, handlers, began)
    except (Busy, *AWAY):
        raise
    except Exception as cause:  # a service, a script or a bug of ours: it counts as a failed try, and is told in full
        log.warning("job try failed", exc_info=cause, extra={"job": ref.id})
        failure = cause
    _patiently(lambda: _fail(store, ref, handlers, failure, began))
    return False


def _run(store: Store, ref: Ref, handlers: Handlers, began: Began) -> bool:
    with store.transaction(SYSTEM) as tx:
        job = jobs.look(tx, ref)
        if job is None:
            return False
        watch.job(job.kind, instance_id=job.instance_id, element_id=job.element_id, payload=job.payload)
        if job.deliveries > MAX_DELIVERIES:
            raise _Lost(f"Expected the job to end, but {MAX_DELIVERIES} times its worker was gone before it did.")
        handler = _handler(handlers, job)
        if handler.call is None:
            return _finish(tx, ref, handler, None) is not None
        jobs.prolong(tx, job)
    with watch.call(job.topic):
        outcome = handler.call(store, job, began.told)
    return _patiently(lambda: _record(store, ref, handler, outcome, began))


def _record(store: Store, ref: Ref, handler: Handler, outcome: object, began: Began) -> bool:
    with store.transaction(SYSTEM) as tx:
        job = _finish(tx, ref, handler, outcome)
        if job is not None:
            error = began.told.error
            how = began.told.outcome if error is None else TryOutcome.ERROR
            if how is not None:
                keep(tx, job, began, how, error and values.shown(error))
    return job is not None


def _finish(tx: Transaction, ref: Ref, handler: Handler, outcome: object) -> Job | None:
    """None: somebody else has it."""
    job = jobs.lock(tx, ref)
    if job is not None:
        further = handler.finish(tx, job, outcome)
        if further is None:
            jobs.end(tx, job)
        else:
            jobs.go_on(tx, job, further)
        watch.ended("finished" if further is None else "waits")
    return job


def _fail(store: Store, ref: Ref, handlers: Handlers, cause: Exception, began: Began) -> None:
    with store.transaction(SYSTEM) as tx:
        job = jobs.lock(tx, ref)
        if job is not None:  # else its lease ran out on the way: whoever holds it now will see for himself
            fail(tx, job, handlers, cause, began)


def fail(tx: Transaction, job: Job, handlers: Handlers, cause: Exception, began: Began) -> None:
    """A try of a job, which the caller has locked, has failed: it is tried again, or was the last one."""
    if isinstance(cause, Newer) and tx.now < job.due_at + UPGRADE:
        return jobs.put_back(tx, job, delay=_WHILE_OLDER)
    handler = handlers.get(job.kind)
    if handler is not None and handler.failed is not None and handler.failed(tx, job, cause):
        jobs.put_back(tx, job)
        _keep_failed(tx, job, handlers, began, _message(cause), None)
        return
    attempts, retry = job.attempts + 1, _retry(tx.store, job)
    if attempts < job.max_attempts and _is_tried_again(cause, retry):
        asked_for = cause.retry_after if isinstance(cause, ServiceFailed) else None
        pause = next_pause(retry, attempts) if asked_for is None else asked_for
        jobs.put_off(tx, job, _message(cause), pause)
        watch.failed("failed", _message(cause))
        _keep_failed(tx, job, handlers, began, _message(cause), tx.now + pause)
    else:
        jobs.fail(tx, job, _message(cause))
        watch.failed("given_up", _message(cause))
        _keep_failed(tx, job, handlers, began, _message(cause), None)
        _give_up(tx, job, handlers, _message(cause))


def _keep_failed(
    tx: Transaction, job: Job, handlers: Handlers, began: Began, message: str, again_at: datetime | None
) -> None:
    handler = handlers.get(job.kind)
    if handler is not None and handler.call is not None:
        keep(tx, job, began, TryOutcome.FAILED, message, again_at)


def keep(
    tx: Transaction,
    job: Job,
    began: Began,
    outcome: TryOutcome,
    message: str | None = None,
    again_at: datetime | None = None,
) -> None:
    """Record how a call went, for the instance that made it."""
    if job.instance_id is None:
        return
    row = {
        "instance_id": job.instance_id,
        "token": job.token,
        "element_id": job.element_id,
        "number": job.attempts + 1,
        "began_at": began.at,
        "ended_at": tx.now,
        "outcome": outcome,
        "message": message,
        "again_at": again_at,
        "request": began.told.request,
        "answer": began.told.answer,
        "worker": job.worker,
        "job_id": job.id,
    }
    history.add_try(tx, row)
    how = "finished" if outcome != TryOutcome.FAILED else "given_up" if again_at is None else "failed"
    watch.told(job.kind, how, tx.now - began.at)


def _give_up(tx: Transaction, job: Job, handlers: Handlers, message: str) -> None:
    log.error("job failed", extra={"job": job.id, "kind": job.kind, "instance": job.instance_id, "error": message})
    handler = handlers.get(job.kind)
    if handler is None or handler.gave_up is None:
        return
    try:
        with tx.session.begin_nested():
            handler.gave_up(tx, job, message)
    except Busy:
        raise
    except EngineError as refusal:  # its instance is over: the job has failed all the same
        log.error("nobody to tell of the failed job", exc_info=refusal, extra={"job": job.id})


def _handler(handlers: Handlers, job: Job) -> Handler:
    try:
        return handlers[job.kind]
    except KeyError as cause:
        raise Newer(f"Expected a handler for jobs of kind {job.kind}, but there are {', '.join(handlers)}.") from cause


def _patiently(transaction: Callable[[], T]) -> T:
    """Wait out a busy instance here: the answer of a service would be lost by putting the job back."""
    for _ in range(BUSY_PAUSES):
        try:
            return transaction()
        except Busy:
            time.sleep(_moment().total_seconds())
    return transaction()


def _moment() -> timedelta:
    return timedelta(milliseconds=random.uniform(20, 100))


def next_pause(retry: Retry, failed: int) -> timedelta:
    """After so many tries that failed."""
    return retry.pause(failed, random.random())


def _retry(store: Store, job: Job) -> Retry:
    """What the task says, else what holds everywhere."""
    told = job.payload.get("retry")
    return store.settings.retry if told is None else Retry.of(told)


def _is_tried_again(cause: Exception, retry: Retry) -> bool:
    if isinstance(cause, _Lost):
        return False
    names = _names(cause)
    can_be = not isinstance(cause, ServiceFailed) or cause.retryable or retry.names(names)
    return can_be and retry.covers(names)


def _names(cause: Exception) -> set[str]:
    """By which a retry may tell a failure: its exception and those that it is one of, and what a service says."""
    said = cause.names if isinstance(cause, ServiceFailed) else ()
    return {kind.__name__ for kind in type(cause).__mro__} | set(said)


def _message(cause: Exception) -> str:
    """What an administrator reads: our own errors speak for themselves, others need their kind."""
    return values.shown(str(cause) if isinstance(cause, EngineError) else f"{type(cause).__name__}: {cause}")
