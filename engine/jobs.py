"""The job table: add, claim, keep, end. Knows no BPMN: whoever adds a kind of job brings its handler.

A job is a row, written in the transaction of the state that asks for it. Whoever runs it carries a Ref: the job's id
and a lease. Only the holder of the present lease can finish the job: a message lost, repeated or late changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from typing import Any
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

from engine.clock import SystemClock
from engine.errors import Busy, Conflict, NotFound
from engine.model import SYSTEM, Json
from engine.storage.tables import Base
from engine.transaction import Ref, Store, Transaction

JOB = Base.metadata.tables["job"]
INSTANCE = Base.metadata.tables["instance"]
LOCK_NOT_AVAILABLE = "55P03"
"""PostgreSQL's answer to NOWAIT."""

ENGINE_QUEUE = "engine"
SERVICE_QUEUE = "service"
"""What may take long: it has threads of its own, so that timers and messages never wait behind it."""
QUEUES = (ENGINE_QUEUE, SERVICE_QUEUE)
"""Those that this program's own workers run."""


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


@dataclass(slots=True)
class Told:
    """What a call tells of itself while it runs: it is recorded with its try, however that ends."""

    request: str | None = None
    answer: str | None = None
    error: str | None = None
    """The code of the BPMN error that it answered with."""


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
    call: Callable[[Store, Job, Told], object] | None = None
    gave_up: Callable[[Transaction, Job, str], None] | None = None


Handlers = Mapping[str, Handler]


_MINE = select(*(JOB.c[field.name] for field in fields(Job))).where(
    JOB.c.id == bindparam("of"), JOB.c.lease == bindparam("held"), JOB.c.failed_at.is_(None)
)
_MINE_LOCKED = _MINE.with_for_update()
_ADD = insert(JOB).returning(JOB.c.id, JOB.c.lease, JOB.c.queue)
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
    added = tx.connection.execute(_ADD, [_values(tx, job, _new_lease(tx, job.queue)) for job in new]).all()
    tx.hints += [Ref(id, held, queue) for id, held, queue in added if held is not None]
    return [id for id, _, _ in added]


def cancel(tx: Transaction, instance_id: int, tokens: Sequence[tuple[str, str]]) -> None:
    """Take away what the given (token, element id) pairs of an instance wait for."""
    if tokens:
        waiting = [{"owner": instance_id, "at": token, "element": element_id} for token, element_id in tokens]
        tx.connection.execute(_CANCEL, waiting)


def bring_forward(tx: Transaction, *which: ColumnElement[bool], due_at: datetime) -> None:
    """Let those jobs that are due later be due at this moment, which has come."""
    lease = _new_lease(tx, ENGINE_QUEUE)
    now = {"due_at": due_at, **_visibility(tx, tx.now, lease)}
    due = update(JOB).where(JOB.c.queue == ENGINE_QUEUE, JOB.c.due_at > tx.now, *which).values(now)
    found = tx.session.scalars(due.returning(JOB.c.id)).all()
    tx.hints += [Ref(id, lease, ENGINE_QUEUE) for id in found] if lease else []


def retry(tx: Transaction, job_id: int) -> None:
    """Give a failed job a fresh set of tries, from now on. Raises NotFound, and Conflict unless it has failed."""
    queue = tx.session.scalar(select(JOB.c.queue).where(JOB.c.id == job_id))
    if queue is None:
        raise NotFound(f"Expected job {job_id} to exist, but it was finished or cancelled.")
    lease = _new_lease(tx, queue)
    fresh = {**_untried(), **_visibility(tx, tx.now, lease), "failed_at": None}
    ready = update(JOB).where(JOB.c.id == job_id, JOB.c.failed_at.is_not(None)).values(fresh).returning(JOB.c.id)
    if tx.session.scalar(ready) is None:
        raise Conflict(f"Expected job {job_id} to have failed, but it is waiting for its next try.")
    tx.hints += [Ref(job_id, lease, queue)] if lease else []


def _new_lease(tx: Transaction, queue: str) -> str | None:
    """None where nobody here takes the job: it waits for a poller, of this process or another."""
    return uuid4().hex if tx.store.dispatch is not None and queue in QUEUES else None


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
        **_visibility(tx, due_at, lease),
    }


def _visibility(tx: Transaction, due_at: datetime, lease: str | None) -> dict[str, object]:
    if lease is None or due_at > tx.now:
        return {"run_at": due_at, "lease": None, "deliveries": 0}
    return {"run_at": tx.now + tx.store.settings.lease, "lease": lease, "deliveries": 1}


def _untried() -> dict[str, object]:
    return {"attempts": 0, "deliveries": 0, "lease": None, "error": None}


# ---- hand out, keep, give back -------------------------------------------------------------------------------------


def claim(store: Store, limit: int, queue: str = ENGINE_QUEUE) -> list[Ref]:
    """Lease up to limit due jobs, the longest waiting first; two claims never hand out the same."""
    with store.transaction(SYSTEM) as tx:
        due = select(JOB.c.id).where(JOB.c.queue == queue, JOB.c.run_at <= _in(tx), JOB.c.failed_at.is_(None))
        ids = _unlocked(tx, due.order_by(JOB.c.run_at, JOB.c.id).limit(limit))
        lease = uuid4().hex
        _lease_out(tx, ids, lease=lease, deliveries=JOB.c.deliveries + 1)
    return [Ref(id, lease, queue) for id in ids]


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


# ---- one job in hand -----------------------------------------------------------------------------------------------


def look(tx: Transaction, ref: Ref) -> Job | None:
    """The job, when the lease still counts."""
    row = tx.connection.execute(_MINE, {"of": ref.id, "held": ref.lease}).one_or_none()
    return None if row is None else Job(*row)


def lock(tx: Transaction, ref: Ref) -> Job | None:
    """Lock the instance, then the job; None when the lease no longer counts. Raises Busy.

    In this order, because every command locks its instance before it cancels jobs: the other way round, the two would
    wait for each other. (SQLite's one writer holds everything already.)
    """
    if tx.store.database.dialect.name == "sqlite":
        return look(tx, ref)
    mine = {"of": ref.id, "held": ref.lease}
    try:
        tx.connection.execute(_ITS_INSTANCE, mine)
    except OperationalError as cause:
        if getattr(cause.orig, "sqlstate", None) != LOCK_NOT_AVAILABLE:
            raise
        raise Busy(f"Expected the instance of job {ref.id} to be free, but another command holds it.") from cause
    row = tx.connection.execute(_MINE_LOCKED, mine).one_or_none()
    return None if row is None else Job(*row)


def prolong(tx: Transaction, job: Job) -> None:
    """A whole lease from now."""
    _lease_out(tx, [job.id])


def end(tx: Transaction, job: Job) -> None:
    """Take it away: it has done what it was added for."""
    tx.connection.execute(_END, {"of": job.id})


def put_off(tx: Transaction, job: Job, error: str, delay: timedelta) -> None:
    """One more try has failed; the next one comes after the delay."""
    _failed(tx, job, error, run_at=_in(tx, delay))


def fail(tx: Transaction, job: Job, error: str) -> None:
    """The last try has failed; the job stays for retry()."""
    _failed(tx, job, error, failed_at=tx.now)


def _failed(tx: Transaction, job: Job, error: str, **changes: object) -> None:
    failed = {**_untried(), "attempts": job.attempts + 1, "error": error, **changes}
    tx.session.execute(update(JOB).where(JOB.c.id == job.id).values(failed))
