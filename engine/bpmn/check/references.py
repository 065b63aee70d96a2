"""What elements refer to by id: each reference names an element of the right kind."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from typing import NamedTuple

from engine.bpmn.check import ids, schema
from engine.bpmn.check.diagram import ACTIVITIES, CHOREOGRAPHY, EVENT_DEFINITIONS, FLOW_NODES, Diagram, a, owner
from engine.bpmn.nodes import Node, bpmn, local
from engine.model.problems import Place, Problem, Severity

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
_FIXES = {
    "attachedToRef": "Draw the event onto an activity.",
    "default": "Choose the default among the flows that leave from here.",
    "flowNodeRef": "Delete it, or draw the element into the lane again.",
    "incoming": "Delete it: the flows count.",
    "outgoing": "Delete it: the flows count.",
    "sourceRef": "Draw it again from the element that it leaves, or delete it.",
    "targetRef": "Draw it again to the element that it leads to, or delete it.",
}
"""What to do about a reference that names nothing; others name something that is chosen in the modeler."""
MOST_LISTED = 5
"""Elements that a fix offers to choose from."""


class _Said(NamedTuple):
    """A reference as it stands in the file."""

    node: Node
    reference: _Reference
    holder: Node
    """The node itself, or the child whose text it is."""
    wanted: str


def check(diagram: Diagram) -> Iterator[Problem]:
    by_owner: dict[str, list[_Reference]] = {}
    for reference in _REFERENCES:
        for tag in reference.owner:
            by_owner.setdefault(tag, []).append(reference)
    astray = list[_Said]()
    for node in diagram.elements:
        for said in (each for reference in by_owner.get(local(node), ()) for each in _said(node, reference)):
            if said.wanted and not _is_foreign(diagram, node, said.wanted) and diagram.referred(said.wanted) is None:
                astray.append(said)
            yield from _wrong(diagram, said)
    yield from _astray(diagram, astray)


def _said(node: Node, reference: _Reference) -> Iterator[_Said]:
    yield from (_Said(node, reference, holder, wanted) for holder, wanted in _wanted(node, reference))


def _wrong(diagram: Diagram, said: _Said) -> Iterator[Problem]:
    """A reference that is lacking, or names an element of another kind."""
    node, reference, _holder, wanted = said
    found = diagram.referred(wanted) if wanted else None
    if not wanted and (local(node), reference.name) in _REQUIRED:
        message = f"Expected {reference.name} to name {_kinds(reference)}, but it is missing."
        yield diagram.document.problem("unresolved-ref", owner(node), message, _FIXES.get(reference.name, _AGAIN))
    if found is not None and _is_other(found, reference) and not _is_foreign(diagram, node, wanted):
        message = f'Expected {reference.name} to name {_kinds(reference)}, but "{wanted}" is {a(local(found))}.'
        place, fix = _place(diagram, said), _choice(diagram, reference)
        yield diagram.document.problem(
            "wrong-ref-type", owner(node), message, fix, place=place, severity=reference.severity
        )


def _is_other(found: Node, reference: _Reference) -> bool:
    return bool(reference.targets) and local(found) not in reference.targets and schema.is_element(local(found))


def _astray(diagram: Diagram, astray: list[_Said]) -> Iterator[Problem]:
    """References to what is not there, by what they name. What stops a run is told alone; the rest of it follows."""
    groups = _named(diagram, astray)
    suggestions = MAX_SUGGESTIONS
    for group in groups:
        errors = [said for said in group if said.reference.severity is Severity.ERROR]
        for said in errors or group[:1]:
            suggestions -= 1
            near = suggestions >= 0 and _similar(diagram, said)
            fix = near or _choice(diagram, said.reference) + ("" if errors else _elsewhere(diagram, group[1:]))
            reference = said.reference
            message = f'Expected {reference.name} to name {_kinds(reference)}, but there is no element "{said.wanted}".'
            seen, place = owner(said.node), _place(diagram, said)
            yield diagram.document.problem(
                "unresolved-ref", seen, message, fix, place=place, severity=reference.severity
            )


def _named(diagram: Diagram, astray: list[_Said]) -> list[list[_Said]]:
    """References that lead nowhere, by the id they name; without those to elements that lack an id of their own.

    An element that lost its id is told of, and whatever names it leads nowhere until it has one again.
    """
    groups: dict[str, list[_Said]] = {}
    for said in astray:
        groups.setdefault(said.wanted, []).append(said)
    diagram.lost.update(groups)
    nameless = ids.nameless(diagram)
    kinds = {local(node) for node in nameless}
    renamed = [name for name, group in groups.items() if any(said.reference.targets & kinds for said in group)]
    return [group for name, group in groups.items() if name not in renamed or len(renamed) > len(nameless)]


def _elsewhere(diagram: Diagram, others: list[_Said]) -> str:
    lines = [str(_place(diagram, said).line) for said in others[:MOST_LISTED]]
    return f" The same is named in line {', '.join(lines)}." if lines else ""


def _place(diagram: Diagram, said: _Said) -> Place:
    if said.holder is said.node:
        return diagram.document.attribute_place(said.node, said.reference.name)
    return diagram.document.place(said.holder)


def _choice(diagram: Diagram, reference: _Reference) -> str:
    """What to write instead."""
    if reference.name in _FIXES or len(reference.targets) != 1:
        return _FIXES.get(reference.name, _AGAIN)
    (kind,) = reference.targets
    known = [name for name, node in diagram.by_id.items() if local(node) == kind][:MOST_LISTED]
    return f"Choose one in the modeler: {', '.join(known)}." if known else f"Create {a(kind)} in the modeler."


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


def _similar(diagram: Diagram, said: _Said) -> str:
    kinds, repeats = said.reference.targets, dict(ids.REPEATED).get(said.reference.name)
    known = [
        name
        for name, node in diagram.by_id.items()
        if (not kinds or local(node) in kinds) and (not repeats or node.get(repeats) == said.node.get("id"))
    ]
    near = get_close_matches(said.wanted[:60], known[:MAX_COMPARED], n=1)
    return f'Did you mean "{near[0]}"?' if near else ""
