"""What administrators look after besides instances: pending timers and open incidents."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from engine import Incident, InvalidValues, Right, Timer, incidents, timers, workers
from web import listing
from web.context import command, engine, is_fragment, own_path, reading

bp = Blueprint("admin", __name__)


@bp.get("/timers")
def all_timers() -> str:
    with reading() as tx:
        page = timers.pending(tx, limit=listing.PAGE_SIZE, offset=listing.offset())
    return render_template("admin/_timers.html" if is_fragment() else "admin/timers.html", page=page)


@bp.post("/timers/<int:job_id>/fire")
def fire_timer(job_id: int) -> ResponseReturnValue:
    with command() as tx:
        timers.fire(tx, job_id)
    flash("The timer has fired.", "success")
    return redirect(_back_from_timer())


@bp.get("/timers/<int:job_id>/move")
def move_timer(job_id: int) -> str:
    with reading() as tx:
        tx.require(Right.REPAIR)
        timer = timers.get(tx, job_id)
    due_at = timer.due_at.astimezone(_zone()).replace(tzinfo=None, microsecond=0)
    return _timer_page(timer, due_at=due_at.isoformat(), seen=timer.due_at.isoformat())


@bp.post("/timers/<int:job_id>/move")
def set_timer(job_id: int) -> ResponseReturnValue:
    """What is no moment shows the page again as it was typed."""
    due_at, seen = (request.form.get(field, "") for field in ("due_at", "seen"))
    try:
        with command() as tx:
            timers.move(tx, job_id, timers.moment(tx, due_at), seen=timers.moment(tx, seen) if seen else None)
    except InvalidValues as refused:
        with reading() as tx:
            timer = timers.get(tx, job_id)
        return _timer_page(timer, due_at=due_at, seen=seen, error=" ".join(refused.errors.values())), 422
    flash("The timer is moved.", "success")
    return redirect(_back_from_timer())


def _timer_page(timer: Timer, *, error: str = "", **told: str) -> str:
    page = "admin/move_timer.html"
    return render_template(page, timer=timer, zone=_zone().key, back=_back_from_timer(), error=error, **told)


def _back_from_timer() -> str:
    return own_path(request.values.get("next")) or url_for("admin.all_timers")


def _zone() -> ZoneInfo:
    """In which pages tell times, and people write them."""
    return ZoneInfo(engine().settings.time_zone)


@bp.get("/incidents")
def open_incidents() -> str:
    with reading() as tx:
        page = incidents.pending(tx, limit=listing.PAGE_SIZE, offset=listing.offset())
        unserved = workers.unserved(tx)
    template = "admin/_incidents.html" if is_fragment() else "admin/incidents.html"
    return render_template(template, page=page, unserved=unserved)


@bp.post("/incidents/<int:incident_id>/retry")
def retry(incident_id: int) -> ResponseReturnValue:
    with command() as tx:
        incidents.retry(tx, incident_id, seen=request.form.get("seen", type=int))
        incident = incidents.get(tx, incident_id)
    flash(*_how_it_went(incident))
    return redirect(own_path(request.form.get("next")) or url_for("admin.open_incidents"))


def _how_it_went(incident: Incident) -> tuple[str, str]:
    """What is known of a retry by now, and the look of it."""
    name = incident.element_name or incident.element_id
    if incident.resolved_at is not None:
        return f"Tried again, and passed: {name}", "success"
    if incident.retried_by is not None:
        return f"It is being tried again: {name}. Its incident goes once that has passed.", "info"
    return f"Tried again, and stopped again: {name}", "warning"
