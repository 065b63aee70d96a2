"""What elements refer to by id: each reference names an element of the right kind."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from typing import NamedTuple

from engine.bpmn.check import schema
from engine.bpmn.check.diagram import ACTIVITIES, CHOREOGRAPHY, EVENT_DEFINITIONS, FLOW_NODES, Diagram, a, owner
from engine.bpmn.nodes import Node, bpmn, local
from engine.model.problems import Problem, Severity

MAX_SUGGESTIONS = 10
"""Of one file; looking for similar ids among many is slow."""
MAX_COMPARED = 500


class _Reference(NamedTuple):
    """An attribute (or, with an empty tag list, nothing in particular) that must name an element of some kinds."""

    owner: frozenset[str]
    name: str
    targets: frozenset[str]
    """Empty: any element."""
    severity: Severity = Severity.ERROR
    is_child: bool = False
    """A child element's text, not an attribute."""


def _of(*tags: str) -> frozenset[str]:
    return frozenset(tags)


_ANY: frozenset[str] = frozenset()
_MESSAGE_OWNERS = _of("messageEventDefinition", "receiveTask", "sendTask")
_SPLITTERS = ACTIVITIES | _of("exclusiveGateway", "inclusiveGateway", "complexGateway")
CONVERSATIONS = ("conversation", "subConversation", "callConversation")
_GLOBAL_TASKS = ("globalTask", "globalUserTask", "globalManualTask", "globalScriptTask", "globalBusinessRuleTask")
_PARTNERS = ("partnerRole", "partnerEntity")


def _drawn(name: str, owners: tuple[str, ...], *targets: str, is_child: bool = False) -> tuple[_Reference]:
    """A reference that no run depends on. No targets: any element."""
    return (_Reference(frozenset(owners), name, frozenset(targets), Severity.WARNING, is_child),)


_REFERENCES = (
    _Reference(_of("sequenceFlow"), "sourceRef", FLOW_NODES),
    _Reference(_of("sequenceFlow"), "targetRef", FLOW_NODES),
    _Reference(_of("boundaryEvent"), "attachedToRef", ACTIVITIES),
    _Reference(_SPLITTERS, "default", _of("sequenceFlow")),
    _Reference(_MESSAGE_OWNERS, "messageRef", _of("message")),
    _Reference(_of("signalEventDefinition"), "signalRef", _of("signal")),
    _Reference(_of("errorEventDefinition"), "errorRef", _of("error")),
    _Reference(_of("escalationEventDefinition"), "escalationRef", _of("escalation")),
    _Reference(_of("compensateEventDefinition"), "activityRef", ACTIVITIES),
    _Reference(_of("multiInstanceLoopCharacteristics"), "noneBehaviorEventRef", EVENT_DEFINITIONS),
    _Reference(_of("multiInstanceLoopCharacteristics"), "oneBehaviorEventRef", EVENT_DEFINITIONS),
    _Reference(_of("correlationKey"), "correlationPropertyRef", _of("correlationProperty"), is_child=True),
    _Reference(_of("correlationPropertyBinding"), "correlationPropertyRef", _of("correlationProperty")),
    _Reference(_of("correlationPropertyRetrievalExpression"), "messageRef", _of("message")),
    _Reference(_of("correlationSubscription"), "correlationKeyRef", _of("correlationKey")),
    _Reference(_of("participant"), "processRef", _of("process")),
    _Reference(_of("dataObjectReference"), "dataObjectRef", _of("dataObject"), Severity.WARNING),
    _Reference(_of("dataStoreReference"), "dataStoreRef", _of("dataStore"), Severity.WARNING),
    _Reference(_of("association"), "sourceRef", _ANY, Severity.WARNING),
    _Reference(_of("association"), "targetRef", _ANY, Severity.WARNING),
    _Reference(_of("messageFlow"), "sourceRef", _ANY, Severity.WARNING),
    _Reference(_of("messageFlow"), "targetRef", _ANY, Severity.WARNING),
    _Reference(_of("lane"), "flowNodeRef", FLOW_NODES, Severity.WARNING, is_child=True),
    _Reference(FLOW_NODES, "incoming", _of("sequenceFlow"), Severity.WARNING, is_child=True),
    _Reference(FLOW_NODES, "outgoing", _of("sequenceFlow"), Severity.WARNING, is_child=True),
    _Reference(FLOW_NODES, "eventDefinitionRef", EVENT_DEFINITIONS, is_child=True),
    *_drawn("itemSubjectRef", ("dataObject", "dataStore", "dataInput", "dataOutput", "property"), "itemDefinition"),
    *_drawn("structureRef", ("error", "escalation", "signal"), "itemDefinition"),
    *_drawn("itemRef", ("message",), "itemDefinition"),
    *_drawn("operationRef", ("serviceTask", "sendTask", "receiveTask"), "operation"),
    *_drawn("operationRef", ("messageEventDefinition",), "operation", is_child=True),
    *_drawn("inMessageRef", ("operation",), "message", is_child=True),
    *_drawn("outMessageRef", ("operation",), "message", is_child=True),
    *_drawn("errorRef", ("operation",), "error", is_child=True),
    *_drawn("supportedInterfaceRef", ("process", *_GLOBAL_TASKS), "interface", is_child=True),
    *_drawn("interfaceRef", ("participant",), "interface", is_child=True),
    *_drawn("supports", ("process",), "process", is_child=True),
    *_drawn("definitionalCollaborationRef", ("process",), "collaboration", "choreography"),
    *_drawn("categoryValueRef", ("group",), "categoryValue"),
    *_drawn("categoryValueRef", tuple(FLOW_NODES), "categoryValue", is_child=True),
    *_drawn("messageRef", ("messageFlow",), "message"),
    *_drawn("participantRef", (*CONVERSATIONS, *CHOREOGRAPHY, *_PARTNERS), "participant", is_child=True),
    *_drawn("messageFlowRef", (*CONVERSATIONS, "choreographyTask"), "messageFlow", is_child=True),
    *_drawn("initiatingParticipantRef", tuple(CHOREOGRAPHY), "participant"),
    *_drawn("innerParticipantRef", ("participantAssociation",), "participant", is_child=True),
    *_drawn("outerParticipantRef", ("participantAssociation",), "participant", is_child=True),
    *_drawn("innerMessageFlowRef", ("messageFlowAssociation",), "messageFlow"),
    *_drawn("outerMessageFlowRef", ("messageFlowAssociation",), "messageFlow"),
    *_drawn("choreographyRef", ("collaboration",), "choreography", "collaboration", is_child=True),
    *_drawn("sourceRef", ("conversationLink",), "participant", *CONVERSATIONS),
    *_drawn("targetRef", ("conversationLink",), "participant", *CONVERSATIONS),
    *_drawn("partitionElementRef", ("lane",)),
    *_drawn("dataInputRefs", ("inputSet",), "dataInput", is_child=True),
    *_drawn("optionalInputRefs", ("inputSet",), "dataInput", is_child=True),
    *_drawn("outputSetRefs", ("inputSet",), "outputSet", is_child=True),
    *_drawn("dataOutputRefs", ("outputSet",), "dataOutput", is_child=True),
    *_drawn("optionalOutputRefs", ("outputSet",), "dataOutput", is_child=True),
    *_drawn("inputSetRefs", ("outputSet",), "inputSet", is_child=True),
)
"""Source: the class tables of BPMN 2.0.2, chapters 8 to 11."""
_REQUIRED = {("sequenceFlow", "sourceRef"), ("sequenceFlow", "targetRef"), ("boundaryEvent", "attachedToRef")}


_WORDS = {ACTIVITIES: "an activity", EVENT_DEFINITIONS: "an event definition"}
_AGAIN = "Draw it again in the modeler."


def check(diagram: Diagram) -> Iterator[Problem]:
    by_owner: dict[str, list[_Reference]] = {}
    for reference in _REFERENCES:
        for tag in reference.owner:
            by_owner.setdefault(tag, []).append(reference)
    suggestions = MAX_SUGGESTIONS
    for node in diagram.elements:
        for reference in by_owner.get(local(node), ()):
            for problem in _unresolved(diagram, node, reference, with_suggestion=suggestions > 0):
                suggestions -= 1
                yield problem


def _unresolved(diagram: Diagram, node: Node, reference: _Reference, *, with_suggestion: bool) -> Iterator[Problem]:
    for holder, wanted in _wanted(node, reference):
        if not wanted:
            if (local(node), reference.name) in _REQUIRED:
                message = f"Expected {reference.name} to name {_kinds(reference)}, but it is missing."
                yield diagram.document.problem("unresolved-ref", owner(node), message, _AGAIN)
            continue
        if _is_foreign(diagram, node, wanted):
            continue
        found = diagram.referred(wanted)
        place = diagram.document.attribute_place(node, reference.name) if holder is node else None
        place = place or diagram.document.place(holder)
        if found is None:
            near = with_suggestion and _similar(diagram, wanted, reference)
            message = f'Expected {reference.name} to name {_kinds(reference)}, but there is no element "{wanted}".'
            yield diagram.document.problem(
                "unresolved-ref", owner(node), message, near or _AGAIN, place=place, severity=reference.severity
            )
        elif reference.targets and local(found) not in reference.targets and schema.is_element(local(found)):
            message = f'Expected {reference.name} to name {_kinds(reference)}, but "{wanted}" is {a(local(found))}.'
            yield diagram.document.problem(
                "wrong-ref-type", owner(node), message, _AGAIN, place=place, severity=reference.severity
            )


def _wanted(node: Node, reference: _Reference) -> Iterator[tuple[Node, str]]:
    """Each element that holds such a reference, and the id it names."""
    if reference.is_child:
        yield from ((child, (child.text or "").strip()) for child in node.findall(bpmn(reference.name)))
    else:
        yield node, node.get(reference.name, "").strip()


def _is_foreign(diagram: Diagram, node: Node, reference: str) -> bool:
    """A prefix may lead to an imported file, which we do not have."""
    prefix, colon, _name = reference.rpartition(":")
    own = diagram.document.root.get("targetNamespace", "")
    return bool(colon) and diagram.referred(reference) is None and node.nsmap.get(prefix, "") != own


def _kinds(reference: _Reference) -> str:
    if not reference.targets:
        return "an element"
    if len(reference.targets) > 3:
        return _WORDS.get(reference.targets, "an event, activity or gateway")
    return " or ".join(a(tag) for tag in sorted(reference.targets))


def _similar(diagram: Diagram, wanted: str, reference: _Reference) -> str:
    ids = [name for name, node in diagram.by_id.items() if not reference.targets or local(node) in reference.targets]
    near = get_close_matches(wanted[:60], ids[:MAX_COMPARED], n=1)
    return f'Did you mean "{near[0]}"?' if near else ""
