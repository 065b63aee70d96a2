"""The inbox: find, claim, release, reassign and complete user tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Row, Select, bindparam, delete, func, or_, select, update

from engine import accounts, definitions, execution, history, values, waits
from engine.bpmn import forms
from engine.bpmn.parse import FormSource
from engine.bpmn.runtime import Run
from engine.errors import Conflict, Forbidden, InvalidValues, NotFound
from engine.model import Event, Field, Form, InboxCounts, Json, Page, Right, TaskStatus, UserTask, Variable
from engine.storage.tables import AccountRow, CandidateRow, DefinitionRow, InstanceRow, UserTaskRow
from engine.transaction import Transaction

COUNTED_TO = 1_000

# ---- finding -------------------------------------------------------------------------------------------------------

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
    """How a list is sorted, by the task's columns and by the same keys in the candidates' index."""

    tasks: tuple[Any, ...]
    candidates: tuple[Any, ...]


_SORTS: Mapping[str, _Sort] = {
    "due": _Sort((UserTaskRow.due_order, UserTaskRow.id), (CandidateRow.due_order, CandidateRow.task_id)),
    "priority": _Sort(
        (UserTaskRow.priority.desc(), UserTaskRow.id.desc()),
        (CandidateRow.priority.desc(), CandidateRow.task_id.desc()),
    ),
    "created": _Sort((UserTaskRow.id.desc(),), (CandidateRow.task_id.desc(),)),
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
    ids: list[Select[Any]] = []
    if view != "groups":
        ids.append(_mine(tx, order, search, wanted))
    if view != "mine":
        ids += [_offered(tx, reader, order, search, wanted) for reader in waits.readers_of(tx.actor)]
    found = [task_id for query in ids for task_id in tx.session.scalars(query)]
    query = _ROWS.where(UserTaskRow.id.in_(set(found))).order_by(*order.tasks).limit(limit + 1).offset(offset)
    rows = [_task(row) for row in tx.connection.execute(query)] if found else []
    return Page(tuple(rows[:limit]), None, offset, limit, has_more=len(rows) > limit)


def _mine(tx: Transaction, order: _Sort, search: str | None, limit: int) -> Select[Any]:
    query = select(UserTaskRow.id).where(UserTaskRow.status == TaskStatus.OPEN, UserTaskRow.assignee == tx.actor.id)
    return _searched(query, search).order_by(*order.tasks).limit(limit)


def _offered(tx: Transaction, reader: str, order: _Sort, search: str | None, limit: int) -> Select[Any]:
    """One reader's tasks, read off one index in the order asked for."""
    query = select(CandidateRow.task_id).where(CandidateRow.reader == reader)
    if search:
        query = _searched(query.join(UserTaskRow, UserTaskRow.id == CandidateRow.task_id), search)
    return query.order_by(*order.candidates).limit(limit)


def _searched(query: Select[Any], search: str | None) -> Select[Any]:
    """Keep tasks whose name, process or business key contains the text."""
    if not search:
        return query
    like = f"%{_escaped(values.shown(search).lower())}%"
    joined = query.join(DefinitionRow, DefinitionRow.id == UserTaskRow.definition_id).join(
        InstanceRow, InstanceRow.id == UserTaskRow.instance_id
    )
    texts = (UserTaskRow.name, DefinitionRow.name, InstanceRow.business_key)
    return joined.where(or_(*(func.lower(text).like(like, escape="\\") for text in texts)))


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


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


def _may_see(tx: Transaction, row: Task) -> bool:
    actor = tx.actor.id
    return (
        tx.may(Right.INSPECT)
        or tx.may(Right.REPAIR)
        or actor in (row.assignee, row.completed_by)
        or _is_candidate(tx, row)
    )


def _is_candidate(tx: Transaction, row: Task) -> bool:
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


# ---- one task ------------------------------------------------------------------------------------------------------


def documentation(tx: Transaction, task_id: int) -> str:
    """What the diagram says of the task, as Markdown."""
    task = get(tx, task_id)
    return execution.process_of(tx, task.definition_id).elements[task.element_id].documentation


def form(tx: Transaction, task_id: int) -> tuple[Form, dict[str, Json]]:
    """The form of an open task, and what it is filled with already."""
    row = _row(tx, task_id)
    _require_open(tx, row)
    return _form(tx, row), _seen(tx, row)


def _form(tx: Transaction, row: Task) -> Form:
    return definitions.form_from(tx, row.definition_id, _form_source(tx, row))


def _form_source(tx: Transaction, row: Task) -> FormSource:
    return execution.process_of(tx, row.definition_id).forms[row.element_id]


def _seen(tx: Transaction, row: Task) -> dict[str, Json]:
    return execution.look(tx, row.instance_id).values_seen_by(row.token)


def context(tx: Transaction, task_id: int) -> list[Variable]:
    """What the task is about: the variables it sees, while it is open."""
    task = get(tx, task_id)
    if task.status != TaskStatus.OPEN:
        return []
    seen = _seen(tx, _row(tx, task_id))
    return [Variable("", None, name, value) for name, value in sorted(seen.items())]


def history_of(tx: Transaction, task_id: int) -> list[Event]:
    """Who did what with the task, newest first."""
    return history.of_task(tx, get(tx, task_id))


# ---- deciding ------------------------------------------------------------------------------------------------------


def claim(tx: Transaction, task_id: int) -> None:
    """Make the actor the assignee of an open, unassigned task.

    Raises Conflict naming the present assignee when somebody was faster, Forbidden for who is no candidate.
    """
    row = _row(tx, task_id)
    if not (_is_candidate(tx, row) or tx.may(Right.REPAIR)):
        raise _not_for(tx, row)
    _assign(tx, row, tx.actor.id, was=None)
    _note(tx, row, "task claimed")


def release(tx: Transaction, task_id: int) -> None:
    """Give a claimed task back to its candidates. Raises Conflict when it is not the actor's."""
    row = _row(tx, task_id)
    if not (row.assignee == tx.actor.id or tx.may(Right.REPAIR)):
        raise _not_held(tx, row)
    if row.assignee is None:
        return
    _assign(tx, row, None, was=row.assignee)
    _note(tx, row, "task released")


def reassign(tx: Transaction, task_id: int, account_id: str) -> None:
    """Hand an open task to somebody else. For its assignee, and for who may repair."""
    row = _row(tx, task_id)
    if not (row.assignee == tx.actor.id or tx.may(Right.REPAIR)):
        raise _not_held(tx, row)
    account = tx.session.get(AccountRow, values.shown(account_id))
    if account is None or not account.is_active:
        raise NotFound(f"There is no active account {account_id}.")
    _assign(tx, row, account_id, was=row.assignee)
    _note(tx, row, "task reassigned", to=account_id)


def _assign(tx: Transaction, row: Task, to: str | None, *, was: str | None) -> None:
    """Change the assignee if it is still the one that was seen."""
    held = UserTaskRow.assignee.is_(None) if was is None else UserTaskRow.assignee == was
    changed = tx.session.scalar(
        update(UserTaskRow)
        .where(UserTaskRow.id == row.id, UserTaskRow.status == TaskStatus.OPEN, held)
        .values(assignee=to)
        .returning(UserTaskRow.id)
        .execution_options(synchronize_session=False)
    )
    if changed is None:
        raise _already_taken(tx, row.id)
    tx.session.execute(delete(CandidateRow).where(CandidateRow.task_id == row.id))
    columns = ("candidate_users", "candidate_groups", "priority", "due_order")
    waits.offer(tx, [row.id], [{"assignee": to, **{name: getattr(row, name) for name in columns}}])


def complete(tx: Transaction, task_id: int, submitted: Mapping[str, object], *, button: int | None = None) -> None:
    """Finish a task from a program; who is a candidate takes an unassigned task by completing it.

    button: which of the form's buttons was pressed, from 0 on.
    Where nobody drew a form, other variables may be set too.
    Raises InvalidValues naming each field that breaks a rule, Conflict, Forbidden, NotFound.
    """
    row = _row(tx, task_id)
    _require_holder(tx, row)
    _finish(tx, row, _accepted(tx, row, submitted, button))


def complete_by_form(
    tx: Transaction, task_id: int, submitted: Mapping[str, object], *, button: int | None = None
) -> None:
    """Finish a task with what a person filled in: the form's fields and the button pressed, nothing else.

    Raises as complete does.
    """
    row = _row(tx, task_id)
    _require_holder(tx, row)
    form = _form(tx, row)
    given = {field.key: submitted[field.key] for field in form.fields if field.key in submitted}
    pressed = _chosen(form, _pressed(form, button))
    filled = {**_defaults(tx, row, form, given), **given}
    _finish(tx, row, {**forms.checked(form, filled, zone=execution.zone(tx)), **pressed})


def _finish(tx: Transaction, row: Task, values: Mapping[str, Json]) -> None:
    def act(run: Run) -> None:
        """The instance is locked before the task, as when a timer fires: neither waits for the other."""
        _close(tx, row)
        run.complete(row.token, values)

    done = _event(tx, row, "task completed")
    try:
        execution.advance(tx, row.instance_id, act, completed={row.token}, events=[done])
    except execution.NotActive:
        _require_open(tx, _row(tx, row.id))  # says what became of the task meanwhile
        raise


def _close(tx: Transaction, row: Task) -> None:
    close = {"of": row.id, "held": row.assignee, "moment": tx.now, "who": tx.actor.id}
    if tx.connection.execute(_COMPLETE, close).one_or_none() is None:
        raise _already_taken(tx, row.id)
    if row.assignee is None:
        tx.connection.execute(_WITHDRAW, {"of": row.id})


_TASKS, _CANDIDATES = UserTaskRow.__table__, CandidateRow.__table__
_COMPLETE = (
    update(_TASKS)  # type: ignore[arg-type]
    .where(
        UserTaskRow.id == bindparam("of"),
        UserTaskRow.status == TaskStatus.OPEN,
        UserTaskRow.assignee.is_not_distinct_from(bindparam("held")),
    )
    .values(
        status=TaskStatus.COMPLETED,
        ended_at=bindparam("moment"),
        completed_by=bindparam("who"),
        assignee=bindparam("who"),
    )
    .returning(UserTaskRow.id)
)
_WITHDRAW = delete(_CANDIDATES).where(CandidateRow.task_id == bindparam("of"))  # type: ignore[arg-type]


def _accepted(tx: Transaction, row: Task, submitted: Mapping[str, object], button: int | None) -> dict[str, Json]:
    """The values after every rule of the form was checked, and what the button adds.

    A form that was made from nothing takes other values too; a drawn one keeps its own keys only.
    """
    told = _form_source(tx, row)
    form = definitions.form_from(tx, row.definition_id, told)
    pressed = _pressed(form, button)
    given = {**submitted, **pressed}
    chosen = _chosen(form, given)
    if told.is_drawn:
        filled = {**_defaults(tx, row, form, given), **given}
        return {**forms.checked(form, filled, zone=execution.zone(tx)), **chosen}
    asked = replace(form, fields=_still_asked(tx, row, form, given))
    return {**given, **forms.checked(asked, given, zone=execution.zone(tx))}


def _defaults(tx: Transaction, row: Task, form: Form, given: Mapping[str, object]) -> dict[str, Json]:
    """A field's own value counts where nothing was sent and the process knows no other."""
    missing = form.defaults(given)
    known = _seen(tx, row) if missing else {}
    return {key: value for key, value in missing.items() if key not in known}


def _still_asked(tx: Transaction, row: Task, form: Form, given: Mapping[str, object]) -> tuple[Field, ...]:
    """The fields that count of a form made from nothing: those filled in, and with them those nobody has set yet."""
    if not any(field.key in given for field in form.fields):
        return ()
    missing = any(field.required and field.key not in given for field in form.fields)
    known = _seen(tx, row).keys() - given.keys() if missing else ()
    return tuple(field for field in form.fields if field.key not in known)


def _pressed(form: Form, button: int | None) -> Mapping[str, Json]:
    if button is None:
        return {}
    if not 0 <= button < len(form.buttons):
        raise InvalidValues({"button": f"Expected one of {len(form.buttons)} buttons, but got number {button}."})
    return form.buttons[button].values


def _chosen(form: Form, given: Mapping[str, object]) -> dict[str, Json]:
    """What decides at the gateway behind the task: from the button that was pressed, or said by name."""
    keys = {key for button in form.buttons for key in button.values}
    chosen = {key: given[key] for key in keys if key in given}
    if keys and not chosen:
        labels = ", ".join(button.label for button in form.buttons)
        raise InvalidValues({"button": f"Expected a decision. Choose one of: {labels}."})
    return chosen


def _require_holder(tx: Transaction, row: Task) -> None:
    _require_open(tx, row)
    if row.assignee == tx.actor.id:
        return
    if row.assignee is not None:
        raise _not_held(tx, row)
    if not _is_candidate(tx, row):
        raise _not_for(tx, row)


def _require_open(tx: Transaction, row: Task) -> None:
    if row.status != TaskStatus.OPEN:
        raise _already_taken(tx, row.id)


def _row(tx: Transaction, task_id: int) -> Task:
    """Raises NotFound, also when the actor has nothing to do with it."""
    row = tx.connection.execute(_BY_ID, {"of": task_id}).one_or_none()
    if row is None or not _may_see(tx, row):
        raise NotFound(f"There is no task {task_id} for you.")
    return row


# ---- refusing ------------------------------------------------------------------------------------------------------


def _already_taken(tx: Transaction, task_id: int) -> Conflict:
    """Say what became of a task that is not as the caller saw it."""
    seen = select(UserTaskRow.status, UserTaskRow.assignee, UserTaskRow.completed_by).where(UserTaskRow.id == task_id)
    status, assignee, completed_by = tx.session.execute(seen).one()
    who = _called(tx, completed_by or assignee)
    if status == TaskStatus.COMPLETED:
        return Conflict(f"Expected task {task_id} to be open, but {who} has completed it.")
    if status == TaskStatus.CANCELLED:
        return Conflict(f"Expected task {task_id} to be open, but it was cancelled: the process went another way.")
    if assignee is None:
        return Conflict(f"Expected task {task_id} to be assigned, but it was released meanwhile. Reload the page.")
    return Conflict(f"Expected task {task_id} to be free, but {who} has it. Ask {who} to release it.")


def _called(tx: Transaction, id: str | None) -> str:
    """The name of a person as messages say it; the id where there is no account."""
    return accounts.called(tx, [id]).get(id, id) if id else "somebody"


def _not_held(tx: Transaction, row: Task) -> Conflict:
    _require_open(tx, row)
    if row.assignee is None:
        return Conflict(f"Expected task {row.id} to be yours, but nobody has it. Claim it first.")
    who = _called(tx, row.assignee)
    return Conflict(f"Expected task {row.id} to be yours, but {who} has it. Ask {who} to release it.")


def _not_for(tx: Transaction, row: Task) -> Forbidden:
    offered: Sequence[str] = [*row.candidate_users, *row.candidate_groups]
    whom = ", ".join(offered) or row.assignee or "somebody else"
    return Forbidden(f"Expected {tx.actor.id} to be a candidate for task {row.id}, but it is for {whom}.")


def _note(tx: Transaction, row: Task, kind: str, **data: Json) -> None:
    history.append(tx, [_event(tx, row, kind, **data)])


def _event(tx: Transaction, row: Task, kind: str, **data: Json) -> dict[str, Any]:
    return history.event(
        tx, kind, instance_id=row.instance_id, element_id=row.element_id, data={"task": row.id, **data}
    )
