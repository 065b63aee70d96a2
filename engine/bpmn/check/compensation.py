"""Compensation and transactions: handlers, who throws, where cancelling leads. Source: BPMN 2.0.2, 10.5 and 13.5.5."""

from __future__ import annotations

from collections.abc import Iterator

from engine.bpmn.check.diagram import ACTIVITIES, Diagram, Scope
from engine.bpmn.check.support import is_event_sub_process
from engine.bpmn.nodes import Node, bpmn, is_true, local
from engine.model.problems import Problem, Severity

RULE = "compensation"
THROWING = ("intermediateThrowEvent", "endEvent")


def check(diagram: Diagram) -> Iterator[Problem]:
    for scope in diagram.scopes:
        handlers = _handlers(diagram, scope)
        for event in _having(diagram, scope, "compensateEventDefinition", "boundaryEvent"):
            yield from _boundary(diagram, scope, event, handlers.get(event.get("id", ""), []))
        known = {handler.get("id") for found in handlers.values() for handler in found}
        for activity in scope.of(*ACTIVITIES):
            if is_true(activity, "isForCompensation"):
                yield from _handler(diagram, scope, activity, is_known=activity.get("id") in known)
        for event in _having(diagram, scope, "compensateEventDefinition", *THROWING):
            yield from _thrower(diagram, scope, event)
        yield from _cancelling(diagram, scope)


def _having(diagram: Diagram, scope: Scope, definition: str, *tags: str) -> list[Node]:
    return [event for event in scope.of(*tags) if definition in map(local, diagram.definitions_of(event))]


def _handlers(diagram: Diagram, scope: Scope) -> dict[str, list[Node]]:
    """Boundary event -> the activities that associations lead to."""
    found: dict[str, list[Node]] = {}
    for association in scope.holder.findall(bpmn("association")):
        target = scope.by_id.get(association.get("targetRef", ""))
        if target is not None and local(target) in ACTIVITIES:
            found.setdefault(association.get("sourceRef", ""), []).append(target)
    return found


def _boundary(diagram: Diagram, scope: Scope, event: Node, handlers: list[Node]) -> Iterator[Problem]:
    if scope.outgoing(event):
        message = "A flow leaves this compensation event, but its handler is joined to it by an association."
        yield diagram.document.problem(RULE, event, message, "Delete the flow and draw an association (dotted).")
    elif len(handlers) != 1:
        message = f"Expected an association to one activity that compensates, but there are {len(handlers) or 'none'}."
        yield diagram.document.problem(RULE, event, message, "Connect it to the activity that undoes the work.")
    elif not is_true(handlers[0], "isForCompensation"):
        message = "This activity compensates another, but is not marked so."
        yield diagram.document.problem(RULE, handlers[0], message, 'Write isForCompensation="true".')


def _handler(diagram: Diagram, scope: Scope, activity: Node, *, is_known: bool) -> Iterator[Problem]:
    if scope.incoming(activity) or scope.outgoing(activity):
        message = "A flow leads to or from this activity, but it runs for compensation only."
        yield diagram.document.problem(RULE, activity, message, "Delete the flow, or the marker for compensation.")
    elif not is_known:
        message = "This activity compensates none: no compensation event is associated with it."
        fix = "Attach a compensation event to an activity and connect the two, or delete this one."
        yield diagram.document.problem(RULE, activity, message, fix, severity=Severity.WARNING)


def _thrower(diagram: Diagram, scope: Scope, event: Node) -> Iterator[Problem]:
    """It undoes what is beside it; in an event sub-process also what is around that."""
    for definition in diagram.definitions_of(event):
        reference = definition.get("activityRef", "")
        if reference and reference in diagram.by_id and not _is_beside(diagram, scope, reference):
            message = f'Expected an activity of the same (sub-)process to compensate, but "{reference}" is in another.'
            yield diagram.document.problem(RULE, event, message, "Choose one beside it, or the sub-process it is in.")


def _is_beside(diagram: Diagram, scope: Scope, activity: str) -> bool:
    around = scope.holder.getparent()
    if activity in scope.by_id:
        return True
    return (
        around is not None
        and is_event_sub_process(scope.holder)
        and _is_beside(diagram, diagram.scope(around), activity)
    )


# ---- transactions --------------------------------------------------------------------------------------------------


def _cancelling(diagram: Diagram, scope: Scope) -> Iterator[Problem]:
    """Source: BPMN 2.0.2, 10.5.3 Cancel End Event, 10.5.4 Cancel Boundary Event."""
    cancelled = {
        event.get("attachedToRef") for event in _having(diagram, scope, "cancelEventDefinition", "boundaryEvent")
    }
    for event in _having(diagram, scope, "cancelEventDefinition", "boundaryEvent"):
        host = scope.by_id.get(event.get("attachedToRef", ""))
        if host is not None and local(host) != "transaction":
            message = "Expected a cancel event to be attached to a transaction, but this is another activity."
            yield diagram.document.problem(RULE, event, message, "Make it a transaction, or the event an error event.")
    for node in scope.of("transaction"):
        ends = _having(diagram, diagram.scope(node), "cancelEventDefinition", "endEvent")
        if ends and node.get("id") not in cancelled:
            message = "The transaction can be cancelled, but nothing says where to go on then."
            yield diagram.document.problem(RULE, node, message, "Attach a cancel event to it.")
    if local(scope.holder) != "transaction":
        for event in _having(diagram, scope, "cancelEventDefinition", "endEvent"):
            message = "Expected a cancel end event directly in a transaction, but this is none."
            yield diagram.document.problem(RULE, event, message, "Use an error end event here.")
