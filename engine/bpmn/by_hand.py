"""Letting a token go on by hand that calls a service, or that an incident has stopped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from SpiffWorkflow.util.task import TaskState

from engine.bpmn.elements import propagation
from engine.bpmn.elements.flow_node import Token, named, write
from engine.bpmn.elements.gateways import EventBasedGateway, Join
from engine.bpmn.variables import ScopeKind
from engine.bpmn.wait import calls_service
from engine.errors import BpmnError, Conflict
from engine.model import Json


def require_stuck(token: Token) -> None:
    """Raises Conflict for what only waits, and goes on when that comes."""
    if "incident" not in token.internal_data and not calls_service(token):
        kinds = [wait["kind"] for wait in token.internal_data.get("waits", ())]
        why = f"waits for {_AWAITED.get(kinds[0], 'something else')}" if kinds else "waits for what is inside of it"
        raise Conflict(f"Expected {named(token.task_spec)} to call a service or to have stopped, but it {why}.")


_AWAITED = {
    "user": "a person",
    "timer": "its time",
    "message": "a message",
    "signal": "a signal",
    "condition": "a condition",
    "call": "the process that it calls",
}


def go_on(token: Token, results: Mapping[str, Json] | None) -> None:
    """As if the work were done with these results; None: without any, so that no output mapping reads them.

    Raises Conflict where nobody can tell how to go on, ElementFailed for what no variable can hold. A gateway still
    asks its conditions: when it does not know its way then, the token stops again.
    """
    require_stuck(token)
    why_not = _why_not(token)
    if why_not:
        raise Conflict(f"Expected {named(token.task_spec)} to be something that can be passed by hand, but {why_not}.")
    if results is None:
        token.internal_data["skipped"] = True
    else:
        _take(token, results)
    if token._state == TaskState.WAITING:
        _join(token)
    else:
        token.workflow.top_workflow.resume(token)


def _why_not(token: Token) -> str:
    node = token.task_spec
    if "on" in token.internal_data:
        return "it only waits beside what goes on"
    if isinstance(node, EventBasedGateway):
        return "only one of the events behind it tells the way"
    if token._state == TaskState.WAITING and not isinstance(node, Join):
        return "its work has not begun: it needs more tokens"
    return ""


def _take(token: Token, results: Mapping[str, Json]) -> None:
    """Its inputs may never have been mapped: where it has an output mapping, its results stay inside all the same."""
    if token.task_spec.element.outputs:
        token.internal_data["scope"] = ScopeKind.CLOSED
    write(token, token.task_spec.results(results))


def _join(token: Token) -> None:
    """Go on with those that have come."""
    node, around = token.task_spec, token.workflow
    node.fire(node.arrivals(around), around)


def throw(token: Token, error: BpmnError) -> None:
    """As if the work had ended with this error. Raises Conflict when nobody catches it."""
    _require_error(token)
    workflow = token.workflow.top_workflow
    outside = workflow.world.is_caught_outside
    if not (propagation.is_caught(token, error.code) or (outside is not None and outside(error.code))):
        told = f'Expected error "{error.code}" to be caught around {named(token.task_spec)}, but nothing catches it.'
        raise Conflict(f"{told} Nothing was changed.")
    if not propagation.throw(token, error):
        workflow.uncaught(token, error)


def codes(token: Token) -> Sequence[str | None]:
    """Those of the errors that would be caught in this instance, the nearest catcher first; None: any code."""
    _require_error(token)
    return list(dict.fromkeys(propagation.caught(token)))


def _require_error(token: Token) -> None:
    """Boundary events guard it from its beginning on, which may have failed."""
    require_stuck(token)
    if "on" in token.internal_data:
        raise Conflict(f"Expected {named(token.task_spec)} to do some work, but it only waits beside what goes on.")
    token.task_spec.attach_boundary_events(token)
