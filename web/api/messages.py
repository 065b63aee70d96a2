"""Messages, each to the one that waits for it, and signals to all."""

from __future__ import annotations

from typing import Any, ClassVar

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue
from pydantic import Field

from engine import (
    Busy,
    Conflict,
    Instance,
    InstanceStatus,
    InvalidValues,
    Json,
    NotFound,
    Right,
    Transaction,
    instances,
    messages,
    signals,
)
from web.api.access import command
from web.api.bodies import NO_TENANTS, Body, Id, Matching, Text, Variables, body, idempotency_key
from web.api.processes import instance
from web.api.variables import typed

bp = Blueprint("messages", __name__)


class Message(Body):
    REFUSED: ClassVar = {
        "tenantId": NO_TENANTS,
        "processDefinitionId": "the newest version takes a message that starts it",
    }
    message_name: Text = Field(min_length=1)
    business_key: Text | None = None
    process_instance_id: Id | None = None
    correlation_keys: Matching
    local_correlation_keys: Matching
    process_variables: Variables
    process_variables_local: Variables
    all: bool = False
    result_enabled: bool = False
    variables_in_result_enabled: bool = False


@bp.post("/message")
def correlate() -> ResponseReturnValue:
    """With a header Idempotency-Key a second message of that key changes nothing.

    Nobody waits for it, or several do: 400, as clients expect.
    """
    told = body(Message)
    with command() as tx:
        try:
            found = _to_all(tx, told) if told.all else [_to_one(tx, told)]
        except Busy:
            raise
        except (NotFound, Conflict) as cause:
            raise InvalidValues({"messageName": str(cause)}) from cause
        results = [_result(tx, each, told) for each in found if each is not None]
    return jsonify(results) if told.result_enabled else ("", 204)


def _to_one(tx: Transaction, told: Message) -> int | None:
    return messages.correlate(tx, told.message_name, **_about(told))


def _to_all(tx: Transaction, told: Message) -> list[int]:
    return messages.correlate_all(tx, told.message_name, **_about(told))


def _about(told: Message) -> dict[str, Any]:
    return {
        "business_key": told.business_key,
        "instance_id": told.process_instance_id,
        "matching": {**told.correlation_keys, **told.local_correlation_keys},
        "variables": {**told.process_variables, **told.process_variables_local},
        "message_id": idempotency_key(),
    }


def _result(tx: Transaction, instance_id: int, told: Message) -> dict[str, Json]:
    """Raises Forbidden when values are asked for by who may not see them."""
    taker, is_begun = instances.taker(tx, instance_id)
    result: dict[str, Any] = {"resultType": "Execution", "execution": _execution(taker), "processInstance": None}
    if is_begun:
        result = {"resultType": "ProcessDefinition", "execution": None, "processInstance": instance(taker)}
    if told.variables_in_result_enabled:
        _require_sight(tx)
        result["variables"] = typed(instances.process_values(tx, instance_id))
    return result


def _require_sight(tx: Transaction) -> None:
    """To send is not to read; who takes work sees what the processes that wait for it know anyway."""
    if not tx.may(Right.WORK):
        tx.require(Right.INSPECT)


def _execution(taker: Instance) -> dict[str, Json]:
    ended = taker.status != InstanceStatus.ACTIVE
    return {"id": str(taker.id), "processInstanceId": str(taker.id), "ended": ended, "tenantId": None}


class Signal(Body):
    REFUSED: ClassVar = {"executionId": "a signal goes to all who wait; send a message instead", "tenantId": NO_TENANTS}
    name: Text = Field(min_length=1)
    variables: Variables


@bp.post("/signal")
def broadcast() -> ResponseReturnValue:
    told = body(Signal)
    with command() as tx:
        signals.broadcast(tx, told.name, told.variables)
    return "", 204
