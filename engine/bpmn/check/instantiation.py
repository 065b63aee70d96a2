"""Receive tasks and event-based gateways that begin an instance. Source: BPMN 2.0.2, 10.3.3, 10.6.6, 13.2."""

from __future__ import annotations

from collections.abc import Iterator

from engine.bpmn.check.diagram import Diagram, Scope
from engine.bpmn.nodes import Node, bpmn, is_true, local
from engine.model import Problem

RULE = "instantiation"
_LOOPS = (bpmn("standardLoopCharacteristics"), bpmn("multiInstanceLoopCharacteristics"))
Fault = tuple[str, str]
"""What is wrong, and what to do."""


def check(diagram: Diagram) -> Iterator[Problem]:
    for scope in diagram.scopes:
        for task in scope.of("receiveTask"):
            faults = _task_faults(scope, task) if is_true(task, "instantiate") else ()
            yield from (diagram.document.problem(RULE, task, *fault) for fault in faults)
        for gateway in scope.of("eventBasedGateway"):
            faults = _gateway_faults(scope, gateway)
            yield from (diagram.document.problem(RULE, gateway, *fault) for fault in faults)


def is_begun_by(scope: Scope, event: Node) -> bool:
    """Whether an event begins an instance: a start event of the process, or one behind a gateway that does."""
    if local(scope.holder) != "process":
        return False
    before = map(scope.source, scope.incoming(event))
    return local(event) == "startEvent" or any(is_true(node, "instantiate") for node in before)


def _task_faults(scope: Scope, task: Node) -> Iterator[Fault]:
    yield from _place(scope)
    if any(local(scope.source(flow)) != "startEvent" for flow in scope.incoming(task)):
        yield "This receive task begins an instance, but a flow leads to it.", _FLOW
    if any(task.find(tag) is not None for tag in _LOOPS):
        yield "A receive task that begins an instance waits once, but this one is repeated.", "Delete the loop."


def _gateway_faults(scope: Scope, gateway: Node) -> Iterator[Fault]:
    if not is_true(gateway, "instantiate"):
        if gateway.get("eventGatewayType") == "Parallel":
            message = "A parallel event-based gateway has to begin the instance, but this one does not."
            yield message, 'Write instantiate="true", or draw a parallel gateway before the events.'
        return
    yield from _place(scope)
    if scope.incoming(gateway):
        yield "This gateway begins an instance, but a flow leads to it.", _FLOW
    for event in map(scope.target, scope.outgoing(gateway)):
        if is_true(event, "parallelMultiple"):
            message = f'"{event.get("id")}" needs all of its triggers, and one of them would begin the instance.'
            yield message, "Draw a start event with these triggers."


_FLOW = 'Delete the flow, or write instantiate="false".'


def _place(scope: Scope) -> Iterator[Fault]:
    if local(scope.holder) != "process":
        yield (
            "An instance does not begin inside a sub-process.",
            'Write instantiate="false", or draw it in the process.',
        )
