"""Letting an instance go on by hand: a call tried at once; what is stuck is completed, skipped or ends in an error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from engine import InvalidValues, Transaction, instances, open_calls, repairs
from web.context import command, reading

bp = Blueprint("repairs", __name__, url_prefix="/instances/<int:instance_id>")


@bp.post("/calls/<int:job_id>/try")
def try_now(instance_id: int, job_id: int) -> ResponseReturnValue:
    with command() as tx:
        open_calls.try_now(tx, job_id)
    flash("The call is being tried now.", "info")
    return redirect(url_for("instances.show", instance_id=instance_id))


@bp.get("/tokens/<token>")
def show(instance_id: int, token: str) -> str:
    return _page(instance_id, token)


@bp.post("/tokens/<token>/complete")
def complete(instance_id: int, token: str) -> ResponseReturnValue:
    text = request.form.get("variables", "")
    return _done(instance_id, token, lambda tx: repairs.complete(tx, instance_id, token, text), "Completed by hand.")


@bp.post("/tokens/<token>/skip")
def skip(instance_id: int, token: str) -> ResponseReturnValue:
    reason = request.form.get("reason", "")
    return _done(instance_id, token, lambda tx: repairs.skip(tx, instance_id, token, reason), "Skipped.")


@bp.post("/tokens/<token>/throw")
def throw(instance_id: int, token: str) -> ResponseReturnValue:
    code, message = request.form.get("code", ""), request.form.get("message", "")
    return _done(instance_id, token, lambda tx: repairs.throw(tx, instance_id, token, code, message), "Error thrown.")


def _done(instance_id: int, token: str, act: Callable[[Transaction], None], told: str) -> ResponseReturnValue:
    """Values that do not fit show the page again as it was typed."""
    try:
        with command() as tx:
            act(tx)
    except InvalidValues as refused:
        return _page(instance_id, token, errors=refused.errors), 422
    flash(told, "success")
    return redirect(url_for("instances.show", instance_id=instance_id))


def _page(instance_id: int, token: str, **told: Any) -> str:
    with reading() as tx:
        instance, stuck = instances.get(tx, instance_id), repairs.look(tx, instance_id, token)
    return render_template("instances/repair.html", instance=instance, stuck=stuck, **{"errors": {}, **told})
