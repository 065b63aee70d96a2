"""Instances: search, and one instance on its diagram with its data, history, waiting work and troubles."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from flask import Blueprint, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from engine import (
    Activity,
    Instance,
    InstanceStatus,
    Page,
    Picture,
    Transaction,
    definitions,
    incidents,
    instances,
    timers,
    user_tasks,
)
from web import listing
from web.context import command, is_fragment, may, reading

bp = Blueprint("instances", __name__, url_prefix="/instances")

HISTORY_SIZE = 20
"""Rows of each history on the page; all of them are one link away."""
NAMED_VISITS = 500
"""Latest visits that lend the table beside the diagram its names."""


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
        keys = [counts.definition for counts in definitions.latest(tx)] if may("inspect") else []
    template = "instances/_list.html" if is_fragment() else "instances/index.html"
    return render_template(template, page=page, asked=asked, keys=keys, statuses=list(InstanceStatus))


def _found(tx: Transaction, asked: dict[str, str | None]) -> Page[Instance]:
    return instances.find(
        tx,
        status=InstanceStatus(asked["status"]) if asked["status"] else None,
        key=asked["key"],
        business_key=asked["business_key"],
        variable=(asked["name"], asked["value"] or "") if asked["name"] else None,
        with_incident=bool(asked["incidents"]),
        limit=listing.PAGE_SIZE,
        offset=listing.offset(),
    )


@bp.get("/<int:instance_id>")
def show(instance_id: int) -> str:
    """The page; htmx asks again for the part that moves."""
    template = "instances/_live.html" if is_fragment() else "instances/show.html"
    with reading() as tx:
        instance = instances.get(tx, instance_id)
        visits = instances.activities(tx, instance_id, limit=NAMED_VISITS)
        return render_template(
            template,
            instance=instance,
            definition=definitions.get(tx, instance.definition_id),
            places=_places(instances.picture(tx, instance_id), visits),
            visits=visits.rows[:HISTORY_SIZE],
            names=_names(visits),
            events=instances.events(tx, instance_id, limit=HISTORY_SIZE),
            variables=instances.variables(tx, instance_id),
            tasks=user_tasks.of_instance(tx, instance_id),
            timers=timers.of_instance(tx, instance_id),
            incidents=incidents.of_instance(tx, instance_id),
        )


@dataclass(frozen=True, slots=True)
class Place:
    """What the diagram shows at one element, in words."""

    element_id: str
    name: str
    type: str
    state: str
    tokens: int
    visits: int


_ORDER = ("incident", "active", "completed", "cancelled")


def _names(visits: Iterable[Activity]) -> dict[str, str]:
    return {visit.element_id: visit.element_name for visit in visits if visit.element_name}


def _places(picture: Picture, visits: Page[Activity]) -> list[Place]:
    """The diagram as a table, what needs attention first; elements not visited lately go by their id."""
    named = {visit.element_id: visit for visit in visits}
    times = Counter(visit.element_id for visit in visits)
    places = [
        Place(
            element_id,
            named[element_id].element_name if element_id in named else "",
            named[element_id].element_type if element_id in named else "",
            state,
            picture.counts.get(element_id, 0),
            times[element_id],
        )
        for element_id, state in picture.elements.items()
    ]
    return sorted(places, key=lambda place: _ORDER.index(place.state))


@bp.get("/<int:instance_id>/state")
def state(instance_id: int) -> ResponseReturnValue:
    """What the viewer paints on the diagram."""
    with reading() as tx:
        picture = instances.picture(tx, instance_id)
    return jsonify(elements=picture.elements, counts=picture.counts, flows=picture.flows)


@bp.get("/<int:instance_id>/history")
def history(instance_id: int) -> str:
    """Everything that happened, newest first: visits to elements, or single events."""
    kind = listing.choice("kind", {"activities", "events"}, "activities")
    read = {"activities": instances.activities, "events": instances.events}[kind]
    with reading() as tx:
        instance = instances.get(tx, instance_id)
        page = read(tx, instance_id, limit=listing.PAGE_SIZE, offset=listing.offset())
        names = _names(instances.activities(tx, instance_id, limit=NAMED_VISITS))
    return render_template("instances/history.html", instance=instance, page=page, kind=kind, names=names)


@bp.post("/<int:instance_id>/cancel")
def cancel(instance_id: int) -> ResponseReturnValue:
    with command() as tx:
        instances.cancel(tx, instance_id, request.form.get("reason", ""))
    flash("The instance is cancelled.", "success")
    return redirect(url_for("instances.show", instance_id=instance_id))
