"""Event sub-processes: begun by one event, led to by no flow. Source: BPMN 2.0.2, 10.3.5 and 13.5.4."""

from __future__ import annotations

from collections.abc import Iterator

from engine.bpmn.check.diagram import Diagram, Scope
from engine.bpmn.check.support import is_event_sub_process
from engine.bpmn.nodes import Node, is_true, local
from engine.model.problems import Problem

RULE = "event-sub-process"


def check(diagram: Diagram) -> Iterator[Problem]:
    for scope in diagram.scopes:
        for node in scope.of("subProcess", "transaction"):
            if is_event_sub_process(node):
                yield from _around(diagram, scope, node)
                yield from _inside(diagram, diagram.scope(node))
        yield from _handlers_of_the_whole(diagram, scope)


def _around(diagram: Diagram, scope: Scope, node: Node) -> Iterator[Problem]:
    if scope.incoming(node) or scope.outgoing(node):
        message = "A flow leads to or from this event sub-process, but it is begun by its start event alone."
        yield diagram.document.problem(RULE, node, message, "Delete the flow, or make it an ordinary sub-process.")
    if scope.boundary.get(node.get("id", "")):
        message = "An event is attached to this event sub-process, which is no activity."
        yield diagram.document.problem(RULE, node, message, "Put what happens inside it into a sub-process there.")


def _inside(diagram: Diagram, scope: Scope) -> Iterator[Problem]:
    if len(scope.starts) != 1:
        message = f"Expected one start event, but there are {len(scope.starts) or 'none'}."
        yield diagram.document.problem(RULE, scope.holder, message, "Draw one with the event that begins it.")
        return
    (start,) = scope.starts
    kinds = [local(definition) for definition in diagram.definitions_of(start)]
    if "errorEventDefinition" in kinds and not is_true(start, "isInterrupting", "true"):
        message = "An error always interrupts, but isInterrupting is false."
        yield diagram.document.problem(RULE, start, message, 'Write isInterrupting="true".')


def _handlers_of_the_whole(diagram: Diagram, scope: Scope) -> Iterator[Problem]:
    """How a (sub-)process is compensated as a whole can be said once. Source: 10.5.2, Compensation."""
    drawn = scope.of("subProcess", "transaction")
    found = [node for node in drawn if is_event_sub_process(node) and _compensates(diagram, node)]
    for node in found[1:]:
        message = "Expected one event sub-process for compensation, but there is another."
        yield diagram.document.problem(RULE, node, message, "Put both into one.")


def _compensates(diagram: Diagram, node: Node) -> bool:
    starts = diagram.scope(node).starts
    return any(local(each) == "compensateEventDefinition" for start in starts for each in diagram.definitions_of(start))
