"""Start an instance: what I may start, and its form."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from engine import (
    Form,
    Instance,
    InvalidValues,
    Json,
    NotFound,
    TaskStatus,
    Transaction,
    UserTask,
    definitions,
    instances,
    user_tasks,
)
from web import forms
from web.context import actor, command, reading

bp = Blueprint("start", __name__, url_prefix="/start")


@bp.get("/")
def index() -> str:
    with reading() as tx:
        return render_template("start/index.html", startable=definitions.startable(tx))


@bp.get("/<int:definition_id>")
def show(definition_id: int) -> str:
    with reading() as tx:
        return _page(tx, definition_id)


@bp.post("/<int:definition_id>")
def start(definition_id: int) -> ResponseReturnValue:
    values: dict[str, Json] = {}
    business_key = request.form.get("business_key", "").strip() or None
    try:
        values = forms.submitted()
        with command() as tx:
            instance = instances.start_by_form(
                tx, definition_id, values, business_key=business_key, start_event=_start_event()
            )
            mine = _first_own_task(tx, instance)
    except InvalidValues as refused:
        with reading() as tx:
            return _page(tx, definition_id, typed=values, errors=refused.errors), 422
    flash(f"Started: {instance.definition_name} ({instance.business_key or instance.id})", "success")
    return redirect(_after(instance, mine))


def _page(
    tx: Transaction,
    definition_id: int,
    *,
    typed: Mapping[str, Json] | None = None,
    errors: Mapping[str, str] | None = None,
) -> str:
    starts, chosen = definitions.plain_starts(tx, definition_id), _start_event()
    if chosen is not None and chosen not in starts:
        raise NotFound("There is no such start event.")
    form = definitions.start_form(tx, definition_id, chosen) or Form()
    return render_template(
        "start/show.html",
        definition=definitions.get(tx, definition_id),
        starts=starts,
        chosen=chosen or next(iter(starts), None),
        form=form,
        island=forms.island(form, typed or {}, errors or {}),
        problems=forms.summary(form, errors or {}),
    )


def _start_event() -> str | None:
    """One of several to begin at, as the address names it."""
    return request.args.get("at") or None


def _first_own_task(tx: Transaction, instance: Instance) -> UserTask | None:
    waiting = (task for task in user_tasks.of_instance(tx, instance.id) if task.status is TaskStatus.OPEN)
    return next((task for task in waiting if task.assignee == actor().id), None)


def _after(instance: Instance, mine: UserTask | None) -> str:
    """Go on with the first task of one's own, else look at the instance."""
    if mine is not None:
        return url_for("user_tasks.show", task_id=mine.id)
    return url_for("instances.show", instance_id=instance.id)
