"""Where an instance begins: receive tasks, event-based gateways, and each message at one place.

Source: BPMN 2.0.2, 10.3.3, 10.6.6, 13.2.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.bpmn.check.diagram import Diagram, Scope
from engine.bpmn.nodes import Node, bpmn, is_true, local, name_of
from engine.model.problems import Problem

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
        yield from _shared_messages(diagram, scope)


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


# ---- each message at one place -------------------------------------------------------------------------------------


def _shared_messages(diagram: Diagram, scope: Scope) -> Iterator[Problem]:
    """A message is for one receiver: of two places that wait for it, one never begins. Source: BPMN 2.0.2, 10.5.1."""
    waited = [(place, message) for place in dict.fromkeys(_places(scope)) for message in _messages(diagram, place)]
    first: dict[str, Node] = {}
    for place, message in waited:
        if message in first:
            told = f'Expected message "{message}" to begin an instance at one place, but it does '
            told += _both(first[message], place)
            fix = "Give one of them a message of its own, or draw one place, and a gateway behind it."
            yield diagram.document.problem(RULE, place, told, fix)
        first.setdefault(message, place)


def _both(one: Node, other: Node) -> str:
    return f'twice at "{_called(one)}".' if one is other else f'at "{_called(one)}" and at "{_called(other)}".'


def _places(scope: Scope) -> Iterator[Node]:
    if local(scope.holder) != "process":
        return
    for node in scope.nodes:
        if local(node) == "eventBasedGateway" and is_true(node, "instantiate"):
            yield from map(scope.target, scope.outgoing(node))
        elif local(node) == "startEvent" or (local(node) == "receiveTask" and is_true(node, "instantiate")):
            yield node


def _messages(diagram: Diagram, place: Node) -> list[str]:
    """The names of the messages that are waited for there."""
    definitions = [each for each in diagram.definitions_of(place) if local(each) == "messageEventDefinition"]
    found = (diagram.referred(each.get("messageRef", ""), "message") for each in [place, *definitions])
    return [_called(each) for each in found if each is not None]


def _called(node: Node) -> str:
    return name_of(node) or node.get("id", "")
