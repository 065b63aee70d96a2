"""The inbox: which user tasks a person has, may take or may see, and how many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, Select, bindparam, func, select

from engine import waits
from engine.errors import NotFound
from engine.model import Page
from engine.model.people import Right
from engine.model.tasks import InboxCounts, TaskStatus, UserTask
from engine.storage.search import contains
from engine.storage.tables import CandidateRow, DefinitionRow, InstanceRow, UserTaskRow
from engine.transaction import Transaction

COUNTED_TO = 1_000

Task = Row[Any]
"""The columns of a user task, read without making an object of them that is tracked."""

_ROW = select(*UserTaskRow.__table__.columns)
_BY_ID = _ROW.where(UserTaskRow.id == bindparam("of"))
_ROWS = (
    _ROW.add_columns(DefinitionRow.name.label("definition_name"), InstanceRow.business_key)
    .join(DefinitionRow, DefinitionRow.id == UserTaskRow.definition_id)
    .join(InstanceRow, InstanceRow.id == UserTaskRow.instance_id)
)


@dataclass(frozen=True, slots=True)
class _Sort:
    """How a list is sorted: the task's columns, and the same ones in the candidates' index; the id is the last."""

    tasks: tuple[Any, ...]
    candidates: tuple[Any, ...]
    is_descending: bool = False

    def first(self, query: Select[Any], keys: tuple[Any, ...], limit: int) -> Select[Any]:
        order = [key.desc() for key in keys] if self.is_descending else keys
        return query.with_only_columns(*keys).order_by(*order).limit(limit)


_SORTS: Mapping[str, _Sort] = {
    "due": _Sort((UserTaskRow.due_order, UserTaskRow.id), (CandidateRow.due_order, CandidateRow.task_id)),
    "priority": _Sort(
        (UserTaskRow.priority, UserTaskRow.id), (CandidateRow.priority, CandidateRow.task_id), is_descending=True
    ),
    "created": _Sort((UserTaskRow.id,), (CandidateRow.task_id,), is_descending=True),
}
SORTS = tuple(_SORTS)
VIEWS = ("all", "mine", "groups")


def inbox(
    tx: Transaction,
    *,
    view: str = "all",
    search: str | None = None,
    sort: str = "due",
    limit: int = 50,
    offset: int = 0,
) -> Page[UserTask]:
    """Open tasks of the actor: "mine" are assigned, "groups" are offered and nobody has them yet, "all" are both.

    sort: "due" (soonest first, without a due date last), "priority" (highest first), "created" (newest first).
    """
    order, wanted = _SORTS[sort], offset + limit + 1
    lists: list[Select[Any]] = []
    if view != "groups":
        lists.append(order.first(_mine(tx, search), order.tasks, wanted))
    if view != "mine":
        offered = (_offered(reader, search) for reader in waits.readers_of(tx.actor))
        lists += [order.first(query, order.candidates, wanted) for query in offered]
    found = {tuple(key) for query in lists for key in tx.connection.execute(query)}
    ids = [key[-1] for key in sorted(found, reverse=order.is_descending)[offset:wanted]]
    return Page(_tasks(tx, ids[:limit]), None, offset, limit, has_more=len(ids) > limit)


def _tasks(tx: Transaction, ids: Sequence[int]) -> tuple[UserTask, ...]:
    """The tasks of these ids, in their order."""
    rows = tx.connection.execute(_ROWS.where(UserTaskRow.id.in_(ids))) if ids else ()
    found = {row.id: _task(row) for row in rows}
    return tuple(found[id] for id in ids if id in found)


def _mine(tx: Transaction, search: str | None) -> Select[Any]:
    query = select(UserTaskRow.id).where(UserTaskRow.status == TaskStatus.OPEN, UserTaskRow.assignee == tx.actor.id)
    return _searched(query, search)


def _offered(reader: str, search: str | None) -> Select[Any]:
    """One reader's tasks, read off one index in the order asked for."""
    query = select(CandidateRow.task_id).where(CandidateRow.reader == reader)
    return _searched(query.join(UserTaskRow, UserTaskRow.id == CandidateRow.task_id), search) if search else query


def _searched(query: Select[Any], search: str | None) -> Select[Any]:
    """Keep tasks whose name, process or business key contains the text."""
    if not search:
        return query
    joined = query.join(DefinitionRow, DefinitionRow.id == UserTaskRow.definition_id).join(
        InstanceRow, InstanceRow.id == UserTaskRow.instance_id
    )
    return joined.where(contains(search, UserTaskRow.name, DefinitionRow.name, InstanceRow.business_key))


def counts(tx: Transaction) -> InboxCounts:
    """How many wait; counting stops at COUNTED_TO."""
    mine = select(UserTaskRow.id).where(UserTaskRow.status == TaskStatus.OPEN, UserTaskRow.assignee == tx.actor.id)
    groups = select(CandidateRow.task_id).where(CandidateRow.reader.in_(waits.readers_of(tx.actor))).distinct()
    overdue = mine.where(UserTaskRow.due_order < tx.now)
    return InboxCounts(*(_count(tx, query) for query in (mine, groups, overdue)))


def _count(tx: Transaction, query: Select[Any]) -> int:
    return tx.session.scalar(select(func.count()).select_from(query.limit(COUNTED_TO).subquery())) or 0


def get(tx: Transaction, task_id: int) -> UserTask:
    """Raises NotFound, also when the actor has nothing to do with it."""
    found = tx.session.execute(_ROWS.where(UserTaskRow.id == task_id)).one_or_none()
    if found is None or not _may_see(tx, found):
        raise NotFound(f"There is no task {task_id} for you.")
    return _task(found)


def of_instance(tx: Transaction, instance_id: int) -> list[UserTask]:
    """Open tasks of one instance that the actor may see."""
    query = _ROWS.where(UserTaskRow.instance_id == instance_id, UserTaskRow.status == TaskStatus.OPEN)
    rows = tx.session.execute(query.order_by(UserTaskRow.id))
    return [_task(row) for row in rows if _may_see(tx, row)]


def row_of(tx: Transaction, task_id: int) -> Task:
    """Raises NotFound, also when the actor has nothing to do with it."""
    row = tx.connection.execute(_BY_ID, {"of": task_id}).one_or_none()
    if row is None or not _may_see(tx, row):
        raise NotFound(f"There is no task {task_id} for you.")
    return row


# ---- who may see ---------------------------------------------------------------------------------------------------


def _may_see(tx: Transaction, row: Task) -> bool:
    actor = tx.actor.id
    return (
        tx.may(Right.INSPECT)
        or tx.may(Right.REPAIR)
        or actor in (row.assignee, row.completed_by)
        or is_candidate(tx, row)
    )


def is_candidate(tx: Transaction, row: Task) -> bool:
    offered = waits.readers(row.candidate_users, row.candidate_groups)
    return not set(waits.readers_of(tx.actor)).isdisjoint(offered)


def _task(row: Task) -> UserTask:
    return UserTask(
        id=row.id,
        instance_id=row.instance_id,
        definition_id=row.definition_id,
        definition_name=row.definition_name,
        business_key=row.business_key,
        element_id=row.element_id,
        name=row.name,
        status=TaskStatus(row.status),
        assignee=row.assignee,
        candidate_users=tuple(row.candidate_users),
        candidate_groups=tuple(row.candidate_groups),
        priority=row.priority,
        due_at=row.due_at,
        follow_up_at=row.follow_up_at,
        created_at=row.created_at,
        ended_at=row.ended_at,
        completed_by=row.completed_by,
    )
