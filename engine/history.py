"""Append what happened, and read it: a row for each visit to an element, each fact, and each try of a call."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import (
    ColumnElement,
    ScalarSelect,
    Text,
    bindparam,
    case,
    func,
    insert,
    or_,
    select,
    type_coerce,
    update,
)

from engine.model import Json, Page
from engine.model.processes import Activity, Event, Outcome
from engine.model.services import Try, TryOutcome
from engine.model.tasks import UserTask
from engine.storage.tables import ActivityRow, EventRow, TryRow
from engine.transaction import Transaction

T = TypeVar("T")
R = TypeVar("R", ActivityRow, EventRow, TryRow)

_ADD_EVENT = insert(EventRow.__table__)  # type: ignore[arg-type]
_ADD_ACTIVITY = insert(ActivityRow.__table__)  # type: ignore[arg-type]
_ADD_TRY = insert(TryRow.__table__)  # type: ignore[arg-type]
_LEAVE = (
    update(ActivityRow.__table__)  # type: ignore[arg-type]
    .where(
        ActivityRow.instance_id == bindparam("of"), ActivityRow.token == bindparam("at"), ActivityRow.left_at.is_(None)
    )
    .values(left_at=bindparam("moment"), outcome=bindparam("how"), actor=bindparam("who"))
)
COUNTED_TO = 10_000
LARGE_VALUE = 1_000
"""Characters of JSON: what is longer is not repeated with each change."""


def event(
    tx: Transaction,
    kind: str,
    *,
    instance_id: int | None = None,
    element_id: str | None = None,
    data: Mapping[str, Json] | None = None,
) -> dict[str, Any]:
    """A row for `append`: a fact, said by the transaction's actor at its moment. data is plain JSON."""
    return {
        "instance_id": instance_id,
        "at": tx.now,
        "actor": tx.actor.id,
        "kind": kind,
        "element_id": element_id,
        "data": dict(data or {}),
    }


def append(tx: Transaction, events: Sequence[dict[str, Any]]) -> None:
    if events:
        tx.connection.execute(_ADD_EVENT, list(events))


def add_activities(tx: Transaction, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        tx.connection.execute(_ADD_ACTIVITY, list(rows))


def leave_activities(tx: Transaction, instance_id: int, left: Iterable[tuple[str, Outcome]]) -> None:
    """Close the open visits of these tokens."""
    rows = [
        {"of": instance_id, "at": token, "moment": tx.now, "how": outcome, "who": tx.actor.id}
        for token, outcome in left
    ]
    if rows:
        tx.connection.execute(_LEAVE, rows)


def add_try(tx: Transaction, row: Mapping[str, Any]) -> None:
    tx.connection.execute(_ADD_TRY, row)


# ---- reading -------------------------------------------------------------------------------------------------------


def activities(tx: Transaction, instance_id: int, *, limit: int = 50, offset: int = 0) -> Page[Activity]:
    """Visits to elements, newest first."""
    return _newest(tx, ActivityRow, _activity, instance_id, limit, offset)


def events(tx: Transaction, instance_id: int, *, limit: int = 50, offset: int = 0) -> Page[Event]:
    """Facts, newest first."""
    return _newest(tx, EventRow, _event, instance_id, limit, offset)


def tries(tx: Transaction, instance_id: int, *, limit: int = 50, offset: int = 0) -> Page[Try]:
    """Tries of calls, newest first."""
    return _newest(tx, TryRow, _try, instance_id, limit, offset)


def _newest(
    tx: Transaction, table: type[R], told: Callable[[R], T], instance_id: int, limit: int, offset: int
) -> Page[T]:
    """Counting stops at COUNTED_TO: nobody pages further, and it must stay quick."""
    of_instance = select(table).where(table.instance_id == instance_id)
    rows = tx.session.scalars(of_instance.order_by(table.id.desc()).limit(limit).offset(offset))
    counted = of_instance.with_only_columns(table.id).limit(COUNTED_TO).subquery()
    total = tx.session.scalar(select(func.count()).select_from(counted)) or 0
    return Page(tuple(map(told, rows)), total, offset, limit)


def of_task(tx: Transaction, task: UserTask, *, limit: int = 200) -> list[Event]:
    """Facts about one user task, newest first; other visits to its element, before and after, cost nothing."""
    of_element = (EventRow.instance_id == task.instance_id, EventRow.element_id == task.element_id)
    written = type_coerce(EventRow.data, Text)
    query = select(EventRow).where(
        *of_element,
        EventRow.id >= _reached(of_element, task.created_at - _SKEW),
        or_(written.startswith(f'{{"task":{task.id},'), written == f'{{"task":{task.id}}}'),
    )
    if task.ended_at is not None:
        query = query.where(EventRow.id <= _reached(of_element, task.ended_at + _SKEW))
    return [_event(row) for row in tx.session.scalars(query.order_by(EventRow.id.desc()).limit(limit))]


_SKEW = timedelta(minutes=1)
"""Clocks differ, and commands that overlap write in either order."""


def _reached(of: tuple[ColumnElement[bool], ...], moment: datetime) -> ScalarSelect[int]:
    """The id of the first of these events at a moment or later, found by halving: their ids rise with time."""
    first, last = (select(end(EventRow.id)).where(*of).scalar_subquery() for end in (func.min, func.max))
    ends = select(first.label("low"), (last + 1).label("high")).cte(recursive=True)
    middle = (ends.c.low + ends.c.high) // 2
    at_middle = select(EventRow.at).where(*of, EventRow.id >= middle).order_by(EventRow.id).limit(1)
    is_before = at_middle.correlate(ends).scalar_subquery() < moment
    upper, lower = case((is_before, middle + 1), else_=ends.c.low), case((is_before, ends.c.high), else_=middle)
    halved = ends.union_all(select(upper, lower).where(ends.c.low < ends.c.high))
    return select(func.max(halved.c.low)).scalar_subquery()


def _activity(row: ActivityRow) -> Activity:
    return Activity(
        id=row.id,
        element_id=row.element_id,
        element_name=row.element_name,
        element_type=row.element_type,
        entered_at=row.entered_at,
        left_at=row.left_at,
        outcome=None if row.outcome is None else Outcome(row.outcome),
        actor=row.actor,
        flow=row.flow,
    )


def _try(row: TryRow) -> Try:
    return Try(
        id=row.id,
        element_id=row.element_id,
        number=row.number,
        began_at=row.began_at,
        ended_at=row.ended_at,
        outcome=TryOutcome(row.outcome),
        message=row.message,
        again_at=row.again_at,
        request=row.request,
        answer=row.answer,
        worker=row.worker,
    )


def _event(row: EventRow) -> Event:
    return Event(row.id, row.at, row.actor, row.kind, row.element_id, row.data)
