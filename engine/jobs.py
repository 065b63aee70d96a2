"""The job table: add, claim, execute, back off. Knows no BPMN: whoever adds a kind of job brings its handler.

A job is a row, written in the transaction of the state that asks for it. Whoever runs it carries a Ref: the job's id
and a lease. Only the holder of the present lease can finish the job: a message lost, repeated or late changes nothing.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import uuid4

from sqlalchemy import (
    ColumnElement,
    DateTime,
    Interval,
    bindparam,
    delete,
    func,
    insert,
    literal,
    select,
    tuple_,
    update,
)
from sqlalchemy.exc import OperationalError

from engine import values
from engine.clock import SystemClock
from engine.errors import Busy, Conflict, EngineError, NotFound, ServiceFailed
from engine.model import SYSTEM, Json
from engine.storage.tables import Base
from engine.transaction import Ref, Store, Transaction

T = TypeVar("T")
log = logging.getLogger(__name__)

JOB = Base.metadata.tables["job"]
INSTANCE = Base.metadata.tables["instance"]
LOCK_NOT_AVAILABLE = "55P03"
"""PostgreSQL's answer to NOWAIT."""

ENGINE_QUEUE = "engine"
MAX_DELIVERIES = 10
"""Times a job is handed out without coming to any end, before it is taken for one that kills its workers."""
BUSY_PAUSES = 10
"""Pauses for a busy instance before an answer in hand is let go and the slow part has to run again."""
LONGEST_BACK_OFF = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job to add. due_at None means now."""

    kind: str
    queue: str = ENGINE_QUEUE
    instance_id: int | None = None
    definition_id: int | None = None
    token: str | None = None
    element_id: str | None = None
    due_at: datetime | None = None
    payload: Mapping[str, Json] = field(default_factory=dict)
    max_attempts: int = 3


@dataclass(frozen=True, slots=True)
class Job:
    """A job as its handler sees it."""

    id: int
    queue: str
    kind: str
    instance_id: int | None
    definition_id: int | None
    token: str | None
    element_id: str | None
    due_at: datetime
    payload: Mapping[str, Json]
    attempts: int
    """Tries that raised, before this one."""
    max_attempts: int
    deliveries: int
    """Times it was handed out since it last came to an end, this time included."""


@dataclass(frozen=True, slots=True)
class Handler:
    """What one kind of job does.

    finish: changes state, in one transaction with the end of the job; the job's instance is locked already. It takes
        effect once: whoever comes second finds the lease gone. What shall happen again is a new job.
    call: the slow part, outside any transaction; what it returns goes to finish. It runs a second time when its worker
        dies before the outcome is stored: it has to be harmless twice, or carry a key that stays the same over tries.
    gave_up: told why, in the transaction that marks the job as failed for good.
    """

    finish: Callable[[Transaction, Job, object], None]
    call: Callable[[Store, Job], object] | None = None
    gave_up: Callable[[Transaction, Job, str], None] | None = None


Handlers = Mapping[str, Handler]


class _Lost(EngineError):
    """The job was handed out too often without coming to any end."""


_MINE = select(*(JOB.c[field.name] for field in fields(Job))).where(
    JOB.c.id == bindparam("of"), JOB.c.lease == bindparam("held"), JOB.c.failed_at.is_(None)
)
_MINE_LOCKED = _MINE.with_for_update()
_ADD = insert(JOB).returning(JOB.c.id, JOB.c.lease)
_END = delete(JOB).where(JOB.c.id == bindparam("of"))
_CANCEL = delete(JOB).where(
    JOB.c.instance_id == bindparam("owner"), JOB.c.token == bindparam("at"), JOB.c.element_id == bindparam("element")
)
_ITS_INSTANCE = (
    select(INSTANCE.c.id)
    .where(INSTANCE.c.id == _MINE.with_only_columns(JOB.c.instance_id).scalar_subquery())
    .with_for_update(nowait=True, key_share=True)
)
"""As weak as the lock of a command's UPDATE: rows that refer to the instance may still be added."""


# ---- add and take away, in the caller's transaction ----------------------------------------------------------------


def add(tx: Transaction, kind: str, **details: Any) -> int:
    """Add a job; details are the fields of NewJob. Returns its id."""
    return add_many(tx, [NewJob(kind, **details)])[0]


def add_many(tx: Transaction, new: Sequence[NewJob]) -> list[int]:
    """Add jobs in one statement. Returns their ids, in no particular order.

    With a worker in this process, a job due now is born leased, and handed over after the commit.
    """
    if not new:
        return []
    lease = _new_lease(tx)
    added = tx.connection.execute(_ADD, [_values(tx, job, lease) for job in new]).all()
    tx.hints += [Ref(id, held) for id, held in added if held is not None]
    return [id for id, _ in added]


def cancel(tx: Transaction, instance_id: int, tokens: Sequence[tuple[str, str]]) -> None:
    """Take away what the given (token, element id) pairs of an instance wait for."""
    if tokens:
        waiting = [{"owner": instance_id, "at": token, "element": element_id} for token, element_id in tokens]
        tx.connection.execute(_CANCEL, waiting)


def retry(tx: Transaction, job_id: int) -> None:
    """Give a failed job a fresh set of tries, from now on. Raises NotFound, and Conflict unless it has failed."""
    failed_at = tx.session.execute(select(JOB.c.failed_at).where(JOB.c.id == job_id)).one_or_none()
    if failed_at is None:
        raise NotFound(f"Expected job {job_id} to exist, but it was finished or cancelled.")
    lease = _new_lease(tx)
    fresh = {**_untried(), **_visibility(tx, tx.now, lease), "failed_at": None}
    ready = update(JOB).where(JOB.c.id == job_id, JOB.c.failed_at.is_not(None)).values(fresh).returning(JOB.c.id)
    if tx.session.scalar(ready) is None:
        raise Conflict(f"Expected job {job_id} to have failed, but it is waiting for its next try.")
    tx.hints += [Ref(job_id, lease)] if lease else []


def next_due(tx: Transaction, queues: Sequence[str] = (ENGINE_QUEUE,)) -> datetime | None:
    """The moment from which a worker has something to do; None when nothing waits."""
    moment: datetime | None = tx.session.scalar(
        select(JOB.c.run_at).where(JOB.c.queue.in_(queues), JOB.c.failed_at.is_(None)).order_by(JOB.c.run_at).limit(1)
    )
    return moment


def _new_lease(tx: Transaction) -> str | None:
    """Nobody here to hand a job to: it waits for a poller, of this process or another."""
    return uuid4().hex if tx.store.dispatch is not None else None


def _values(tx: Transaction, job: NewJob, lease: str | None) -> dict[str, object]:
    due_at = job.due_at or tx.now
    return {
        "kind": job.kind,
        "queue": job.queue,
        "instance_id": job.instance_id,
        "definition_id": job.definition_id,
        "token": job.token,
        "element_id": job.element_id,
        "payload": dict(job.payload),
        "max_attempts": job.max_attempts,
        "due_at": due_at,
        **_visibility(tx, due_at, lease if job.queue == ENGINE_QUEUE else None),
    }


def _visibility(tx: Transaction, due_at: datetime, lease: str | None) -> dict[str, object]:
    if lease is None or due_at > tx.now:
        return {"run_at": due_at, "lease": None, "deliveries": 0}
    return {"run_at": tx.now + tx.store.settings.lease, "lease": lease, "deliveries": 1}


def _untried() -> dict[str, object]:
    return {"attempts": 0, "deliveries": 0, "lease": None, "error": None}


# ---- hand out, keep, give back -------------------------------------------------------------------------------------


def claim(store: Store, limit: int, queues: Sequence[str] = (ENGINE_QUEUE,)) -> list[Ref]:
    """Lease up to limit due jobs, the longest waiting first; two claims never hand out the same."""
    with store.transaction(SYSTEM) as tx:
        due = select(JOB.c.id).where(JOB.c.queue.in_(queues), JOB.c.run_at <= _in(tx), JOB.c.failed_at.is_(None))
        ids = _unlocked(tx, due.order_by(JOB.c.run_at, JOB.c.id).limit(limit))
        lease = uuid4().hex
        _lease_out(tx, ids, lease=lease, deliveries=JOB.c.deliveries + 1)
    return [Ref(id, lease) for id in ids]


def extend(store: Store, refs: Iterable[Ref]) -> None:
    """Keep jobs that are held for longer than a lease."""
    with store.transaction(SYSTEM) as tx:
        _lease_out(tx, _unlocked(tx, select(JOB.c.id).where(_held_by(refs))))


def give_back(store: Store, refs: Iterable[Ref], *, delay: timedelta = timedelta(0)) -> None:
    """Let others take jobs that were handed out and not run; counts as if they had never been handed out."""
    with store.transaction(SYSTEM) as tx:
        ids = _unlocked(tx, select(JOB.c.id).where(_held_by(refs)))
        free = {"lease": None, "run_at": _in(tx, delay), "deliveries": JOB.c.deliveries - 1}
        tx.session.execute(update(JOB).where(JOB.c.id.in_(ids)).values(free))


def _in(tx: Transaction, delay: timedelta = timedelta(0)) -> ColumnElement[datetime]:
    """Now, or in a while, by a clock that all who compare leases share.

    Workers on PostgreSQL may run on several machines whose clocks differ: there it is the database's clock. SQLite is
    one machine; and a clock that was put in by hand (a test's) counts everywhere, or moving it would move nothing.
    """
    if isinstance(tx.store.clock, SystemClock) and tx.store.database.dialect.name == "postgresql":
        return func.now(type_=DateTime(timezone=True)) + literal(delay, Interval())
    return literal(tx.now + delay, JOB.c.run_at.type)


def _unlocked(tx: Transaction, ids: Any) -> list[int]:
    """Lock what nobody else has: what others hold is ending just now. (SQLite has one writer and no FOR UPDATE.)"""
    return list(tx.session.scalars(ids.with_for_update(skip_locked=True)))


def _lease_out(tx: Transaction, ids: Sequence[int], **changes: object) -> None:
    if ids:
        leased = {"run_at": _in(tx, tx.store.settings.lease), **changes}
        tx.session.execute(update(JOB).where(JOB.c.id.in_(ids)).values(leased))


def _held_by(refs: Iterable[Ref]) -> ColumnElement[bool]:
    return tuple_(JOB.c.id, JOB.c.lease).in_([(ref.id, ref.lease) for ref in refs])


# ---- execute -------------------------------------------------------------------------------------------------------


def execute(store: Store, ref: Ref, handlers: Handlers) -> bool:
    """Run a job that was handed out; tells whether it finished.

    1. Look whether the lease still counts, else the delivery is stale and dropped. Without a slow part, finish here.
    2. Extend the lease and run the slow part outside any transaction.
    3. In ONE transaction: lock the job by its lease, finish, take the job away.
    Busy: put back for a moment, no try counted. Any other exception is a failed try: tried again later, or failed for
    good. Only what goes wrong in storing that failure is raised (the database is away); then the lease runs out.
    """
    try:
        return _try(store, ref, handlers)
    except Busy:
        give_back(store, [ref], delay=_moment())
        return False


def _try(store: Store, ref: Ref, handlers: Handlers) -> bool:
    try:
        return _run(store, ref, handlers)
    except Busy:
        raise
    except Exception as cause:  # a service, a script or a bug of ours: it counts as a failed try, and is told in full
        log.warning("job try failed", exc_info=cause, extra={"job": ref.id})
        failure = cause
    _patiently(lambda: _fail(store, ref, handlers, failure))
    return False


def _run(store: Store, ref: Ref, handlers: Handlers) -> bool:
    with store.transaction(SYSTEM) as tx:
        job = _look(tx, ref)
        if job is None:
            return False
        if job.deliveries > MAX_DELIVERIES:
            raise _Lost(f"Expected the job to end, but {MAX_DELIVERIES} times its worker was gone before it did.")
        handler = _handler(handlers, job)
        if handler.call is None:
            return _finish(tx, ref, handler, None)
        _lease_out(tx, [job.id])
    outcome = handler.call(store, job)
    return _patiently(lambda: _record(store, ref, handler, outcome))


def _record(store: Store, ref: Ref, handler: Handler, outcome: object) -> bool:
    with store.transaction(SYSTEM) as tx:
        return _finish(tx, ref, handler, outcome)


def _finish(tx: Transaction, ref: Ref, handler: Handler, outcome: object) -> bool:
    job = _locked(tx, ref)
    if job is None:
        return False
    handler.finish(tx, job, outcome)
    tx.connection.execute(_END, {"of": job.id})
    return True


def _fail(store: Store, ref: Ref, handlers: Handlers, cause: Exception) -> None:
    with store.transaction(SYSTEM) as tx:
        job = _locked(tx, ref)
        if job is None:  # its lease ran out on the way: whoever holds it now will see for himself
            return
        attempts = job.attempts + 1
        changes: dict[str, object] = {**_untried(), "attempts": attempts, "error": _message(cause)}
        if attempts < job.max_attempts and _is_retryable(cause):
            _change(tx, job, {**changes, "run_at": _in(tx, _back_off(attempts, cause))})
        else:
            _change(tx, job, {**changes, "failed_at": tx.now})
            _give_up(tx, job, handlers, _message(cause))


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
    except EngineError as refusal:  # its instance is over or unreadable: the job has failed all the same
        log.error("nobody to tell of the failed job", exc_info=refusal, extra={"job": job.id})


def _change(tx: Transaction, job: Job, changes: Mapping[str, object]) -> None:
    tx.session.execute(update(JOB).where(JOB.c.id == job.id).values(changes))


def _look(tx: Transaction, ref: Ref) -> Job | None:
    row = tx.connection.execute(_MINE, {"of": ref.id, "held": ref.lease}).one_or_none()
    return None if row is None else Job(*row)


def _locked(tx: Transaction, ref: Ref) -> Job | None:
    """Lock the instance, then the job; None when the lease no longer counts. Raises Busy.

    In this order, because every command locks its instance before it cancels jobs: the other way round, the two would
    wait for each other. (SQLite's one writer holds everything already.)
    """
    if tx.store.database.dialect.name == "sqlite":
        return _look(tx, ref)
    mine = {"of": ref.id, "held": ref.lease}
    try:
        tx.connection.execute(_ITS_INSTANCE, mine)
    except OperationalError as cause:
        if getattr(cause.orig, "sqlstate", None) != LOCK_NOT_AVAILABLE:
            raise
        raise Busy(f"Expected the instance of job {ref.id} to be free, but another command holds it.") from cause
    row = tx.connection.execute(_MINE_LOCKED, mine).one_or_none()
    return None if row is None else Job(*row)


def _handler(handlers: Handlers, job: Job) -> Handler:
    try:
        return handlers[job.kind]
    except KeyError as cause:
        raise LookupError(
            f"Expected a handler for jobs of kind {job.kind}, but there are {', '.join(handlers)}."
        ) from cause


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


def _back_off(attempts: int, cause: Exception) -> timedelta:
    """2, 4, 8 ... seconds, less up to half of it by chance: what failed together shall not return together."""
    if isinstance(cause, ServiceFailed) and cause.retry_after is not None:
        return cause.retry_after
    return min(LONGEST_BACK_OFF, timedelta(seconds=2 ** min(attempts, 20))) * random.uniform(0.5, 1)


def _is_retryable(cause: Exception) -> bool:
    return not isinstance(cause, _Lost) and (not isinstance(cause, ServiceFailed) or cause.retryable)


def _message(cause: Exception) -> str:
    """What an administrator reads: our own errors speak for themselves, others need their kind."""
    return values.shown(str(cause) if isinstance(cause, EngineError) else f"{type(cause).__name__}: {cause}")
