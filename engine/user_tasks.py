"""What becomes of user tasks: claim, release, reassign and complete; and all that is asked of one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import bindparam, delete, select, update

from engine import accounts, execution, history, values, waits
from engine.bpmn import forms
from engine.bpmn.parse import FormSource
from engine.bpmn.runtime import Run
from engine.errors import Conflict, Forbidden, InvalidValues, NotFound
from engine.inbox import SORTS, VIEWS, Task, counts, get, inbox, is_candidate, of_instance, row_of
from engine.model import Json
from engine.model.forms import Field, Form
from engine.model.people import Right
from engine.model.processes import Event, Variable
from engine.model.tasks import TaskStatus
from engine.observe import logs
from engine.storage.tables import AccountRow, CandidateRow, UserTaskRow
from engine.transaction import Transaction

__all__ = [
    "SORTS",
    "VIEWS",
    "claim",
    "complete",
    "complete_by_form",
    "context",
    "counts",
    "documentation",
    "form",
    "get",
    "history_of",
    "inbox",
    "of_instance",
    "reassign",
    "release",
]
"""With what the inbox module finds: one face for all verbs."""

# ---- one task ------------------------------------------------------------------------------------------------------


def documentation(tx: Transaction, task_id: int) -> str:
    """What the diagram says of the task, as Markdown."""
    task = get(tx, task_id)
    return execution.process_of(tx, task.definition_id).elements[task.element_id].documentation


def form(tx: Transaction, task_id: int) -> tuple[Form, dict[str, Json]]:
    """The form of an open task, and what it is filled with already."""
    row = row_of(tx, task_id)
    _require_open(tx, row)
    return _form(tx, row), _seen(tx, row)


def _form(tx: Transaction, row: Task) -> Form:
    return _form_source(tx, row).form


def _form_source(tx: Transaction, row: Task) -> FormSource:
    """Where a person chooses what is done next, the form follows from where the instance stands."""
    source = execution.process_of(tx, row.definition_id).forms.get(row.element_id)
    return source or FormSource(data=execution.look(tx, row.instance_id).choice_at(row.token))


def _seen(tx: Transaction, row: Task) -> dict[str, Json]:
    return execution.look(tx, row.instance_id).values_seen_by(row.token)


def context(tx: Transaction, task_id: int) -> list[Variable]:
    """What the task is about: the variables it sees, while it is open."""
    task = get(tx, task_id)
    if task.status != TaskStatus.OPEN:
        return []
    seen = _seen(tx, row_of(tx, task_id))
    return [Variable("", None, name, value) for name, value in sorted(seen.items())]


def history_of(tx: Transaction, task_id: int) -> list[Event]:
    """Who did what with the task, newest first."""
    return history.of_task(tx, get(tx, task_id))


# ---- deciding ------------------------------------------------------------------------------------------------------


def claim(tx: Transaction, task_id: int) -> None:
    """Make the actor the assignee of an open, unassigned task.

    Raises Conflict naming the present assignee when somebody was faster, Forbidden for who is no candidate.
    """
    row = row_of(tx, task_id)
    if not (is_candidate(tx, row) or tx.may(Right.REPAIR)):
        raise _not_for(tx, row)
    _assign(tx, row, tx.actor.id, was=None)
    _note(tx, row, "task claimed")


def release(tx: Transaction, task_id: int) -> None:
    """Give a claimed task back to its candidates. Raises Conflict when it is not the actor's."""
    row = row_of(tx, task_id)
    if not (row.assignee == tx.actor.id or tx.may(Right.REPAIR)):
        raise _not_held(tx, row)
    if row.assignee is None:
        return
    _assign(tx, row, None, was=row.assignee)
    _note(tx, row, "task released")


def reassign(tx: Transaction, task_id: int, account_id: str) -> None:
    """Hand an open task to somebody else. For its assignee, and for who may repair."""
    row = row_of(tx, task_id)
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
    row = row_of(tx, task_id)
    _require_holder(tx, row)
    told = _form_source(tx, row)
    _finish(tx, row, told.form, _accepted(tx, row, told, submitted, button))


def complete_by_form(
    tx: Transaction, task_id: int, submitted: Mapping[str, object], *, button: int | None = None
) -> Form:
    """Finish a task with what a person filled in: the form's fields and the button pressed, nothing else.

    Only who has claimed it can: a page may show what was released since. Gives the form as it was then.
    Raises as complete does.
    """
    row = row_of(tx, task_id)
    _require_holder(tx, row)
    if row.assignee is None:
        raise _not_held(tx, row)
    form = _form(tx, row)
    given = {field.key: submitted[field.key] for field in form.fields if field.key in submitted}
    pressed = _chosen(form, _pressed(form, button))
    filled = {**_defaults(tx, row, form, given), **given}
    _finish(tx, row, form, {**_checked(tx, row, form, filled), **pressed})
    return form


def _finish(tx: Transaction, row: Task, form: Form, values: Mapping[str, Json]) -> None:
    def act(run: Run) -> None:
        """The instance is locked before the task, as when a timer fires: neither waits for the other."""
        _close(tx, row)
        run.complete(row.token, values, by=tx.actor.id)

    done = _event(tx, row, "task completed", **_decision(form, values))
    try:
        with logs.about(instance=row.instance_id, element=row.element_id):
            execution.advance(tx, row.instance_id, act, completed={row.token}, events=[done])
    except execution.NotActive:
        _require_open(tx, row_of(tx, row.id))  # says what became of the task meanwhile
        raise


def _decision(form: Form, values: Mapping[str, Json]) -> dict[str, Json]:
    """For the history: what was decided, in the words of the button that says so."""
    said = (button.label for button in form.buttons if button.values and button.values.items() <= values.items())
    label = next(said, None)
    return {} if label is None else {"decision": label}


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


def _accepted(
    tx: Transaction, row: Task, told: FormSource, submitted: Mapping[str, object], button: int | None
) -> dict[str, Json]:
    """The values after every rule of the form was checked, and what the button adds.

    A form that was made from nothing takes other values too; a drawn one keeps its own keys only.
    """
    form = told.form
    pressed = _pressed(form, button)
    given = {**submitted, **pressed}
    chosen = _chosen(form, given)
    if told.is_drawn:
        filled = {**_defaults(tx, row, form, given), **given}
        return {**_checked(tx, row, form, filled), **chosen}
    asked = replace(form, fields=_still_asked(tx, row, form, given))
    return {**given, **_checked(tx, row, asked, given)}


def _checked(tx: Transaction, row: Task, form: Form, filled: Mapping[str, object]) -> dict[str, Json]:
    return forms.checked(form, filled, execution.circumstances(tx, lambda: _seen(tx, row)))


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
    pressed = form.buttons[button]
    if not pressed.is_enabled:
        raise InvalidValues({"button": f'Expected something that can be done now, but "{pressed.label}" has to wait.'})
    return pressed.values


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
    if not is_candidate(tx, row):
        raise _not_for(tx, row)


def _require_open(tx: Transaction, row: Task) -> None:
    if row.status != TaskStatus.OPEN:
        raise _already_taken(tx, row.id)


# ---- refusing ------------------------------------------------------------------------------------------------------


def _already_taken(tx: Transaction, task_id: int) -> Conflict:
    """Say what became of a task that is not as the caller saw it."""
    seen = (UserTaskRow.name, UserTaskRow.status, UserTaskRow.assignee, UserTaskRow.completed_by)
    name, status, assignee, completed_by = tx.session.execute(select(*seen).where(UserTaskRow.id == task_id)).one()
    who = _called(tx, completed_by or assignee)
    if status == TaskStatus.COMPLETED:
        return Conflict(f'Expected task "{name}" to be open, but {who} has completed it.')
    if status == TaskStatus.CANCELLED:
        return Conflict(f'Expected task "{name}" to be open, but it was cancelled: the process went another way.')
    if assignee is None:
        return Conflict(f'Expected task "{name}" to be assigned, but it was released meanwhile. Reload the page.')
    return Conflict(f'Expected task "{name}" to be free, but {who} has it. Ask {who} to release it.')


def _called(tx: Transaction, id: str | None) -> str:
    """The name of a person as messages say it; the id where there is no account."""
    return accounts.called(tx, [id]).get(id, id) if id else "somebody"


def _not_held(tx: Transaction, row: Task) -> Conflict:
    _require_open(tx, row)
    if row.assignee is None:
        return Conflict(f'Expected task "{row.name}" to be yours, but nobody has it. Claim it first.')
    who = _called(tx, row.assignee)
    return Conflict(f'Expected task "{row.name}" to be yours, but {who} has it. Ask {who} to release it.')


def _not_for(tx: Transaction, row: Task) -> Forbidden:
    people = accounts.called(tx, [tx.actor.id, *row.candidate_users])
    offered = [*(people.get(id, id) for id in row.candidate_users), *row.candidate_groups]
    whom = ", ".join(offered) or _called(tx, row.assignee)
    who = people.get(tx.actor.id, tx.actor.id)
    return Forbidden(f'Expected {who} to be a candidate for task "{row.name}", but it is for {whom}.')


def _note(tx: Transaction, row: Task, kind: str, **data: Json) -> None:
    history.append(tx, [_event(tx, row, kind, **data)])


def _event(tx: Transaction, row: Task, kind: str, **data: Json) -> dict[str, Any]:
    return history.event(
        tx, kind, instance_id=row.instance_id, element_id=row.element_id, data={"task": row.id, **data}
    )
