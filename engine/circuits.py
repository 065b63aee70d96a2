"""Services that are down: after some failures in a row a service is called no more, but for one try now and then.

Calls wait meanwhile without using up their tries, and one incident tells of them all. Where a try passes, all go on.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, delete, func, insert, select, update

from engine import history, values
from engine.errors import Conflict, ServiceFailed
from engine.jobs import Job
from engine.model.people import Right
from engine.model.services import Circuit
from engine.storage import inserts
from engine.storage.tables import CircuitRow, IncidentRow, JobRow
from engine.transaction import Transaction

LONGEST_ERROR = 1_000
_FAILED = select(CircuitRow).where(CircuitRow.opened_at.is_not(None))


# ---- what calls tell -----------------------------------------------------------------------------------------------


def passed(tx: Transaction, topic: str) -> None:
    """A call has come through: the service works, whatever was before."""
    row = _row(tx, topic) if has_failed(tx, topic) else None
    if row is not None:
        _close(tx, row)


def failed(tx: Transaction, job: Job, cause: Exception) -> bool:
    """A call has failed; tells whether its try does not count, because the service is known to be down."""
    if isinstance(cause, ServiceFailed) and cause.is_up:
        passed(tx, job.topic)
    if isinstance(cause, ServiceFailed) and (cause.is_up or not cause.retryable):
        return False
    row = _row(tx, job.topic) or _new(tx, job.topic)
    row.failures, row.error = row.failures + 1, values.shown(str(cause), LONGEST_ERROR)
    was_open = row.opened_at is not None
    if was_open and _is_probe(job, row):
        _probe_later(tx, row)
    elif not was_open and row.failures >= tx.store.settings.circuit_failures:
        _open(tx, row)
    tx.session.flush()
    return was_open


def _row(tx: Transaction, topic: str) -> CircuitRow | None:
    """Locked; the usual case is that there is none."""
    return tx.session.scalars(select(CircuitRow).where(CircuitRow.name == topic).with_for_update()).one_or_none()


def _new(tx: Transaction, topic: str) -> CircuitRow:
    values = {"name": topic, "failures": 0, "probes": 0, "error": ""}
    tx.session.execute(inserts.unless_there(tx.store.database.dialect.name, CircuitRow, values, CircuitRow.name))
    return tx.session.scalars(select(CircuitRow).where(CircuitRow.name == topic).with_for_update()).one()


def _is_probe(job: Job, row: CircuitRow) -> bool:
    """Whether it was made when the service was known to be down: others were under way already."""
    return job.taken_at is not None and row.opened_at is not None and job.taken_at > row.opened_at


def _open(tx: Transaction, row: CircuitRow) -> None:
    row.opened_at, row.probe_at = tx.now, tx.now + tx.store.settings.circuit_pause
    told = {
        "element_id": "",
        "element_name": f'service "{row.name}"',
        "message": f"It is not called any more since {row.failures} calls in a row have failed. The last: {row.error}",
        "created_at": tx.now,
    }
    row.incident_id = tx.session.scalar(insert(IncidentRow).values(told).returning(IncidentRow.id))
    history.append(tx, [history.event(tx, "service down", data={"service": row.name, "error": row.error[:500]})])


def _probe_later(tx: Transaction, row: CircuitRow) -> None:
    settings = tx.store.settings
    row.probes += 1
    row.probe_at = tx.now + min(settings.circuit_pause * 2 ** min(row.probes, 30), settings.circuit_longest)


def _close(tx: Transaction, row: CircuitRow) -> None:
    if row.opened_at is not None:
        resolved = {"resolved_at": tx.now, "resolved_by": tx.actor.id}
        tx.session.execute(update(IncidentRow).where(IncidentRow.id == row.incident_id).values(resolved))
        history.append(tx, [history.event(tx, "service back", data={"service": row.name})])
        tx.has_news = True
    tx.session.execute(delete(CircuitRow).where(CircuitRow.name == row.name))
    tx.session.expunge(row)


# ---- who may call --------------------------------------------------------------------------------------------------


def allows(tx: Transaction, topic: str, wanted: int) -> int:
    """How many calls may be made now: of one that has failed of late few, of one that is down one now and then."""
    row = _row(tx, topic)
    if row is None:
        return wanted
    if row.opened_at is None:
        return min(wanted, max(1, tx.store.settings.circuit_failures - row.failures))
    if row.probe_at is None or row.probe_at > tx.now:
        return 0
    row.probe_at = tx.now + tx.store.settings.lease  # should whoever tries it die, another does
    tx.session.flush()
    return 1


def has_failed(tx: Transaction, topic: str) -> bool:
    """Of late."""
    return tx.connection.scalar(select(CircuitRow.name).where(CircuitRow.name == topic)) is not None


# ---- what people see and do ----------------------------------------------------------------------------------------


def find(tx: Transaction) -> list[Circuit]:
    """Services that are down, the longest first, each with the number of calls that wait for it."""
    tx.require(Right.INSPECT)
    rows = tx.session.scalars(_FAILED.order_by(CircuitRow.opened_at)).all()
    return [_circuit(tx, row) for row in rows]


def try_one(tx: Transaction, name: str) -> None:
    """Let one call try at once whether it works. Raises Forbidden, Conflict when it is not down."""
    row = _down(tx, name)
    row.probe_at = tx.now
    tx.session.flush()
    tx.has_news = True
    history.append(tx, [history.event(tx, "service tried", data={"service": name})])


def try_of(tx: Transaction, incident_id: int) -> None:
    """The same for the service that an incident tells of."""
    name = tx.session.scalar(select(CircuitRow.name).where(CircuitRow.incident_id == incident_id))
    try_one(tx, name or "")


def let_all(tx: Transaction, name: str) -> None:
    """Let all calls go on. Raises Forbidden, Conflict when it is not down."""
    _close(tx, _down(tx, name))


def _down(tx: Transaction, name: str) -> CircuitRow:
    tx.require(Right.REPAIR)
    row = _row(tx, name)
    if row is None or row.opened_at is None:
        raise Conflict(f'Expected service "{name}" to be down, but it is called as usual.')
    return row


def _circuit(tx: Transaction, row: CircuitRow) -> Circuit:
    waiting = select(JobRow.id).where(_of(row.name)).limit(COUNTED_TO).subquery()
    count = tx.session.scalar(select(func.count()).select_from(waiting)) or 0
    assert row.opened_at is not None
    return Circuit(row.name, row.opened_at, row.probe_at, row.failures, row.error, count)


def _of(topic: str) -> ColumnElement[bool]:
    return JobRow.queue.in_(_QUEUES) & (JobRow.topic == topic) & JobRow.failed_at.is_(None)


_QUEUES = ("http", "service", "mail")
COUNTED_TO = 10_000
