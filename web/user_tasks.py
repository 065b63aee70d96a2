"""One user task: its form, what it is about, where it stands in the diagram, and what happened to it."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from engine import Form, InvalidValues, Json, TaskStatus, Transaction, UserTask, accounts, definitions, user_tasks
from web import forms, people
from web.context import actor, command, may, reading

bp = Blueprint("user_tasks", __name__, url_prefix="/tasks/<int:task_id>")


@bp.get("/")
def show(task_id: int) -> str:
    with reading() as tx:
        return _page(tx, task_id)


@bp.post("/")
def complete(task_id: int) -> ResponseReturnValue:
    """Complete the task; values that do not fit show the page again as it was typed, with what is wrong."""
    values: dict[str, Json] = {}
    try:
        values = forms.submitted()
        with command() as tx:
            task = user_tasks.get(tx, task_id)
            form = user_tasks.complete_by_form(tx, task_id, values, button=forms.button())
    except InvalidValues as refused:
        with reading() as tx:
            return _page(tx, task_id, typed=values, errors=refused.errors), 422
    flash(_done(task, form), "success")
    return redirect(url_for("inbox.index"))


def _done(task: UserTask, form: Form) -> str:
    pressed = forms.button()
    if pressed is None:
        return f"Completed: {task.name}"
    label = form.buttons[pressed].label
    return f"{task.name}: {label}" if form.question else f"Completed: {task.name} ({label})"


def _page(
    tx: Transaction, task_id: int, *, typed: Mapping[str, Json] | None = None, errors: Mapping[str, str] | None = None
) -> str:
    task = user_tasks.get(tx, task_id)
    form, values = user_tasks.form(tx, task_id) if _shows_form(task) else (None, {})
    history = user_tasks.history_of(tx, task_id)
    people.know(tx, [task], history)
    return render_template(
        "user_tasks/show.html",
        task=task,
        form=form,
        island=form and forms.island(form, values if typed is None else typed, errors or {}),
        problems=forms.summary(form, errors or {}) if form else [],
        documentation=user_tasks.documentation(tx, task_id),
        variables=user_tasks.context(tx, task_id),
        history=history,
        definition=definitions.get(tx, task.definition_id),
    )


def _shows_form(task: UserTask) -> bool:
    """To fill in when it is one's own; to read before somebody claims it."""
    return task.status is TaskStatus.OPEN and task.assignee in (None, actor().id)


@bp.post("/release")
def release(task_id: int) -> ResponseReturnValue:
    with command() as tx:
        user_tasks.release(tx, task_id)
        task = user_tasks.get(tx, task_id)
    flash(f"Released: {task.name}", "success")
    return redirect(url_for("inbox.index", view="groups"))


@bp.route("/reassign", methods=["GET", "POST"])
def reassign(task_id: int) -> ResponseReturnValue:
    """Find a colleague, then make them the assignee."""
    if request.method == "POST":
        return _hand_over(task_id, request.form.get("account", ""))
    search = request.args.get("search", "").strip()[:100]
    with reading() as tx:
        task = user_tasks.get(tx, task_id)
        found = accounts.names(tx, search)
    return render_template("user_tasks/reassign.html", task=task, people=found, search=search)


def _hand_over(task_id: int, account_id: str) -> ResponseReturnValue:
    with command() as tx:
        task = user_tasks.get(tx, task_id)
        user_tasks.reassign(tx, task_id, account_id)
    flash(f"{task.name} is now with {people.called(account_id)}.", "success")
    stays_visible = account_id == actor().id or may("repair")
    return redirect(url_for("user_tasks.show", task_id=task_id) if stays_visible else url_for("inbox.index"))
