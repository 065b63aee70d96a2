"""What administrators look after besides instances: pending timers and open incidents."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from engine import incidents, timers
from web import listing
from web.context import command, is_fragment, own_path, reading

bp = Blueprint("admin", __name__)


@bp.get("/timers")
def all_timers() -> str:
    with reading() as tx:
        page = timers.pending(tx, limit=listing.PAGE_SIZE, offset=listing.offset())
    return render_template("admin/_timers.html" if is_fragment() else "admin/timers.html", page=page)


@bp.get("/incidents")
def open_incidents() -> str:
    with reading() as tx:
        page = incidents.pending(tx, limit=listing.PAGE_SIZE, offset=listing.offset())
    return render_template("admin/_incidents.html" if is_fragment() else "admin/incidents.html", page=page)


@bp.post("/incidents/<int:incident_id>/retry")
def retry(incident_id: int) -> ResponseReturnValue:
    with command() as tx:
        incidents.retry(tx, incident_id)
    flash("Trying again. What stops once more appears as a new incident.", "info")
    return redirect(own_path(request.form.get("next")) or url_for("admin.open_incidents"))
