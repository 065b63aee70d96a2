"""Who serves which topic: workers outside that ask for work, and those of this program; and what nobody serves."""

from __future__ import annotations

import os
import socket
from collections.abc import Collection
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, func, select, update

from engine import leases
from engine.jobs import SERVICE_QUEUE
from engine.model.people import SYSTEM, Right
from engine.model.services import Topic
from engine.storage import inserts
from engine.storage.tables import JobRow, WorkerRow
from engine.transaction import Store, Transaction

NOTED = timedelta(seconds=15)
"""How often it is noted that somebody is there."""
GONE = timedelta(minutes=1)
"""After which somebody who did not ask is taken for gone."""
FORGOTTEN = timedelta(days=1)
NEVER = datetime.min.replace(tzinfo=UTC)
COUNTED_TO = 10_000
MOST_TOPICS = 200


def own_name() -> str:
    return f"{socket.gethostname()}-{os.getpid()}"


def note(store: Store, name: str, topics: Collection[str]) -> None:
    """Somebody asks for work on these topics. Costs nothing while that is known."""
    now = store.clock.now()
    due = [topic for topic in topics if store.seen.get((name, topic), NEVER) < now - NOTED]
    if not due:
        return
    with store.transaction(SYSTEM) as tx:
        for topic in due:
            _write(tx, name, topic)
        tx.session.execute(delete(WorkerRow).where(WorkerRow.seen_at < now - FORGOTTEN))
    lately = {each: at for each, at in store.seen.items() if at >= now - NOTED}
    store.seen = {**lately, **{(name, topic): now for topic in due}}


def _write(tx: Transaction, name: str, topic: str) -> None:
    at = (WorkerRow.topic == topic, WorkerRow.name == name)
    known = update(WorkerRow).where(*at).values(seen_at=tx.now).returning(WorkerRow.name)
    if tx.session.scalar(known) is None:
        row = {"topic": topic, "name": name, "seen_at": tx.now}
        tx.session.execute(inserts.unless_there(tx.store.database.dialect.name, WorkerRow, row, WorkerRow.name))


def topics(tx: Transaction) -> list[Topic]:
    """Those that calls wait for or somebody serves, by name; at most MOST_TOPICS."""
    tx.require(Right.INSPECT)
    present: dict[str, list[str]] = {}
    for topic, name in tx.session.execute(
        select(WorkerRow.topic, WorkerRow.name).where(WorkerRow.seen_at > tx.now - GONE)
    ):
        present.setdefault(topic, []).append(name)
    waiting = leases.topics_of(tx, SERVICE_QUEUE)
    names = sorted({*present, *waiting})[:MOST_TOPICS]
    return [_topic(tx, name, present.get(name, [])) for name in names]


def unserved(tx: Transaction) -> list[Topic]:
    """Those that calls have waited for since longer than GONE, while nobody serves them."""
    found = (each for each in topics(tx) if each.waiting and not each.workers)
    return [each for each in found if each.since is not None and each.since < tx.now - GONE]


def _topic(tx: Transaction, name: str, present: list[str]) -> Topic:
    mine = (JobRow.queue == SERVICE_QUEUE, JobRow.topic == name, JobRow.failed_at.is_(None))
    counted = select(JobRow.due_at).where(*mine).limit(COUNTED_TO).subquery()
    waiting, since = tx.session.execute(select(func.count(), func.min(counted.c.due_at)).select_from(counted)).one()
    return Topic(name, waiting, since, tuple(sorted(present)))
