"""The inbox: my tasks, and those my groups may take."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from engine import user_tasks
from web import listing
from web.context import command, is_fragment, own_path, reading

bp = Blueprint("inbox", __name__)

VIEWS = {"mine": "My tasks", "groups": "My groups' tasks"}
SORTS = {"due": "Due first", "priority": "Most urgent first", "created": "Newest first"}


@bp.get("/")
def index() -> str:
    view, sort = listing.choice("view", VIEWS, "mine"), listing.choice("sort", SORTS, "due")
    search, offset = listing.text("search"), listing.offset()
    with reading() as tx:
        page = user_tasks.inbox(tx, view=view, search=search, sort=sort, limit=listing.PAGE_SIZE, offset=offset)
        counts = user_tasks.counts(tx)
    template = "inbox/_list.html" if is_fragment() else "inbox/index.html"
    asked = {"view": view, "search": search, "sort": sort}
    return render_template(template, page=page, counts=counts, asked=asked, views=VIEWS, sorts=SORTS)


@bp.post("/tasks/<int:task_id>/claim")
def claim(task_id: int) -> ResponseReturnValue:
    with command() as tx:
        user_tasks.claim(tx, task_id)
        task = user_tasks.get(tx, task_id)
    flash(f"Claimed: {task.name}", "success")
    return redirect(own_path(request.form.get("next")) or url_for("user_tasks.show", task_id=task_id))
