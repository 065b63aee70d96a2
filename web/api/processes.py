"""Starting instances."""

from __future__ import annotations

from typing import ClassVar

from flask import Blueprint, jsonify, url_for
from flask.typing import ResponseReturnValue

from engine import Instance, InstanceStatus, Json, Right, definitions, instances
from web.api.access import command
from web.api.bodies import Body, Text, Variables, body, idempotency_key
from web.api.variables import typed

bp = Blueprint("processes", __name__, url_prefix="/process-definition")


class Start(Body):
    REFUSED: ClassVar = {
        "startInstructions": "an instance begins at its start event",
        "caseInstanceId": "there are no cases here",
    }
    business_key: Text | None = None
    variables: Variables
    with_variables_in_return: bool = False


@bp.post("/key/<key>/start")
def start(key: str) -> ResponseReturnValue:
    """The newest version. With a header Idempotency-Key a second call gives the instance that the first has begun."""
    return _start(key)


@bp.post("/<int:definition_id>/start")
def start_version(definition_id: int) -> ResponseReturnValue:
    with command() as tx:
        tx.require(Right.START)
        row = definitions.version_to_start(tx, definition_id)
        key, version = row.key, row.version
    return _start(key, version)


def _start(key: str, version: int | None = None) -> ResponseReturnValue:
    told = body(Start)
    with command() as tx:
        tx.require(Right.START)
        about = {"business_key": told.business_key, "once": idempotency_key()}
        begun = instances.start(tx, key, variables=told.variables, version=version, **about)
        values = instances.process_values(tx, begun.id) if told.with_variables_in_return else None
    answer = instance(begun)
    return jsonify(answer if values is None else {**answer, "variables": typed(values)})


def instance(begun: Instance) -> dict[str, Json]:
    link = url_for("instances.show", instance_id=begun.id, _external=True)
    return {
        "id": str(begun.id),
        "definitionId": str(begun.definition_id),
        "definitionKey": begun.definition_key,
        "businessKey": begun.business_key,
        "caseInstanceId": None,
        "tenantId": None,
        "ended": begun.status not in (InstanceStatus.ACTIVE, InstanceStatus.SUSPENDED),
        "suspended": begun.status == InstanceStatus.SUSPENDED,
        "links": [{"method": "GET", "href": link, "rel": "self"}],
    }
