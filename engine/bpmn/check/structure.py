"""How a diagram hangs together: places, sequence flows, starts and ends, what can be reached."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from engine.bpmn import items
from engine.bpmn.check import schema
from engine.bpmn.check.diagram import ACTIVITIES, EVENTS, FLOW_NODES, SUB_PROCESSES, Diagram, Scope, a, children, owner
from engine.bpmn.check.ids import REPEATED
from engine.bpmn.nodes import Node, bpmn, is_bpmn, is_true, link_name, local, name_of
from engine.model.problems import Problem, Severity


def check(diagram: Diagram) -> Iterator[Problem]:
    for rule in _RULES:
        yield from rule(diagram)
    for scope in diagram.scopes:
        for scope_rule in _SCOPE_RULES:
            yield from scope_rule(diagram, scope)


# ---- places --------------------------------------------------------------------------------------------------------

_PLACES: dict[str, frozenset[str]] = {
    **dict.fromkeys(FLOW_NODES | {"sequenceFlow"}, frozenset({"process"}) | SUB_PROCESSES),
    "activationCondition": frozenset({"complexGateway"}),
    "complexBehaviorDefinition": frozenset({"multiInstanceLoopCharacteristics"}),
    "condition": frozenset({"conditionalEventDefinition", "complexBehaviorDefinition"}),
    "conditionExpression": frozenset({"sequenceFlow"}),
    "script": frozenset({"scriptTask"}),
    "multiInstanceLoopCharacteristics": ACTIVITIES,
    "standardLoopCharacteristics": ACTIVITIES,
    "loopCardinality": frozenset({"multiInstanceLoopCharacteristics"}),
    "completionCondition": frozenset({"multiInstanceLoopCharacteristics", "adHocSubProcess"}),
    "loopCondition": frozenset({"standardLoopCharacteristics"}),
    **dict.fromkeys(("timeDate", "timeDuration", "timeCycle"), frozenset({"timerEventDefinition"})),
    "flowNodeRef": frozenset({"lane"}),
    **dict.fromkeys(items.ASSOCIATIONS, ACTIVITIES | EVENTS),
    **dict.fromkeys(("transformation", "assignment"), items.ASSOCIATIONS),
    **dict.fromkeys(("from", "to"), frozenset({"assignment"})),
}
"""Element -> what it may be a part of; anywhere else it would be overlooked."""
_TEXTS = frozenset(
    {
        "activationCondition",
        "completionCondition",
        "condition",
        "conditionExpression",
        "flowNodeRef",
        "formalExpression",
        "from",
        "incoming",
        "loopCardinality",
        "loopCondition",
        "outgoing",
        "script",
        "sourceRef",
        "targetRef",
        "timeCycle",
        "timeDate",
        "timeDuration",
        "to",
        "transformation",
    }
)
"""Elements that hold a text and nothing else."""
_MANY = frozenset({"sequenceFlow", "flowNodeRef", "complexBehaviorDefinition", "assignment"})
_ONCE = frozenset(_PLACES) - FLOW_NODES - items.ASSOCIATIONS - _MANY


def _misplaced(node: Node) -> str:
    """What is wrong with where an element of a running process stands; "" when nothing is."""
    parent = node.getparent()
    if parent is None or local(node) == "process":
        return ""
    if local(parent) not in _PLACES.get(local(node), {local(parent)}):
        return f"Expected the {local(node)} somewhere else, but it is a part of {a(local(parent))}."
    if local(node) in _TEXTS and len(node):
        return f"Expected only a text in the {local(node)}, but it has {a(local(node[0]))} inside."
    if local(node) in _ONCE and next(node.itersiblings(node.tag, preceding=True), None) is not None:
        return f"Expected one {local(node)}, but there is another."
    return ""


def _places(diagram: Diagram) -> Iterator[Problem]:
    for node in diagram.running:
        message = _misplaced(node)
        if message:
            place = diagram.document.place(node)
            yield diagram.document.problem("misplaced-element", owner(node), message, "Draw it again.", place=place)


_ANYTHING_INSIDE = frozenset({"extensionElements", "documentation", "text"})
"""Elements whose content no engine reads."""


def _foreign(diagram: Diagram) -> Iterator[Problem]:
    """Elements of other languages in the midst of BPMN's own, where no extension may stand."""
    for node in diagram.running:
        strange = (child for child in node if isinstance(child.tag, str) and not is_bpmn(child))
        for child in strange if local(node) not in _ANYTHING_INSIDE else ():
            place = diagram.document.place(child)
            message = f"Expected elements of BPMN in the {local(node)}, but {local(child)} is none: nothing runs it."
            fix = "Delete it, or put it into the extensionElements."
            yield diagram.document.problem("foreign-element", owner(node), message, fix, place=place)


# ---- what runs -----------------------------------------------------------------------------------------------------


def _said_otherwise(diagram: Diagram) -> Iterator[Problem]:
    """Whether a process runs must be said in one of two words."""
    for process in diagram.processes:
        said = process.get("isExecutable", "true").strip()
        if said not in ("true", "false"):
            place = diagram.document.attribute_place(process, "isExecutable")
            message = f'Expected true or false as isExecutable, but it is "{said:.50}", so the process does not run.'
            yield diagram.document.problem("not-executable", process, message, 'Write "true".', place=place)


def _executable(diagram: Diagram) -> Iterator[Problem]:
    if any(is_true(process, "isExecutable") for process in diagram.processes) or any(_said_otherwise(diagram)):
        return
    if not diagram.processes:
        message = "Expected a process, but the file has none."
        yield diagram.document.problem("not-executable", diagram.document.root, message, "Draw one.")
        return
    meant = next(iter(diagram.executable), diagram.processes[0])
    message = "Expected a process to be executable, but none is."
    fix = 'Switch on "Executable" in the modeler\'s properties of the process to run, or write isExecutable="true".'
    yield diagram.document.problem("not-executable", meant, message, fix)


# ---- sequence flows ------------------------------------------------------------------------------------------------


def _cross_scope(diagram: Diagram, scope: Scope) -> Iterator[Problem]:
    """Source: BPMN 2.0.2, 7.6 Flow Object Connection Rules."""
    for flow in scope.holder.findall(bpmn("sequenceFlow")):
        ends = [diagram.by_id.get(flow.get(name, "")) for name in ("sourceRef", "targetRef")]
        outside = [
            end for end in ends if end is not None and local(end) in FLOW_NODES and end.get("id") not in scope.by_id
        ]
        if outside:
            message = (
                f'Expected the flow to stay in one process or sub-process, but "{outside[0].get("id")}" is in another.'
            )
            fix = "Connect the sub-process itself; between pools draw a message flow."
            yield diagram.document.problem("cross-scope-flow", flow, message, fix)


def _flow_ends(diagram: Diagram, scope: Scope) -> Iterator[Problem]:
    """Source: BPMN 2.0.2, 10.5.2 Start Event, 10.5.3 End Event, 10.5.4 Intermediate Event."""
    for flow in scope.flows:
        source, target = scope.source(flow), scope.target(flow)
        if local(target) == "startEvent":
            fix = "Delete the flow, or make the event an intermediate one."
            yield diagram.document.problem("start-incoming", target, "A flow leads into this start event.", fix)
        if local(source) == "endEvent":
            fix = "Delete the flow, or make the event an intermediate one."
            yield diagram.document.problem("end-outgoing", source, "A flow leaves this end event.", fix)
        if local(target) == "boundaryEvent":
            message = "A flow leads into this boundary event."
            yield diagram.document.problem("boundary-invalid", target, message, "Lead it into the activity.")


def _mismatches(diagram: Diagram, scope: Scope) -> Iterator[Problem]:
    """<incoming> and <outgoing> repeat what the flows say; a contradiction shows a file edited by hand."""
    for node in (each for each in scope.nodes if each.get("id")):
        for tag, attribute in REPEATED:
            for child in node.findall(bpmn(tag)):
                flow = diagram.referred(child.text or "", "sequenceFlow")
                if flow is None or flow.get(attribute) == node.get("id") or not _is_well_joined(diagram, flow):
                    continue
                message = f'<{tag}> names the flow "{flow.get("id")}", whose {attribute} is "{flow.get(attribute)}".'
                place, fix = diagram.document.place(child), f"The flow counts; correct <{tag}>."
                rule = f"{tag}-mismatch"
                yield diagram.document.problem(rule, node, message, fix, place=place, severity=Severity.WARNING)


def _is_well_joined(diagram: Diagram, flow: Node) -> bool:
    """Whether no other rule tells of where a flow begins or leads to."""
    nodes = diagram.scope(flow.getparent()).by_id  # type: ignore[arg-type]
    ends = [nodes.get(flow.get(name, "")) for name in ("sourceRef", "targetRef")]
    kinds = ["" if end is None else local(end) for end in ends]
    return all(kinds) and kinds[0] != "endEvent" and kinds[1] not in ("startEvent", "boundaryEvent")


# ---- starts and what follows ---------------------------------------------------------------------------------------


def _starts(diagram: Diagram, scope: Scope) -> Iterator[Problem]:
    """Source: BPMN 2.0.2, 10.5.2 Start Event."""
    problem, holder = diagram.document.problem, scope.holder
    if local(holder) == "adHocSubProcess":
        return
    if not scope.nodes:
        if local(holder) == "process":
            yield problem("no-start", holder, "Expected a start event, but the process is empty.", "Draw one.")
        else:
            message = "The sub-process is empty: it does nothing."
            yield problem("empty-sub-process", holder, message, "Draw its inside.", severity=Severity.WARNING)
    elif not first(scope):
        message = "Expected a start event, but there is none, and every element waits for another."
        yield problem("no-start", holder, message, "Draw a start event.")
    elif scope.of("endEvent") and not scope.starts and not any(is_true(node, "instantiate") for node in scope.nodes):
        begun = ", ".join(f'"{name_of(node) or node.get("id", "")}"' for node in first(scope)[:3])
        message = f"Expected a start event, since there is an end event, but there is none: it begins at {begun}."
        fix = "Draw a start event, and a flow from it to where it begins."
        yield problem("no-start", holder, message, fix, severity=Severity.WARNING)


def _blank_starts(diagram: Diagram, scope: Scope) -> Iterator[Problem]:
    """In a process whoever starts an instance may choose; in a sub-process nobody does."""
    blank = [start for start in scope.starts if not diagram.definitions_of(start)]
    is_chosen = local(scope.holder) == "process"
    for start in blank[1:] if local(scope.holder) != "adHocSubProcess" else ():
        message = f'Expected one start event without a trigger, but "{blank[0].get("id")}" is one too'
        message += ": unless told otherwise, an instance starts at that one." if is_chosen else "."
        severity = Severity.WARNING if is_chosen else Severity.ERROR
        fix = "Keep one, or give this one a message, timer or signal."
        yield diagram.document.problem("multiple-blank-start", start, message, fix, severity=severity)


def first(scope: Scope) -> list[Node]:
    """Where tokens begin: start events, or without any the nodes that no flow leads to. Source: BPMN 2.0.2, 13.2."""
    begun = [*scope.starts, *(node for node in scope.nodes if is_true(node, "instantiate"))]
    if scope.starts:
        return begun
    return begun + [node for node in scope.nodes if not (scope.incoming(node) or _is_entered_otherwise(node))]


def _is_entered_by_event(node: Node) -> bool:
    return is_true(node, "triggeredByEvent") or is_true(node, "isForCompensation")


def _is_entered_otherwise(node: Node) -> bool:
    """Reached without a flow: by an event, a link or a compensation (those not executed are refused elsewhere)."""
    return (
        local(node) == "boundaryEvent"
        or _is_entered_by_event(node)
        or (local(node) == "intermediateCatchEvent" and link_name(node) is not None)
        or local(node.getparent()) == "adHocSubProcess"  # type: ignore[arg-type]
    )


def _unreachable(diagram: Diagram, scope: Scope) -> Iterator[Problem]:
    reached = _reached(scope)
    if not reached or local(scope.holder) == "adHocSubProcess" or has_broken_flows(scope):
        return
    throwing: dict[str | None, list[Node]] = {}
    for event in scope.of("intermediateThrowEvent"):
        throwing.setdefault(link_name(event), []).append(event)
    for node in scope.nodes:
        if node in reached or local(node) == "boundaryEvent" or _is_entered_by_event(node):
            continue
        thrown = [] if link_name(node) is None else throwing.get(link_name(node), [])
        before = [*map(scope.source, scope.incoming(node)), *thrown]
        if link_name(node) is not None and not before:
            continue  # told by the rule about links
        if all(source in reached for source in before):  # else the cause stands further back
            message = "Expected a way from a start event to here, but there is none."
            yield diagram.document.problem("unreachable", node, message, "Draw a flow to it, or delete it.")


def _implicit_ends(diagram: Diagram, scope: Scope) -> Iterator[Problem]:
    """Source: BPMN 2.0.2, 10.5.3 End Event: where there is one, every way ends at one."""
    ends = scope.of("endEvent")
    if local(scope.holder) == "adHocSubProcess" or not ends or any(map(scope.outgoing, ends)):
        return  # of a flow that leaves an end event another rule tells
    if has_broken_flows(scope):
        return
    for node in scope.nodes:
        if not (next_of(scope, node) or _is_entered_by_event(node) or _may_end(diagram, node)):
            message = "A way ends here without an end event, though others have one."
            fix = "Draw an end event behind it, or the flow that is missing."
            yield diagram.document.problem("implicit-end", node, message, fix, severity=Severity.WARNING)


def _may_end(diagram: Diagram, node: Node) -> bool:
    """End events, what throws to a link, and what only undoes; of an event-based gateway another rule tells."""
    if local(node) in ("endEvent", "eventBasedGateway"):
        return True
    if local(node) == "boundaryEvent":
        return any(local(each) == "compensateEventDefinition" for each in diagram.definitions_of(node))
    return local(node) in EVENTS and any(local(each) == "linkEventDefinition" for each in diagram.definitions_of(node))


def has_broken_flows(scope: Scope) -> bool:
    """Flows and elements that are not what they are meant to be are told by other rules, and what is behind them is
    not to blame."""
    strange = any(not schema.is_element(local(child)) for child in children(scope.holder))
    return strange or len(scope.flows) < len(scope.holder.findall(bpmn("sequenceFlow")))


def _reached(scope: Scope) -> set[Node]:
    reached: set[Node] = set()
    todo = [*first(scope)]
    while todo:
        node = todo.pop()
        if node not in reached:
            reached.add(node)
            todo += next_of(scope, node)
    return reached


def next_of(scope: Scope, node: Node) -> list[Node]:
    """Where tokens may go from an element: along flows, by its boundary events, through a link."""
    targets = [scope.target(flow) for flow in scope.outgoing(node)]
    return [*targets, *scope.boundary.get(node.get("id", ""), []), *linked(scope, node)]


def linked(scope: Scope, node: Node) -> list[Node]:
    """The catching events of the link that a node throws."""
    name = link_name(node) if local(node) == "intermediateThrowEvent" else None
    return [event for event in scope.of("intermediateCatchEvent") if link_name(event) == name] if name else []


_RULES: tuple[Callable[[Diagram], Iterator[Problem]], ...] = (
    _places,
    _foreign,
    _said_otherwise,
    _executable,
)
_SCOPE_RULES: tuple[Callable[[Diagram, Scope], Iterator[Problem]], ...] = (
    _cross_scope,
    _flow_ends,
    _mismatches,
    _starts,
    _blank_starts,
    _unreachable,
    _implicit_ends,
)
