"""Instances: search, and one instance on its diagram with its data, history, waiting work and troubles."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from flask import Blueprint, Response, flash, jsonify, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from engine import (
    Instance,
    InstanceStatus,
    InvalidValues,
    Page,
    Picture,
    Right,
    Transaction,
    definitions,
    incidents,
    instances,
    open_calls,
    progress,
    subscriptions,
    timers,
    user_tasks,
    values,
)
from web import listing, people
from web.context import actor, command, is_fragment, may, reading

bp = Blueprint("instances", __name__, url_prefix="/instances")

HISTORY_SIZE = 20
"""Rows of each history on the page; all of them are one link away."""
STALE_AFTER_SECONDS = 300
"""How long due dates may look the same while nothing else changes."""


@bp.get("/")
def index() -> str:
    asked = {
        "status": listing.choice("status", set(InstanceStatus), ""),
        "key": listing.text("key"),
        "business_key": listing.text("business_key"),
        "name": listing.text("name"),
        "value": listing.text("value"),
        "incidents": listing.choice("incidents", {"1"}, ""),
    }
    with reading() as tx:
        page = _found(tx, asked)
        people.know(tx, page)
        keys = [] if is_fragment() or not may("inspect") else [counts.definition for counts in definitions.latest(tx)]
    template = "instances/_list.html" if is_fragment() else "instances/index.html"
    return render_template(template, page=page, asked=asked, keys=keys, statuses=list(InstanceStatus))


def _found(tx: Transaction, asked: dict[str, str | None]) -> Page[Instance]:
    if asked["value"] and not asked["name"]:
        return Page((), 0, 0, listing.PAGE_SIZE)  # the page says that a name is needed
    return instances.find(
        tx,
        status=InstanceStatus(asked["status"]) if asked["status"] else None,
        key=asked["key"],
        business_key=asked["business_key"],
        variable=(asked["name"], asked["value"] or None) if asked["name"] else None,
        with_incident=bool(asked["incidents"]),
        limit=listing.PAGE_SIZE,
        offset=listing.offset(),
    )


@bp.get("/<int:instance_id>")
def show(instance_id: int) -> ResponseReturnValue:
    """The page; htmx asks again for the part that moves, and hears in no time that nothing has."""
    with reading() as tx:
        mark = f"{progress.mark(tx, instance_id)}-{tx.now.timestamp() // STALE_AFTER_SECONDS:.0f}"
        if is_fragment():
            return _unless_known(mark, lambda: _page(tx, instance_id, "instances/_live.html"))
        return _page(tx, instance_id, "instances/show.html")


def _unless_known(mark: str, make: Callable[[], str | Response]) -> Response:
    """The answer, made only when the browser has not got it already; for one person, who may be given rights."""
    tag = f"{mark}-{actor().id}-{len(actor().rights)}"
    response = Response(status=304) if request.if_none_match.contains(quote(tag)) else make_response(make())
    response.set_etag(quote(tag))
    return response


def _page(tx: Transaction, instance_id: int, template: str) -> str:
    instance = instances.get(tx, instance_id)
    visited = progress.visited(tx, instance_id)
    visits = progress.activities(tx, instance_id, limit=HISTORY_SIZE)
    events = progress.events(tx, instance_id, limit=HISTORY_SIZE)
    tries = progress.tries(tx, instance_id, limit=HISTORY_SIZE)
    tasks = user_tasks.of_instance(tx, instance_id)
    waiting = timers.of_instance(tx, instance_id)
    stops = incidents.of_instance(tx, instance_id)
    people.know(tx, [instance], visits, events, tasks, stops)
    return render_template(
        template,
        instance=instance,
        definition=definitions.get(tx, instance.definition_id),
        places=_places(progress.picture(tx, instance_id), visited),
        visits=visits.rows,
        names={timer.element_id: timer.element_name for timer in waiting} | _names(visited),
        events=events,
        tries=tries,
        variables=instances.variables(tx, instance_id),
        tasks=tasks,
        timers=waiting,
        awaited=subscriptions.of_instance(tx, instance_id),
        incidents=stops,
        open_calls=open_calls.of_instance(tx, instance_id),
        called=instances.called(tx, instance_id),
        may_see_caller=instance.caller_id is not None and instances.may_see(tx, instance.caller_id),
    )


@dataclass(frozen=True, slots=True)
class Place:
    """What the diagram shows at one element, in words."""

    element_id: str
    name: str
    type: str
    state: str
    tokens: int


_ORDER = ("incident", "active", "completed", "cancelled")


def _names(visited: Mapping[str, tuple[str, str]]) -> dict[str, str]:
    return {element_id: name for element_id, (name, _) in visited.items() if name}


def _places(picture: Picture, visited: Mapping[str, tuple[str, str]]) -> list[Place]:
    """The diagram as a table, what needs attention first, then as visited."""
    known = {**visited, **dict.fromkeys(picture.elements.keys() - visited.keys(), ("", ""))}
    places = [
        Place(element_id, name, type, picture.elements[element_id], picture.counts.get(element_id, 0))
        for element_id, (name, type) in known.items()
        if element_id in picture.elements
    ]
    return sorted(places, key=lambda place: _ORDER.index(place.state))


@bp.get("/<int:instance_id>/state")
def state(instance_id: int) -> ResponseReturnValue:
    """What the viewer paints on the diagram."""
    with reading() as tx:
        return _unless_known(progress.mark(tx, instance_id), lambda: _painted(progress.picture(tx, instance_id)))


def _painted(picture: Picture) -> Response:
    return jsonify(elements=picture.elements, counts=picture.counts, flows=picture.flows)


_HISTORIES: Mapping[str, Callable[..., Page[Any]]] = {
    "activities": progress.activities,
    "events": progress.events,
    "tries": progress.tries,
}


@bp.get("/<int:instance_id>/history")
def history(instance_id: int) -> str:
    """Everything that happened, newest first: visits to elements, single events, or calls of services."""
    kind = listing.choice("kind", set(_HISTORIES), "activities")
    read = _HISTORIES[kind]
    with reading() as tx:
        instance = instances.get(tx, instance_id)
        page = read(tx, instance_id, limit=listing.PAGE_SIZE, offset=listing.offset())
        names = _names(progress.visited(tx, instance_id))
        people.know(tx, page)
    return render_template("instances/history.html", instance=instance, page=page, kind=kind, names=names)


@bp.post("/<int:instance_id>/cancel")
def cancel(instance_id: int) -> ResponseReturnValue:
    with command() as tx:
        instances.cancel(tx, instance_id, request.form.get("reason", ""))
    flash("The instance is cancelled.", "success")
    return redirect(url_for("instances.show", instance_id=instance_id))


@bp.get("/<int:instance_id>/variable")
def change_variable(instance_id: int) -> str:
    """Without a name: a new one."""
    name, scope = request.args.get("name", ""), request.args.get("scope", "")
    with reading() as tx:
        tx.require(Right.REPAIR)
        instance = instances.get(tx, instance_id)
        value = instances.variable(tx, instance_id, name, scope=scope).value if name else None
    text, seen = (values.for_person(value), values.dump(value)) if name else ("", "")
    return _variable_page(instance, name=name, is_new=not name, text=text, seen=seen)


@bp.post("/<int:instance_id>/variable")
def set_variable(instance_id: int) -> ResponseReturnValue:
    """What no variable can hold shows the page again as it was typed."""
    name, text, seen = (request.form.get(field, "") for field in ("name", "value", "seen"))
    scope = request.args.get("scope", "")
    try:
        with command() as tx:
            instances.set_variable(tx, instance_id, name, text, scope=scope, seen=seen or None)
            told = _retry_all(tx, instance_id) if "retry" in request.form else ""
    except InvalidValues as refused:
        with reading() as tx:
            instance = instances.get(tx, instance_id)
        error = " ".join(refused.errors.values())
        return _variable_page(instance, name=name, is_new=not seen, text=text, seen=seen, error=error), 422
    flash(f"Set: {name[:100]}{told}", "success")
    return redirect(url_for("instances.show", instance_id=instance_id))


def _retry_all(tx: Transaction, instance_id: int) -> str:
    """Try again whatever has stopped in it; tells in words what is known of that by now."""
    stopped = [each for each in incidents.of_instance(tx, instance_id) if each.resolved_at is None]
    for each in stopped:
        if each.retried_by is None:
            incidents.retry(tx, each.id)
    left = [each for each in incidents.of_instance(tx, instance_id) if each.resolved_at is None]
    if not left:
        return ". What had stopped has passed."
    return f". Of {len(stopped)} incidents, {len(left)} are open: see below."


def _variable_page(instance: Instance, *, error: str = "", **told: object) -> str:
    return render_template("instances/variable.html", instance=instance, error=error, **told)
