"""Where an instance stands, and how it has come there: for its diagram and its history."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, Subquery, func, select
from sqlalchemy.orm import InstrumentedAttribute, aliased

from engine import history, instances
from engine.bpmn.wait import CALLS
from engine.errors import NotFound
from engine.model import Page
from engine.model.processes import Activity, Event, Outcome, Picture
from engine.model.services import Try
from engine.storage.tables import ActivityRow, EventRow, IncidentRow, InstanceRow, JobRow, TryRow
from engine.transaction import Transaction


def picture(tx: Transaction, instance_id: int) -> Picture:
    """Tokens and the path taken, for the diagram; an element visited several times shows its most urgent state.

    Costs as much as there are elements, however often they were visited.
    """
    instances.require_sight(tx, instance_id)
    element = _each(ActivityRow.element_id, instance_id)
    visit = (ActivityRow.instance_id == instance_id, ActivityRow.element_id == element.c.value)
    waiting = select(func.count()).select_from(ActivityRow).where(*visit, ActivityRow.outcome.is_(None))
    ended = select(func.max(ActivityRow.outcome)).where(*visit)  # "cancelled" comes before all others
    query = select(element.c.value, *(each.correlate(element).scalar_subquery() for each in (waiting, ended)))
    rows = tx.session.execute(query).all()
    states = {each: "active" if tokens else _STATES[Outcome(outcome)] for each, tokens, outcome in rows}
    states |= dict.fromkeys(tx.session.scalars(_stopped_at(instance_id)), "incident")
    counts = {each: tokens for each, tokens, _ in rows if tokens}
    flows = tx.session.scalars(select(_each(ActivityRow.flow, instance_id).c.value))
    return Picture(states, counts, tuple(sorted(flow for flow in flows if flow)))


_STATES = {Outcome.CANCELLED: "cancelled", Outcome.COMPLETED: "completed", Outcome.MERGED: "completed"}


def _stopped_at(instance_id: int) -> Select[Any]:
    return select(IncidentRow.element_id).where(
        IncidentRow.instance_id == instance_id, IncidentRow.resolved_at.is_(None)
    )


def _each(column: InstrumentedAttribute[Any], instance_id: int) -> Subquery:
    """Each value of a visit's column once: a leap in its index for each, where DISTINCT would read every visit."""
    least = select(func.min(column).label("value")).where(ActivityRow.instance_id == instance_id)
    found = least.cte(recursive=True)
    further = least.where(column > found.c.value).correlate(found).scalar_subquery()
    found = found.union_all(select(further).where(found.c.value.is_not(None)))
    return select(found.c.value).where(found.c.value.is_not(None)).subquery()


def visited(tx: Transaction, instance_id: int) -> dict[str, tuple[str, str]]:
    """Name and type of each element that was visited, by its id; those visited last come first.

    One visit stands for all to an element: in loops the order is a rough one, and costs nothing.
    """
    instances.require_sight(tx, instance_id)
    element, visit = _each(ActivityRow.element_id, instance_id), aliased(ActivityRow)
    visits = select(visit.id).where(visit.instance_id == instance_id, visit.element_id == element.c.value)
    any_visit = visits.order_by(visit.outcome).limit(1)  # as the index does, or PostgreSQL reads the table
    query = select(ActivityRow.element_id, ActivityRow.element_name, ActivityRow.element_type).join(
        element, ActivityRow.id == any_visit.correlate(element).scalar_subquery()
    )
    return {id: (name, type) for id, name, type in tx.session.execute(query.order_by(ActivityRow.id.desc()))}


def mark(tx: Transaction, instance_id: int) -> str:
    """Changes whenever something about the instance or one that it called does; costs next to nothing."""
    instances.require_sight(tx, instance_id)
    last: list[Select[Any]] = [
        select(func.max(row.id)).where(row.instance_id == instance_id)
        for row in (EventRow, ActivityRow, IncidentRow, TryRow)
    ]
    calls = (JobRow.instance_id == instance_id, JobRow.kind.in_(CALLS))
    last += [select(func.max(moment)).where(*calls) for moment in (JobRow.taken_at, JobRow.run_at)]
    called = aliased(InstanceRow)
    commands = select(func.sum(called.version)).where(called.id.in_(instances.newest_called(instance_id)))
    query = select(InstanceRow.version, *(each.scalar_subquery() for each in (*last, commands)))
    seen = tx.session.execute(query.where(InstanceRow.id == instance_id)).one_or_none()
    if seen is None:
        raise NotFound(f"There is no instance {instance_id}.")
    return "-".join(map(str, seen))


def activities(tx: Transaction, instance_id: int, *, limit: int = 50, offset: int = 0) -> Page[Activity]:
    """Visits to elements, newest first."""
    instances.require_sight(tx, instance_id)
    return history.activities(tx, instance_id, limit=limit, offset=offset)


def tries(tx: Transaction, instance_id: int, *, limit: int = 50, offset: int = 0) -> Page[Try]:
    """Tries of calls of services, newest first. Raises NotFound for who may not see the instance."""
    instances.require_sight(tx, instance_id)
    return history.tries(tx, instance_id, limit=limit, offset=offset)


def events(tx: Transaction, instance_id: int, *, limit: int = 50, offset: int = 0) -> Page[Event]:
    """Facts, newest first."""
    instances.require_sight(tx, instance_id)
    return history.events(tx, instance_id, limit=limit, offset=offset)
