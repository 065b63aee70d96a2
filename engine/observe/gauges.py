"""What the database holds just now, for Prometheus: read when somebody asks, by queries that stay quick.

Each count stops at COUNTED_TO: that value means so many or more. A million timers that wait cost no more than that.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from sqlalchemy import Select, and_, bindparam, func, or_, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import QueuePool

from engine import jobs
from engine.jobs import ENGINE_QUEUE, HTTP_QUEUE, JOB, SERVICE_QUEUE
from engine.model.people import SYSTEM
from engine.model.processes import InstanceStatus
from engine.model.tasks import TaskStatus
from engine.storage.tables import IncidentRow, InstanceRow, UserTaskRow
from engine.transaction import Store, Transaction

log = logging.getLogger(__name__)

COUNTED_TO = 10_000
MOST_LANES = 200
"""Pairs of topic and priority, over all queues, whose jobs are counted."""


def collect(store: Store) -> Iterator[Metric]:
    """All gauges; of a database that does not answer, only that."""
    up = GaugeMetricFamily("procession_database_up", "Whether the database answers what is asked here.")
    try:
        with store.reading(SYSTEM) as tx:
            found = [*_jobs(tx), _instances(tx), _open_tasks(tx), _open_incidents(tx)]
    except SQLAlchemyError as cause:
        log.warning("metrics without the database", extra={"error": type(cause).__name__})
        found = []
    up.add_metric([], float(bool(found)))
    yield from (up, *found, *_pool(store))


def _family(name: str, about: str, labels: Iterable[str], values: Mapping[Any, float]) -> Metric:
    """values: by label, or by a tuple of labels."""
    family = GaugeMetricFamily(f"procession_{name}", about, labels=list(labels))
    for key, value in values.items():
        family.add_metric([key] if isinstance(key, str) else list(key), value)
    return family


def _counted(tx: Transaction, query: Select[Any]) -> int:
    return tx.connection.scalar(select(func.count()).select_from(query.limit(COUNTED_TO).subquery())) or 0


# ---- jobs ----------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Queue:
    states: Counter[str] = field(default_factory=lambda: Counter(waiting=0, due=0, leased=0, failed=0))
    oldest: datetime | None = None
    """Since when the job has been due that has been so the longest."""

    def see_due(self, count: int, since: datetime | None) -> None:
        self.states["due"] += count
        self.oldest = min(filter(None, (self.oldest, since)), default=None)

    def lag(self, now: datetime) -> float:
        return 0 if self.oldest is None else max(0, (now - self.oldest).total_seconds())


def _jobs(tx: Transaction) -> Iterator[Metric]:
    queues = {name: _Queue() for name in (ENGINE_QUEUE, SERVICE_QUEUE, HTTP_QUEUE)}
    now: datetime = tx.connection.execute(select(jobs.moment(tx))).scalar_one()
    for lane in _lanes(tx):
        _count_lane(tx, queues.setdefault(lane[0], _Queue()), lane, now)
    for name, failed in _failed(tx):
        queues.setdefault(name, _Queue()).states["failed"] += failed
    states = {(name, state): count for name, queue in queues.items() for state, count in queue.states.items()}
    yield _family("jobs", _ABOUT_JOBS, ("queue", "state"), states)
    lags = {name: queue.lag(now) for name, queue in queues.items()}
    yield _family("job_lag_seconds", "For how long the oldest due job has been due.", ("queue",), lags)


_ABOUT_JOBS = (
    "Jobs: waiting for later, due, leased (in work), failed (an incident is open). "
    f"Counted to {COUNTED_TO} for each topic and priority."
)
Lane = tuple[str, str, int]
"""Queue, topic and priority: within one, jobs stand in the index by the moment they may be taken."""
_LANE = (JOB.c.queue, JOB.c.topic, JOB.c.priority)
_SAME = [column == bindparam(f"of_{column.name}") for column in _LANE]
_BEYOND = [column > bindparam(f"of_{column.name}") for column in _LANE]
_FIRST_LANE = select(*_LANE).where(JOB.c.failed_at.is_(None)).order_by(*_LANE).limit(1)
_NEXT_LANES = [_FIRST_LANE.where(*_SAME[:size], _BEYOND[size]) for size in (2, 1, 0)]
"""Where to look for the next one, in turn. Compared as one tuple, SQLite would read all rows of the lane."""


def _lanes(tx: Transaction) -> Iterator[Lane]:
    """Those that have jobs: a leap in the index for each."""
    lane = _lane(tx, _FIRST_LANE, {})
    for _ in range(MOST_LANES):
        if lane is None:
            return
        yield lane
        of_lane = _bound(lane)
        lane = next(filter(None, (_lane(tx, query, of_lane) for query in _NEXT_LANES)), None)


def _lane(tx: Transaction, query: Select[Any, Any, Any], told: Mapping[str, object]) -> Lane | None:
    row = tx.connection.execute(query, told).one_or_none()
    return None if row is None else (row.queue, row.topic, row.priority)


def _bound(lane: Lane) -> dict[str, object]:
    return {f"of_{column.name}": value for column, value in zip(_LANE, lane, strict=True)}


_NOW = bindparam("now", type_=JOB.c.run_at.type)
_OF_LANE = (
    select(JOB.c.run_at, JOB.c.lease)
    .where(*_SAME, JOB.c.failed_at.is_(None))
    .order_by(JOB.c.run_at, JOB.c.id)
    .limit(COUNTED_TO)
)
_DUE = _OF_LANE.with_only_columns(JOB.c.run_at).where(JOB.c.run_at <= _NOW).subquery()
_LATER = _OF_LANE.where(JOB.c.run_at > _NOW).subquery()
_COUNT_DUE = select(func.count(), func.min(_DUE.c.run_at))
_COUNT_LATER = select(func.count(), func.count(_LATER.c.lease)).select_from(_LATER)


def _count_lane(tx: Transaction, queue: _Queue, lane: Lane, now: datetime) -> None:
    told = {**_bound(lane), "now": now}
    queue.see_due(*tx.connection.execute(_COUNT_DUE, told).one())
    later, leased = tx.connection.execute(_COUNT_LATER, told).one()
    queue.states["leased"] += leased
    queue.states["waiting"] += later - leased


def _failed(tx: Transaction) -> Iterator[tuple[str, int]]:
    """By queue, found through their incidents: there is no index of failed jobs."""
    stopped = select(IncidentRow.job_id, IncidentRow.instance_id, IncidentRow.token)
    stopped_at = stopped.where(IncidentRow.resolved_at.is_(None)).limit(COUNTED_TO).subquery()
    its_job = or_(
        JOB.c.id == stopped_at.c.job_id,
        and_(JOB.c.instance_id == stopped_at.c.instance_id, JOB.c.token == stopped_at.c.token),
    )
    failed = select(JOB.c.queue, func.count()).join(stopped_at, its_job).where(JOB.c.failed_at.is_not(None))
    yield from ((queue, count) for queue, count in tx.connection.execute(failed.group_by(JOB.c.queue)))


# ---- what people see -----------------------------------------------------------------------------------------------


def _instances(tx: Transaction) -> Metric:
    counts = {
        str(status): _counted(tx, select(InstanceRow.id).where(InstanceRow.status == status))
        for status in InstanceStatus
    }
    return _family("instances", f"Instances by state. Counted to {COUNTED_TO}.", ("state",), counts)


def _open_tasks(tx: Transaction) -> Metric:
    is_open = select(UserTaskRow.id).where(UserTaskRow.status == TaskStatus.OPEN)
    return _family("open_user_tasks", f"Open user tasks. Counted to {COUNTED_TO}.", (), {(): _counted(tx, is_open)})


def _open_incidents(tx: Transaction) -> Metric:
    is_open = select(IncidentRow.id).where(IncidentRow.resolved_at.is_(None))
    return _family("open_incidents", f"Open incidents. Counted to {COUNTED_TO}.", (), {(): _counted(tx, is_open)})


# ---- the connections of this process -------------------------------------------------------------------------------


def _pool(store: Store) -> Iterator[Metric]:
    """A database in memory has one connection, and no pool."""
    pool = store.database.pool
    if isinstance(pool, QueuePool):
        used = {
            "size": pool.size(),
            "checked_out": pool.checkedout(),
            "idle": pool.checkedin(),
            "overflow": max(0, pool.overflow()),
        }
        yield _family("pool_connections", "Connections of this process to the database.", ("state",), used)
