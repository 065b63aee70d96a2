"""Where a token may go several ways: conditions, default flows, and what may follow an event-based gateway."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

from engine.bpmn import forms
from engine.bpmn.check import python
from engine.bpmn.check.diagram import ACTIVITIES, GATEWAYS, Diagram, Scope, a
from engine.bpmn.juel import Untranslatable
from engine.bpmn.names import choice_variable
from engine.bpmn.nodes import Node, bpmn, camunda, child_text, event_definitions, local, name_of
from engine.bpmn.texts import expression
from engine.model.problems import Problem, Severity

DECIDING = frozenset({"exclusiveGateway", "inclusiveGateway"})
CONDITIONAL = DECIDING | ACTIVITIES | {"complexGateway"}
"""Nodes whose leaving flows may carry conditions. Source: BPMN 2.0.2, 13.3.1."""


def check(diagram: Diagram) -> Iterator[Problem]:
    for scope in diagram.scopes:
        for rule in _RULES:
            yield from rule(diagram, scope)


def condition(flow: Node) -> str:
    return child_text(flow, "conditionExpression")


# ---- conditions ----------------------------------------------------------------------------------------------------


_ADVICE = "Write one, such as amount > 1000, or make the flow the default."


def _missing_conditions(diagram: Diagram, scope: Scope) -> Iterator[Problem]:
    """Source: BPMN 2.0.2, 10.6.2 Exclusive Gateway, 10.6.3 Inclusive Gateway."""
    for gateway in scope.of(*DECIDING):
        flows = scope.outgoing(gateway)
        if len(flows) < 2 or is_drawn_choice(scope, gateway) or _has_wrong_default(gateway, flows):
            continue
        for flow in flows:
            if not condition(flow) and flow.get("id") != gateway.get("default"):
                message = f"Expected a condition, since {len(flows)} flows leave the gateway, but there is none."
                yield diagram.document.problem("missing-condition", flow, message, _ADVICE)


def _has_wrong_default(gateway: Node, flows: list[Node]) -> bool:
    """That is told by another rule, and the flow that is meant needs no condition."""
    default = gateway.get("default")
    bare = [flow for flow in flows if not condition(flow)]
    return bool(default) and len(bare) == 1 and default not in [flow.get("id") for flow in flows]


def is_drawn_choice(scope: Scope, gateway: Node) -> bool:
    """Whether the person who did the task before decides by a button."""
    flows = [(name_of(flow), condition(flow)) for flow in scope.outgoing(gateway)]
    before = [(local(node), len(scope.outgoing(node))) for node in _before(scope, gateway)]
    return local(gateway) == "exclusiveGateway" and forms.is_drawn_choice(flows, before)


def _before(scope: Scope, gateway: Node) -> list[Node]:
    """What leads to a gateway; gateways that only merge are passed."""
    found, passed, todo = list[Node](), {gateway}, [*scope.incoming(gateway)]
    while todo:
        source = scope.source(todo.pop(0))
        if not _is_merge(scope, source):
            found.append(source)
        elif source not in passed:
            passed.add(source)
            todo += scope.incoming(source)
    return found


def _is_merge(scope: Scope, node: Node) -> bool:
    return forms.is_merge(local(node), len(scope.outgoing(node)))


def _lost_choices(diagram: Diagram, scope: Scope) -> Iterator[Problem]:
    """The button pressed in a task decides at the gateway behind it: what the task keeps to itself decides nothing."""
    for gateway in scope.of("exclusiveGateway"):
        for task in _before(scope, gateway) if is_drawn_choice(scope, gateway) else ():
            reason, fix = _why_kept(task, choice_variable(gateway.get("id", ""), name_of(gateway)))
            if reason:
                called = name_of(gateway) or gateway.get("id", "")
                message = f'Which way to go at "{called}" is decided by a button of this task, but {reason}.'
                yield diagram.document.problem("lost-choice", task, message, fix)


def _why_kept(task: Node, variable: str) -> tuple[str, str]:
    """Why the choice made in a task is not seen behind it, and what to do."""
    if task.find(bpmn("multiInstanceLoopCharacteristics")) is not None:
        fix = "Draw task and gateway in a multi-instance sub-process, or write conditions on the gateway's flows."
        return "several people do it, and each has a choice of their own", fix
    mapping = f"{bpmn('extensionElements')}/{camunda('inputOutput')}/{camunda('outputParameter')}"
    outputs = {each.get("name", "").strip() for each in task.findall(mapping)}
    if outputs and variable not in outputs:
        return "only what its output mapping names leaves it", "Delete the output mapping, or write conditions."
    return "", ""


def decided_names(diagram: Diagram, task: Node) -> set[str]:
    """What the conditions at the gateway behind a user task read: its buttons set that."""
    parent = task.getparent()
    flows = [] if parent is None else diagram.scope(parent).outgoing(task)
    if len(flows) != 1:
        return set()
    scope = diagram.scope(parent)  # type: ignore[arg-type]
    gateway, passed = scope.target(flows[0]), set[Node]()
    while _is_merge(scope, gateway) and gateway not in passed:
        passed.add(gateway)
        gateway = scope.target(scope.outgoing(gateway)[0])
    read = (python.names(condition(flow)) for flow in scope.outgoing(gateway))
    return {name for names in read for name in names} if local(gateway) == "exclusiveGateway" else set()


def _ignored_conditions(diagram: Diagram, scope: Scope) -> Iterator[Problem]:
    for flow in scope.flows:
        source = scope.source(flow)
        reason = _why_ignored(source, flow)
        if condition(flow) and reason:
            fix = "Delete the condition, or draw an exclusive or inclusive gateway."
            severity = Severity.WARNING if local(source) in _TAKEN_ANYWAY else Severity.ERROR
            yield diagram.document.problem("condition-ignored", flow, reason, fix, severity=severity)


_TAKEN_ANYWAY = CONDITIONAL | {"parallelGateway"}
"""Where a condition that is not asked does no harm. Source: BPMN 2.0.2, 13.4.1 Parallel Gateway."""


_WORDS = frozenset({"yes", "no", "ok", "else", "otherwise", "default", "ja", "nein", "sonst"})


def _words_for_conditions(diagram: Diagram, scope: Scope) -> Iterator[Problem]:
    """A word that answers the gateway's question is a name to Python, of a variable that nobody sets."""
    for flow in scope.flows:
        if condition(flow).lower() in _WORDS:
            message = f'The condition asks whether a variable called "{condition(flow)}" is true.'
            fix = 'Compare what was answered, as in approved == True or answer == "yes".'
            drawn = flow.find(bpmn("conditionExpression"))
            place = diagram.document.place(flow) if drawn is None else diagram.document.text_place(drawn)
            yield diagram.document.problem("condition-word", flow, message, fix, place=place, severity=Severity.WARNING)


def _why_ignored(source: Node, flow: Node) -> str:
    if local(source) not in CONDITIONAL:
        return f"A flow that leaves {a(local(source))} has no condition, but this one has: it is not asked."
    if source.get("default") == flow.get("id"):
        return "The condition is ignored, since the flow is the default: taken when no other is."
    return ""


# ---- default flows -------------------------------------------------------------------------------------------------


def _bad_defaults(diagram: Diagram, scope: Scope) -> Iterator[Problem]:
    for node in scope.nodes:
        default = diagram.referred(node.get("default", ""), "sequenceFlow")
        if default is None:
            continue
        place = diagram.document.attribute_place(node, "default")
        if local(node) not in CONDITIONAL:
            message = f"There is no default flow at {a(local(node))}, but this one has one."
            yield diagram.document.problem("bad-default", node, message, "Delete the attribute.", place=place)
        elif node.get("id") and default.get("sourceRef") != node.get("id"):
            message = f'Expected the default flow to leave from here, but "{default.get("id")}" leaves from '
            message += f'"{default.get("sourceRef", "")}".'
            yield diagram.document.problem("bad-default", node, message, "Choose one that does.", place=place)


def _no_defaults(diagram: Diagram, scope: Scope) -> Iterator[Problem]:
    for gateway in scope.of(*DECIDING):
        flows = scope.outgoing(gateway)
        if len(flows) < 2 or gateway.get("default") or not all(map(condition, flows)) or _is_complete(flows):
            continue
        message = "When no condition is true the instance stops here with an incident."
        fix = "Make one flow the default."
        yield diagram.document.problem("no-default", gateway, message, fix, severity=Severity.WARNING)


def _is_complete(flows: list[Node]) -> bool:
    """Whether one of two conditions is the other's opposite."""
    try:
        first, second = (ast.parse(expression(condition(flow)), mode="eval").body for flow in flows)
    except (ValueError, SyntaxError, RecursionError, MemoryError, Untranslatable):  # other numbers of flows, too
        return False
    return ast.dump(_opposite(first)) == ast.dump(second) or ast.dump(_opposite(second)) == ast.dump(first)


_OPPOSITES: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.GtE,
    ast.GtE: ast.Lt,
    ast.Gt: ast.LtE,
    ast.LtE: ast.Gt,
}


def _opposite(tree: ast.expr) -> ast.expr:
    match tree:
        case ast.Compare(left=left, ops=[sign], comparators=[ast.Constant(value=bool() as truth)]):
            return ast.Compare(left, [sign], [ast.Constant(not truth)])
        case ast.Compare(left=left, ops=[sign], comparators=[right]) if type(sign) in _OPPOSITES:
            return ast.Compare(left, [_OPPOSITES[type(sign)]()], [right])
        case ast.UnaryOp(op=ast.Not(), operand=inner):
            return inner
    return ast.UnaryOp(ast.Not(), tree)


# ---- what is told of a gateway, and what is drawn -------------------------------------------------------------------


_MANY = {"Converging": (True, False), "Diverging": (False, True), "Mixed": (True, True)}
"""Direction -> whether several flows come in, and go out."""


def _directions(diagram: Diagram, scope: Scope) -> Iterator[Problem]:
    """Source: BPMN 2.0.2, 8.4.9 Gateways (gatewayDirection)."""
    for gateway in scope.of(*GATEWAYS):
        wanted = _MANY.get(gateway.get("gatewayDirection", "").strip())
        drawn = len(scope.incoming(gateway)), len(scope.outgoing(gateway))
        if wanted is not None and tuple(count > 1 for count in drawn) != wanted:
            message = f"Expected what its gatewayDirection, {gateway.get('gatewayDirection')}, says, "
            message += f"but {drawn[0]} flows come in and {drawn[1]} go out."
            place = diagram.document.attribute_place(gateway, "gatewayDirection")
            fix = "Delete the attribute: the flows count."
            yield diagram.document.problem(
                "gateway-direction", gateway, message, fix, place=place, severity=Severity.WARNING
            )


def _lone_conditions(diagram: Diagram, scope: Scope) -> Iterator[Problem]:
    """Source: BPMN 2.0.2, 8.4.13 Sequence Flow."""
    for activity in scope.of(*ACTIVITIES):
        flows = scope.outgoing(activity)
        if len(flows) == 1 and condition(flows[0]):
            message = "Expected another flow beside the one with a condition: when it is not true, nothing goes on."
            fix = "Delete the condition, or draw where it goes otherwise."
            yield diagram.document.problem("lone-condition", flows[0], message, fix, severity=Severity.WARNING)


# ---- complex gateways -----------------------------------------------------------------------------------------------


def _complex_gateways(diagram: Diagram, scope: Scope) -> Iterator[Problem]:
    """Source: BPMN 2.0.2, 10.6.5 Complex Gateway."""
    for gateway in scope.of("complexGateway"):
        if len(scope.incoming(gateway)) > 1 and not child_text(gateway, "activationCondition"):
            message = "Expected an activation condition, since several flows come in, but there is none."
            fix = "Write how many tokens it waits for: <activationCondition>activationCount >= 2</activationCondition>."
            yield diagram.document.problem("activation-missing", gateway, message, fix)


# ---- event-based gateways ------------------------------------------------------------------------------------------


def _event_gateways(diagram: Diagram, scope: Scope) -> Iterator[Problem]:
    """Source: BPMN 2.0.2, 10.6.6 Event-Based Gateway."""
    for gateway in scope.of("eventBasedGateway"):
        flows = scope.outgoing(gateway)
        if not flows:
            message = "Expected events to wait for behind the gateway, but no flow leaves it."
            yield diagram.document.problem("event-gateway", gateway, message, "Draw two or more catching events.")
        if len(flows) == 1 and not _fault_behind(diagram, scope, scope.target(flows[0])):
            message = "Expected two or more flows to leave the gateway, but there is one, and nothing to choose."
            fix = "Draw another, or leave the gateway out."
            yield diagram.document.problem("lone-event", gateway, message, fix, severity=Severity.WARNING)
        for flow in flows:
            target = scope.target(flow)
            wrong = _fault_behind(diagram, scope, target)
            if wrong:
                fix = "Lead each flow to a catching event or receive task of its own."
                yield diagram.document.problem("event-gateway", target, wrong, fix)


def _fault_behind(diagram: Diagram, scope: Scope, target: Node) -> str:
    return _not_waiting(scope, target) or _guarded(diagram, scope, target)


_LOOP = bpmn("standardLoopCharacteristics")


def _not_waiting(scope: Scope, target: Node) -> str:
    if local(target) == "intermediateCatchEvent" and event_definitions(target):
        is_link = local(event_definitions(target)[0]) == "linkEventDefinition"
        if is_link:
            return "An event-based gateway waits for a message, signal or timer, not for a link."
    elif local(target) not in ("receiveTask", "intermediateCatchEvent"):
        return (
            f"Expected a catching event or receive task behind the event-based gateway, but this is {a(local(target))}."
        )
    if target.find(bpmn("multiInstanceLoopCharacteristics")) is not None or target.find(_LOOP) is not None:
        return "A receive task behind an event-based gateway waits once, but this one is repeated."
    if len(scope.incoming(target)) > 1:
        return "An event behind an event-based gateway has no other flow leading to it, but this one has."
    return ""


def _guarded(diagram: Diagram, scope: Scope, target: Node) -> str:
    """While the gateway waits, its receive tasks have not begun: only what undoes them may be attached."""
    attached = scope.boundary.get(target.get("id", ""), ())
    triggers = {local(each) for event in attached for each in diagram.definitions_of(event)}
    if triggers <= {"compensateEventDefinition"}:
        return ""
    return "Nothing is attached to a receive task behind an event-based gateway, but here something is."


_RULES: tuple[Callable[[Diagram, Scope], Iterator[Problem]], ...] = (
    _directions,
    _lone_conditions,
    _missing_conditions,
    _lost_choices,
    _ignored_conditions,
    _words_for_conditions,
    _bad_defaults,
    _no_defaults,
    _complex_gateways,
    _event_gateways,
)
