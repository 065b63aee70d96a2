"""Handing out jobs for as long as a lease, to workers of ours and outside; keeping them, and giving them back.

Two never get the same job. What it costs does not grow with the jobs that wait for later or for others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from typing import Any, Protocol
from uuid import uuid4

from sqlalchemy import ColumnElement, func, select, tuple_, update

from engine import jobs
from engine.jobs import JOB
from engine.model.people import SYSTEM
from engine.transaction import Ref, Store, Transaction


class Gate(Protocol):
    """Says how many jobs of a topic may be handed out now."""

    def allows(self, tx: Transaction, queue: str, topic: str, wanted: int) -> int: ...


# ---- workers of ours -----------------------------------------------------------------------------------------------


def claim(
    store: Store,
    limit: int,
    queue: str = jobs.ENGINE_QUEUE,
    topics: Iterable[str] | None = ("",),
    gate: Gate | None = None,
) -> list[Ref]:
    """Lease up to limit due jobs, the longest waiting first; two claims never hand out the same.

    topics: those of the jobs to take; None: whatever there are. gate: None lets all pass.
    """
    lease = uuid4().hex
    with store.transaction(SYSTEM) as tx:
        wanted = topics_of(tx, queue) if topics is None else topics
        ids = _due(tx, limit, queue, wanted) if gate is None else _let_through(tx, limit, queue, wanted, gate)
        _lease_out(tx, ids, lease=lease, deliveries=JOB.c.deliveries + 1, worker=None, taken_at=tx.now)
    return [Ref(id, lease, queue) for id in ids]


def _let_through(tx: Transaction, limit: int, queue: str, topics: Iterable[str], gate: Gate) -> list[int]:
    found: list[int] = []
    for topic in topics:
        ids = _due(tx, limit - len(found), queue, [topic]) if len(found) < limit else []
        found += _allowed(tx, queue, topic, ids, gate)
    return found


def _allowed(tx: Transaction, queue: str, topic: str, ids: list[int], gate: Gate) -> list[int]:
    """The first of those that are due: nothing is asked for that is not there."""
    return ids[: gate.allows(tx, queue, topic, len(ids))] if ids else []


def _now(tx: Transaction, priority: int) -> tuple[ColumnElement[bool], ...]:
    return JOB.c.priority == priority, JOB.c.run_at <= jobs.moment(tx)


def _due(tx: Transaction, limit: int, queue: str, topics: Iterable[str], *also: ColumnElement[bool]) -> list[int]:
    """Jobs that may be taken, locked: topic by topic, those of higher priority first.

    Costs one look for each topic and priority, however many jobs wait for later or for others.
    """
    found: list[int] = []
    for topic, priority in ((each, priority) for each in topics for priority in _priorities(tx, queue, each)):
        ids = (
            select(JOB.c.id).where(*_waiting(queue, topic), *_now(tx, priority), *also).order_by(JOB.c.run_at, JOB.c.id)
        )
        found += _unlocked(tx, ids.limit(limit - len(found)))
        if len(found) >= limit:
            break
    return found


def topics_of(tx: Transaction, queue: str) -> Iterator[str]:
    """Each that jobs of a queue have: a leap in the index for each."""
    least = select(func.min(JOB.c.topic)).where(JOB.c.queue == queue, JOB.c.failed_at.is_(None))
    found = tx.connection.scalar(least)
    while found is not None:
        yield found
        found = tx.connection.scalar(least.where(JOB.c.topic > found))


def _priorities(tx: Transaction, queue: str, topic: str) -> Iterator[int]:
    """Each that jobs have, the highest first: a leap in the index for each."""
    if not topic:
        yield 0
        return
    highest = select(func.max(JOB.c.priority)).where(*_waiting(queue, topic))
    below = tx.connection.scalar(highest)
    while below is not None:
        yield below
        below = tx.connection.scalar(highest.where(JOB.c.priority < below))


def _waiting(queue: str, topic: str) -> tuple[ColumnElement[bool], ...]:
    return JOB.c.queue == queue, JOB.c.topic == topic, JOB.c.failed_at.is_(None)


def extend(store: Store, refs: Iterable[Ref]) -> None:
    """Keep jobs that are held for longer than a lease."""
    with store.transaction(SYSTEM) as tx:
        _lease_out(tx, _unlocked(tx, select(JOB.c.id).where(_held_by(refs))))


def give_back(store: Store, refs: Iterable[Ref], *, delay: timedelta = timedelta(0)) -> None:
    """Let others take jobs that were handed out and not run; counts as if they had never been handed out."""
    with store.transaction(SYSTEM) as tx:
        ids = _unlocked(tx, select(JOB.c.id).where(_held_by(refs)))
        free = {"lease": None, "run_at": jobs.moment(tx, delay), "deliveries": JOB.c.deliveries - 1}
        tx.session.execute(update(JOB).where(JOB.c.id.in_(ids)).values(free))


# ---- workers outside -----------------------------------------------------------------------------------------------


def take(
    tx: Transaction,
    limit: int,
    topic: str,
    *also: ColumnElement[bool],
    lease: str,
    worker: str,
    duration: timedelta,
    gate: Gate,
) -> list[int]:
    """Let a worker outside have jobs of a topic for so long; gives their ids, in the order of their priority.

    lease: the same for all that this worker takes: by it, it is told from others.
    """
    due = _due(tx, limit, jobs.SERVICE_QUEUE, [topic], *also)
    ids = _allowed(tx, jobs.SERVICE_QUEUE, topic, due, gate)
    hand_out(tx, ids, lease=lease, worker=worker, duration=duration)
    return ids


def hand_out(tx: Transaction, ids: Sequence[int], *, lease: str, worker: str, duration: timedelta) -> None:
    """Let a worker outside have these, which the caller has locked."""
    told = {"lease": lease, "worker": worker, "taken_at": tx.now, "run_at": jobs.moment(tx, duration)}
    if ids:
        tx.session.execute(update(JOB).where(JOB.c.id.in_(ids)).values(told))


# ---- what both do --------------------------------------------------------------------------------------------------


def count_held(tx: Transaction, queue: str, topic: str) -> int:
    """Jobs that somebody has now."""
    held = (JOB.c.lease.is_not(None), JOB.c.run_at > jobs.moment(tx))
    return tx.connection.scalar(select(func.count()).where(*_waiting(queue, topic), *held)) or 0


def _unlocked(tx: Transaction, ids: Any) -> list[int]:
    """Lock what nobody else has: what others hold is ending just now. (SQLite has one writer and no FOR UPDATE.)"""
    return list(tx.session.scalars(ids.with_for_update(skip_locked=True)))


def _lease_out(tx: Transaction, ids: Sequence[int], **changes: object) -> None:
    if ids:
        leased = {"run_at": jobs.moment(tx, tx.store.settings.lease), **changes}
        tx.session.execute(update(JOB).where(JOB.c.id.in_(ids)).values(leased))


def _held_by(refs: Iterable[Ref]) -> ColumnElement[bool]:
    return tuple_(JOB.c.id, JOB.c.lease).in_([(ref.id, ref.lease) for ref in refs])
