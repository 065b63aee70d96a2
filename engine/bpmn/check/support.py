"""What is executed, by place. Everything else is refused by name, with the nearest thing that works.

The table of constructs says what runs; whatever is not in it does not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from engine.bpmn import dialects
from engine.bpmn.check import schema
from engine.bpmn.check.diagram import SERVICES, SUB_PROCESSES, Diagram
from engine.bpmn.check.extensions import is_drawn_for_another_tool
from engine.bpmn.elements import constructs
from engine.bpmn.elements.constructs import EXECUTED, IN_EVENT_SUB_PROCESS, INSTEAD, NONE
from engine.bpmn.nodes import Node, camunda, is_true, local
from engine.bpmn.parse import http, mail
from engine.model.problems import Problem


def check(diagram: Diagram) -> Iterator[Problem]:
    for node in diagram.running:
        for rule in _RULES:
            yield from rule(diagram, node)


def _refused(diagram: Diagram, node: Node, message: str, fix: str, attribute: str = "") -> Problem:
    place = diagram.document.attribute_place(node, attribute) if attribute else None
    return diagram.document.problem("unsupported-element", node, message, fix, place=place)


# ---- elements ------------------------------------------------------------------------------------------------------

DRAWN = frozenset(
    {
        "artifact",
        "association",
        "auditing",
        "documentation",
        "extensionElements",
        "group",
        "laneSet",
        "monitoring",
        "performer",
        "potentialOwner",
        "humanPerformer",
        "resourceRole",
        "supports",
        "textAnnotation",
    }
)
"""May stand in a process without a meaning for its run."""
_CONTAINERS = frozenset({"process"}) | SUB_PROCESSES


def is_container(node: Node) -> bool:
    """Whether flow elements stand right in it: what nobody knows there is refused by name."""
    return local(node) in _CONTAINERS


def _elements(diagram: Diagram, node: Node) -> Iterator[Problem]:
    parent = node.getparent()
    if parent is None or local(parent) not in _CONTAINERS or local(node) in EXECUTED | DRAWN | _OF_ACTIVITIES:
        return
    if not schema.is_element(local(node)):
        fix = schema.near_element(local(node)) or "Delete it, or put it into the extensionElements."
        yield _refused(diagram, node, f"BPMN has no element {local(node)}.", fix)
        return
    fix = INSTEAD.get(local(node), "Delete it, or draw it with supported elements.")
    yield _refused(diagram, node, f"The element {local(node)} is not executed.", fix)


_OF_ACTIVITIES = frozenset(
    {
        "completionCondition",
        "incoming",
        "outgoing",
        "multiInstanceLoopCharacteristics",
        "standardLoopCharacteristics",
        "dataInputAssociation",
        "dataOutputAssociation",
    }
)
"""Stand in sub-processes as in every activity; told about below."""


# ---- events --------------------------------------------------------------------------------------------------------

TRIGGERS: Mapping[str, frozenset[str]] = {
    **constructs.TRIGGERS,
    "boundaryEvent": constructs.TRIGGERS["boundaryEvent"] | {NONE},
}
"""Event -> what may trigger it or what it throws. (A boundary event without a trigger is told by another rule.)"""
_THROWING = ("endEvent", "intermediateThrowEvent")
_WAITED_FOR = frozenset({"timer", "message", "signal", "conditional", "error", "escalation"})
_THROWN = frozenset({"message", "signal", "escalation", "error", "terminate", "compensate", "cancel"})
SEVERAL: Mapping[str, frozenset[str]] = {
    kind: triggers & (_THROWN if kind in _THROWING else _WAITED_FOR) for kind, triggers in TRIGGERS.items()
}
"""Event -> what may be several on it. Source: BPMN 2.0.2, 10.5.1, Multiple and Parallel Multiple."""
_AT_LAST = frozenset({"error", "terminate", "compensate", "cancel"})
MOST_TRIGGERS = 50
"""Of one event."""
_WORDS = {
    "startEvent": "A start event",
    IN_EVENT_SUB_PROCESS: "The start event of an event sub-process",
    "endEvent": "An end event",
    "intermediateCatchEvent": "A catching intermediate event",
    "intermediateThrowEvent": "A throwing intermediate event",
    "boundaryEvent": "A boundary event",
}
_PLACE_INSTEAD = {
    (IN_EVENT_SUB_PROCESS, NONE): "Give it the event that begins the sub-process: a message, timer, signal or error.",
    ("intermediateCatchEvent", NONE): "Make it a timer, message or signal event.",
}
_ALWAYS_BLANK = "Make it a plain start event; let an event beside the sub-process wait."


def _triggers(diagram: Diagram, node: Node) -> Iterator[Problem]:
    kind = _kind(node)
    if kind not in TRIGGERS:
        return
    found = [local(each).removesuffix("EventDefinition") for each in diagram.definitions_of(node)] or [NONE]
    message, fix = _fault_of_several(kind, found, node) if len(found) > 1 else _fault_of_one(kind, found[0])
    if message:
        yield _refused(diagram, node, message, fix)
    elif kind == "startEvent" and found[0] != NONE and _is_inside(node):
        yield _refused(diagram, node, f"A sub-process does not start by a {found[0]}.", _ALWAYS_BLANK)


def _fault_of_one(kind: str, trigger: str) -> tuple[str, str]:
    if trigger in TRIGGERS[kind]:
        return "", ""
    fix = _PLACE_INSTEAD.get((kind, trigger)) or _allowed(kind)
    if trigger == NONE:
        return "Expected a trigger, but nothing says what the event waits for.", fix
    return f"{_WORDS[kind]} with trigger {trigger} is not executed.", fix


def _fault_of_several(kind: str, triggers: list[str], node: Node) -> tuple[str, str]:
    strange = [trigger for trigger in triggers if trigger not in SEVERAL[kind]]
    last = [trigger for trigger in triggers if trigger in _AT_LAST]
    if len(triggers) > MOST_TRIGGERS:
        return f"Expected at most {MOST_TRIGGERS} triggers, but there are {len(triggers)}.", "Draw several events."
    if strange:
        return f"{_WORDS[kind]} with {strange[0]} among several triggers is not executed.", "Draw an event of its own."
    if kind in _THROWING and len(last) > 1:
        return f"Expected one of {', '.join(last)} to end it, but there are several.", "Keep one."
    if is_true(node, "parallelMultiple") and "error" in triggers:
        return "An error ends what it is waited for beside: nothing else can come after it.", _ONE_IS_ENOUGH
    return "", ""


_ONE_IS_ENOUGH = 'Draw an event of its own for the error, or write parallelMultiple="false".'


def _kind(node: Node) -> str:
    begins_event_sub_process = local(node) == "startEvent" and is_event_sub_process(node.getparent())
    return IN_EVENT_SUB_PROCESS if begins_event_sub_process else local(node)


def is_executed(event: Node, definition: Node) -> bool:
    """Whether such an event may have such a trigger."""
    return local(definition).removesuffix("EventDefinition") in TRIGGERS.get(_kind(event), ())


def _allowed(kind: str) -> str:
    return f"Use one of: {', '.join(sorted(TRIGGERS[kind] - {NONE}))}."


def _is_inside(node: Node) -> bool:
    parent = node.getparent()
    return parent is not None and local(parent) in SUB_PROCESSES


def is_event_sub_process(node: Node | None) -> bool:
    return node is not None and is_true(node, "triggeredByEvent")


# ---- attributes of the standard ------------------------------------------------------------------------------------


def _standard_attributes(diagram: Diagram, node: Node) -> Iterator[Problem]:
    for name, (tags, allowed, what, fix) in _STANDARD.items():
        text = node.get(name)
        if text is not None and local(node) in tags and text.strip() not in allowed:
            yield _refused(diagram, node, f"{what} is not executed.", fix, name)


_STANDARD: Mapping[str, tuple[frozenset[str], frozenset[str], str, str]] = {
    "eventGatewayType": (
        frozenset({"eventBasedGateway"}),
        frozenset({"Exclusive", "Parallel"}),
        "Another type of event-based gateway",
        "Write Exclusive or Parallel.",
    ),
    "isImmediate": (
        frozenset({"sequenceFlow"}),
        frozenset({"true", "1"}),
        "A sequence flow that is not immediate",
        "Delete isImmediate: here a token goes on at once.",
    ),
}
"""Attribute -> where it counts, which values mean nothing special, what it is, what to do instead."""


# ---- services ------------------------------------------------------------------------------------------------------


def _services(diagram: Diagram, node: Node) -> Iterator[Problem]:
    if local(node) not in SERVICES or is_drawn_for_another_tool(node):
        return  # told by the rule about extensions
    is_call = http.is_called(node) or mail.of(node) is not None
    if is_call or dialects.says(node, "effect") or (local(node) == "sendTask" and node.get("messageRef")):
        return
    if not dialects.says(node, "topic"):
        message = "Expected a topic that names the service to call, but there is none."
        fix = (
            'Write camunda:type="external" camunda:topic="..." (in Camunda Modeler: implementation External, Topic), '
            "or a procession:http or procession:mail extension."
        )
        yield diagram.document.problem("service-missing", node, message, fix)
    elif node.get(camunda("type")) not in (None, "external"):
        message = f'The service type "{node.get(camunda("type"))}" is not executed.'
        yield _refused(diagram, node, message, 'Write camunda:type="external".', camunda("type"))


_RULES: tuple[Callable[[Diagram, Node], Iterator[Problem]], ...] = (
    _elements,
    _triggers,
    _standard_attributes,
    _services,
)
