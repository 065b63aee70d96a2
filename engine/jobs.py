"""The job table: add, move, end. Knows no BPMN: whoever adds a kind of job brings its handler.

A job is a row, written in the transaction of the state that asks for it. Whoever runs it carries a Ref: the job's id
and a lease. Only the holder of the present lease can finish the job: a message lost, repeated or late changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
    update,
)
from sqlalchemy.exc import OperationalError

from engine.clock import SystemClock
from engine.errors import Busy, Conflict, NotFound
from engine.model import Json
from engine.model.services import TryOutcome
from engine.observe import tracing
from engine.storage.tables import Base
from engine.transaction import Ref, Store, Transaction

JOB = Base.metadata.tables["job"]
INSTANCE = Base.metadata.tables["instance"]
LOCK_NOT_AVAILABLE = "55P03"
"""PostgreSQL's answer to NOWAIT."""

ENGINE_QUEUE = "engine"
SERVICE_QUEUE = "service"
"""Functions, which may take long: they have threads of their own, so that timers and messages never wait for them."""
HTTP_QUEUE = "http"
MAIL_QUEUE = "mail"


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job to add. due_at None means now."""

    kind: str
    queue: str = ENGINE_QUEUE
    topic: str = ""
    priority: int = 0
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
    topic: str
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
    worker: str | None
    """Who outside took it, and when."""
    taken_at: datetime | None


@dataclass(slots=True)
class Told:
    """What a call tells of itself while it runs: it is recorded with its try, however that ends."""

    request: str | None = None
    answer: str | None = None
    error: str | None = None
    """The code of the BPMN error that it answered with."""
    outcome: TryOutcome | None = TryOutcome.ANSWERED
    """How it went, if it did not fail; None: nothing worth a record."""


@dataclass(frozen=True, slots=True)
class Further:
    """A job that goes on: when it is due again, and its payload then. No try is counted."""

    due_at: datetime
    payload: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Handler:
    """What one kind of job does.

    finish: changes state, in one transaction with the end of the job; the job's instance is locked already. It takes
        effect once: whoever comes second finds the lease gone. What it returns keeps the job for later.
    call: the slow part, outside any transaction; what it returns goes to finish. It runs a second time when its worker
        dies before the outcome is stored: it has to be harmless twice, or carry a key that stays the same over tries.
    gave_up: told why, in the transaction that marks the job as failed for good.
    failed: told of each try that has failed, in the transaction that says so; whether the try does not count: then the
        job is due again at once.
    """

    finish: Callable[[Transaction, Job, object], Further | None]
    call: Callable[[Store, Job, Told], object] | None = None
    gave_up: Callable[[Transaction, Job, str], None] | None = None
    failed: Callable[[Transaction, Job, Exception], bool] | None = None


Handlers = Mapping[str, Handler]


_SEEN = [JOB.c[field.name] for field in fields(Job)]
_MINE = select(*_SEEN).where(JOB.c.id == bindparam("of"), JOB.c.lease == bindparam("held"), JOB.c.failed_at.is_(None))
_MINE_LOCKED = _MINE.with_for_update()
_ADD = insert(JOB).returning(JOB.c.id, JOB.c.lease, JOB.c.queue)
_END = delete(JOB).where(JOB.c.id == bindparam("of"))
_CANCEL = delete(JOB).where(
    JOB.c.instance_id == bindparam("owner"), JOB.c.token == bindparam("at"), JOB.c.element_id == bindparam("element")
)
_INSTANCE_OF_MINE = select(INSTANCE.c.id).where(
    INSTANCE.c.id == _MINE.with_only_columns(JOB.c.instance_id).scalar_subquery()
)
_ITS_INSTANCE = _INSTANCE_OF_MINE.with_for_update(nowait=True, key_share=True)
_ITS_INSTANCE_PATIENTLY = _INSTANCE_OF_MINE.with_for_update(key_share=True)
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
    added = tx.connection.execute(_ADD, [_values(tx, job, _new_lease(tx, job.queue, job.topic)) for job in new]).all()
    tx.hints += [Ref(id, held, queue) for id, held, queue in added if held is not None]
    tx.has_news |= any(held is None for _, held, _ in added)
    return [id for id, _, _ in added]


def cancel(tx: Transaction, instance_id: int, tokens: Sequence[tuple[str, str]]) -> None:
    """Take away what the given (token, element id) pairs of an instance wait for."""
    if tokens:
        waiting = [{"owner": instance_id, "at": token, "element": element_id} for token, element_id in tokens]
        tx.connection.execute(_CANCEL, waiting)


def bring_forward(tx: Transaction, *which: ColumnElement[bool], due_at: datetime) -> None:
    """Let those jobs that are due later be due at this moment, which has come."""
    move(tx, JOB.c.due_at > tx.now, *which, due_at=due_at)


def move(tx: Transaction, *which: ColumnElement[bool], due_at: datetime) -> Sequence[int]:
    """Let these jobs be due at another moment: who holds one now has lost it. Gives the ids of those there are."""
    changed = {"due_at": due_at, **_visibility(tx, due_at, _new_lease(tx, ENGINE_QUEUE, ""))}
    moved = update(JOB).where(JOB.c.queue == ENGINE_QUEUE, JOB.c.failed_at.is_(None), *which).values(changed)
    found = tx.session.execute(moved.returning(JOB.c.id, JOB.c.lease)).all()
    tx.hints += [Ref(id, held, ENGINE_QUEUE) for id, held in found if held is not None]
    return [id for id, _ in found]


def retry(tx: Transaction, job_id: int) -> None:
    """Give a failed job a fresh set of tries, from now on. Raises NotFound, and Conflict unless it has failed."""
    found = tx.session.execute(select(JOB.c.queue, JOB.c.topic).where(JOB.c.id == job_id)).one_or_none()
    if found is None:
        raise NotFound(f"Expected job {job_id} to exist, but it was finished or cancelled.")
    queue, topic = found
    lease = _new_lease(tx, queue, topic)
    fresh = {**_untried(), **_visibility(tx, tx.now, lease), "failed_at": None, "due_at": tx.now}
    ready = update(JOB).where(JOB.c.id == job_id, JOB.c.failed_at.is_not(None)).values(fresh).returning(JOB.c.id)
    if tx.session.scalar(ready) is None:
        raise Conflict(f"Expected job {job_id} to have failed, but it is waiting for its next try.")
    tx.hints += [Ref(job_id, lease, queue)] if lease else []
    tx.has_news |= lease is None


def hasten(tx: Transaction, job_id: int) -> None:
    """Let a job that pauses, which the caller has locked, be tried at once."""
    queue, topic = tx.session.execute(select(JOB.c.queue, JOB.c.topic).where(JOB.c.id == job_id)).one()
    lease = _new_lease(tx, queue, topic)
    tx.session.execute(update(JOB).where(JOB.c.id == job_id).values(_visibility(tx, tx.now, lease)))
    tx.hints += [Ref(job_id, lease, queue)] if lease else []
    tx.has_news |= bool(topic)


def failed_at(tx: Transaction, instance_id: int, token: str) -> list[tuple[int, str]]:
    """The id and kind of each job for a token that has failed for good."""
    which = (JOB.c.instance_id == instance_id, JOB.c.token == token, JOB.c.failed_at.is_not(None))
    return [(id, kind) for id, kind in tx.connection.execute(select(JOB.c.id, JOB.c.kind).where(*which))]


def _new_lease(tx: Transaction, queue: str, topic: str) -> str | None:
    """None where nobody here takes the job: it waits for who asks for it, of this process or another."""
    dispatch = tx.store.dispatch
    return uuid4().hex if dispatch is not None and dispatch.takes(tx, queue, topic) else None


def _values(tx: Transaction, job: NewJob, lease: str | None) -> dict[str, object]:
    due_at = job.due_at or tx.now
    return {
        "kind": job.kind,
        "queue": job.queue,
        "topic": job.topic,
        "priority": job.priority,
        "instance_id": job.instance_id,
        "definition_id": job.definition_id,
        "token": job.token,
        "element_id": job.element_id,
        "payload": {**job.payload, **tracing.carried()},
        "max_attempts": job.max_attempts,
        "due_at": due_at,
        **_visibility(tx, due_at, lease),
    }


def _visibility(tx: Transaction, due_at: datetime, lease: str | None) -> dict[str, object]:
    if lease is None or due_at > tx.now:
        return {"run_at": due_at, "lease": None, "deliveries": 0, "worker": None, "taken_at": None}
    held = {"lease": lease, "deliveries": 1, "worker": None, "taken_at": tx.now}
    return {"run_at": tx.now + tx.store.settings.lease, **held}


def _untried() -> dict[str, object]:
    return {"attempts": 0, "deliveries": 0, "lease": None, "error": None}


# ---- leases --------------------------------------------------------------------------------------------------------


def moment(tx: Transaction, delay: timedelta = timedelta(0)) -> ColumnElement[datetime]:
    """Now, or in a while, by a clock that all who compare leases share.

    Workers on PostgreSQL may run on several machines whose clocks differ: there it is the database's clock. SQLite is
    one machine; and a clock that was put in by hand (a test's) counts everywhere, or moving it would move nothing.
    """
    if isinstance(tx.store.clock, SystemClock) and tx.store.database.dialect.name == "postgresql":
        return func.now(type_=DateTime(timezone=True)) + literal(delay, Interval())
    return literal(tx.now + delay, JOB.c.run_at.type)


def is_leased(tx: Transaction) -> ColumnElement[bool]:
    """Whether somebody has a job, and its time is not over."""
    return JOB.c.lease.is_not(None) & (JOB.c.run_at > moment(tx))


def get(tx: Transaction, job_id: int) -> Job:
    """A job, whoever has it, locked together with its instance. Raises NotFound."""
    its = select(INSTANCE.c.id).join(JOB, JOB.c.instance_id == INSTANCE.c.id).where(JOB.c.id == job_id)
    tx.connection.execute(its.with_for_update(key_share=True, of=INSTANCE))
    row = tx.connection.execute(select(*_SEEN).where(JOB.c.id == job_id).with_for_update()).one_or_none()
    if row is None:
        raise NotFound(f"There is no job {job_id}.")
    return Job(*row)


def held(tx: Transaction, ref: Ref) -> Job | None:
    """As lock does, for a worker outside: waits for the instance, and gives nothing once the lease is over."""
    mine = {"of": ref.id, "held": ref.lease}
    tx.connection.execute(_ITS_INSTANCE_PATIENTLY, mine)
    row = tx.connection.execute(_MINE_LOCKED, mine).one_or_none()
    counts = tx.connection.scalar(select(JOB.c.id).where(JOB.c.id == ref.id, is_leased(tx)))
    return None if row is None or counts is None else Job(*row)


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
    """A whole lease from now, unless most of one is left: then nothing is written."""
    lease = tx.store.settings.lease
    is_short = (JOB.c.id == job.id) & (JOB.c.run_at < moment(tx, lease * 2 / 3))
    tx.connection.execute(update(JOB).where(is_short).values(run_at=moment(tx, lease)))


def end(tx: Transaction, job: Job) -> None:
    """Take it away: it has done what it was added for."""
    tx.connection.execute(_END, {"of": job.id})


def go_on(tx: Transaction, job: Job, further: Further) -> None:
    """It has not come to its end yet."""
    free = {"lease": None, "deliveries": 0, "run_at": further.due_at, "payload": dict(further.payload)}
    tx.session.execute(update(JOB).where(JOB.c.id == job.id).values(free))


def put_back(tx: Transaction, job: Job, *, delay: timedelta = timedelta(0)) -> None:
    """The try did not count; it is due again."""
    free = {"lease": None, "run_at": moment(tx, delay), "deliveries": JOB.c.deliveries - 1}
    tx.session.execute(update(JOB).where(JOB.c.id == job.id).values(free))


def put_off(tx: Transaction, job: Job, error: str, delay: timedelta, *, left: int | None = None) -> None:
    """One more try has failed; the next one comes after the delay. left: so many more may fail; None: as it was."""
    most = {} if left is None else {"max_attempts": job.attempts + 1 + left}
    _failed(tx, job, error, run_at=moment(tx, delay), **most)


def fail(tx: Transaction, job: Job, error: str) -> None:
    """The last try has failed; the job stays for retry()."""
    _failed(tx, job, error, failed_at=tx.now)


def _failed(tx: Transaction, job: Job, error: str, **changes: object) -> None:
    failed = {**_untried(), "attempts": job.attempts + 1, "error": error, **changes}
    tx.session.execute(update(JOB).where(JOB.c.id == job.id).values(failed))
