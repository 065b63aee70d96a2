"""Events: what their definitions must say, timers, codes, links, and where boundary events sit."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from engine.bpmn import dialects, schedule, texts
from engine.bpmn.check import python
from engine.bpmn.check.diagram import EVENTS, Diagram, Scope
from engine.bpmn.check.instantiation import is_begun_by
from engine.bpmn.check.loops import throws_own_signal
from engine.bpmn.check.python import Fault
from engine.bpmn.check.support import is_executed
from engine.bpmn.nodes import TIMERS, Node, bpmn, child_text, is_true, link_name, local, name_of
from engine.bpmn.schedule import TimerKind
from engine.bpmn.script import constant
from engine.bpmn.suggestions import near_name
from engine.model.problems import Problem, Severity

THROWING = frozenset({"intermediateThrowEvent", "endEvent"})


def check(diagram: Diagram) -> Iterator[Problem]:
    yield from _nameless(diagram)
    for scope in diagram.scopes:
        for event in scope.of(*EVENTS):
            for definition in diagram.definitions_of(event):
                read = _DEFINITIONS.get(local(definition))
                if read is not None and is_executed(event, definition):
                    yield from read(diagram, event, definition)
        for task in scope.of("receiveTask"):
            yield from _received(diagram, task)
        yield from _boundary_events(diagram, scope)
        yield from _links(diagram, scope)


# ---- timers --------------------------------------------------------------------------------------------------------


def _timer(diagram: Diagram, event: Node, definition: Node) -> Iterator[Problem]:
    """Source: BPMN 2.0.2, 10.5.5 Event Definitions (exactly one of date, duration, cycle)."""
    texts = [definition.find(bpmn(tag)) for tag in TIMERS]
    told = [node for node in texts if node is not None and (node.text or "").strip()]
    if len(told) != 1:
        message = "Expected a date, a duration or a cycle, but " + ("there are several." if told else "there is none.")
        fix = "Keep one." if told else "Write a duration such as PT15M or P3D, a date, or a cycle such as R3/PT1H."
        yield diagram.document.problem("event-definition-incomplete", event, message, fix)
        return
    yield from _time(diagram, event, told[0])


def _time(diagram: Diagram, event: Node, node: Node) -> Iterator[Problem]:
    parent = event.getparent()
    is_start = parent is not None and is_begun_by(diagram.scope(parent), event)
    fault = _time_fault(TIMERS[local(node)], node.text or "", is_start=is_start)
    if fault is not None:
        place = diagram.document.text_place(node, fault.offset)
        yield diagram.document.problem("timer-invalid", event, fault.message, fault.fix, place=place)


def _time_fault(kind: TimerKind, text: str, *, is_start: bool) -> Fault | None:
    """What is wrong with a time: written out, in ${...}, or Python that gives either."""
    is_mixed = texts.is_mixed(text)
    told = _wrong_time(kind, text, len(text) - len(text.lstrip()))
    if told is None or (schedule.is_literal(text) and not is_mixed):
        return told
    fault = python.fault_of_value(text) if is_mixed else python.fault_of_expression(text)
    if fault is not None:
        return told if _is_prose(text) else fault
    known = constant(texts.time(kind, text))
    if known is not None:
        return _wrong_time(kind, str(known[0]))
    if is_start:
        names = ", ".join(sorted(python.names(text) - {"str"}))
        how = f"it reads {names}" if names else "it is computed"
        return Fault(f"Expected a time that is known before the start, but {how}.", "Write it out: R/P1D.")
    return None


def _wrong_time(kind: TimerKind, text: str, offset: int = 0) -> Fault | None:
    try:
        schedule.validate(kind, text)
    except ValueError as cause:
        return Fault(*schedule.told(cause), offset)
    return None


def _is_prose(text: str) -> bool:
    """Words without any sign of an expression."""
    return not set(text) & set("()[]=<>'\"")


# ---- messages, signals, errors, escalations ------------------------------------------------------------------------


def _message(diagram: Diagram, event: Node, definition: Node) -> Iterator[Problem]:
    is_sent_otherwise = dialects.says(definition, "topic") or dialects.says(definition, "effect")
    if not definition.get("messageRef") and not is_sent_otherwise:
        message = "Expected a message, but none is chosen."
        fix = "Choose or create one in the modeler, so that messageRef names it."
        yield diagram.document.problem("event-definition-incomplete", event, message, fix)


def _nameless(diagram: Diagram) -> Iterator[Problem]:
    """Messages and signals are known by their names, to those who send them from outside above all."""
    referred = {node.get(f"{kind}Ref") for node in diagram.running for kind in ("message", "signal")}
    for node in diagram.document.root.iterchildren(bpmn("message"), bpmn("signal")):
        if node.get("id") in referred and not name_of(node):
            message = f'The {local(node)} has no name, so who sends it must call it by its id, "{node.get("id")}".'
            fix = "Give it the name that others know it by."
            severity = Severity.WARNING
            yield diagram.document.problem("event-definition-incomplete", node, message, fix, severity=severity)


def _received(diagram: Diagram, task: Node) -> Iterator[Problem]:
    """A receive task may leave its message open. Source: BPMN 2.0.2, 10.3.3 Receive Task (messageRef: 0..1)."""
    if is_true(task, "instantiate"):
        yield from _message(diagram, task, task)
    elif not task.get("messageRef"):
        called = name_of(task) or task.get("id", "")
        message = f'No message is chosen, so the task waits for one that is called "{called}" as itself.'
        fix = "Choose or create one in the modeler, so that messageRef names it."
        yield diagram.document.problem("event-definition-incomplete", task, message, fix, severity=Severity.WARNING)


def _signal(diagram: Diagram, event: Node, definition: Node) -> Iterator[Problem]:
    host = diagram.referred(event.get("attachedToRef", ""))
    if host is not None and throws_own_signal(host.find(bpmn("multiInstanceLoopCharacteristics"))):
        return
    if not definition.get("signalRef"):
        message = "Expected a signal, but none is chosen."
        fix = "Choose or create one in the modeler, so that signalRef names it."
        yield diagram.document.problem("event-definition-incomplete", event, message, fix)


def _error(diagram: Diagram, event: Node, definition: Node) -> Iterator[Problem]:
    yield from _code(diagram, event, definition, "error")


def _escalation(diagram: Diagram, event: Node, definition: Node) -> Iterator[Problem]:
    yield from _code(diagram, event, definition, "escalation")


def _code(diagram: Diagram, event: Node, definition: Node, kind: str) -> Iterator[Problem]:
    """What is thrown needs a code; what catches without one catches all. Source: BPMN 2.0.2, 10.5.5."""
    reference = definition.get(f"{kind}Ref", "")
    is_thrown = local(event) in THROWING
    if not reference:
        if is_thrown:
            message = f"Expected the {kind} to throw, but none is chosen."
            yield diagram.document.problem("event-definition-incomplete", event, message, "Choose or create one.")
        return
    found = diagram.referred(reference, kind)
    if found is not None and not is_thrown and _is_thrown(diagram, f"{kind}Ref", reference):
        return  # told there
    if found is not None and not found.get(f"{kind}Code", "").strip():
        message = f'Expected the {kind} "{found.get("name") or found.get("id")}" to have a code, but it has none.'
        fix = f"Write {kind}Code." if is_thrown else f"Write {kind}Code; without one every {kind} is caught here."
        severity = Severity.ERROR if is_thrown else Severity.WARNING
        yield diagram.document.problem(f"{kind}-code", event, message, fix, severity=severity)


def _is_thrown(diagram: Diagram, attribute: str, reference: str) -> bool:
    """Whether an end event or a throwing event names it, too."""
    named = (node.getparent() for node in diagram.running if node.get(attribute) == reference)
    return any(parent is not None and local(parent) in THROWING for parent in named)


def _conditional(diagram: Diagram, event: Node, definition: Node) -> Iterator[Problem]:
    """Its text is looked at with the other expressions. Source: BPMN 2.0.2, 10.5.5 Conditional Event Definition."""
    if not child_text(definition, "condition"):
        message = "Expected a condition to wait for, but there is none."
        yield diagram.document.problem("event-definition-incomplete", event, message, "Write one: amount > 1000.")


_DEFINITIONS: dict[str, Callable[[Diagram, Node, Node], Iterator[Problem]]] = {
    "timerEventDefinition": _timer,
    "messageEventDefinition": _message,
    "signalEventDefinition": _signal,
    "errorEventDefinition": _error,
    "escalationEventDefinition": _escalation,
    "conditionalEventDefinition": _conditional,
}


# ---- boundary events -----------------------------------------------------------------------------------------------


def _boundary_events(diagram: Diagram, scope: Scope) -> Iterator[Problem]:
    """Source: BPMN 2.0.2, 10.5.4 Intermediate Event."""
    for event in scope.of("boundaryEvent"):
        for message, fix in _boundary_faults(diagram, scope, event):
            yield diagram.document.problem("boundary-invalid", event, message, fix)


def _boundary_faults(diagram: Diagram, scope: Scope, event: Node) -> Iterator[tuple[str, str]]:
    host = event.get("attachedToRef", "")
    definitions = [local(each) for each in diagram.definitions_of(event)]
    if host in diagram.by_id and host not in scope.by_id:
        yield f'Expected the event to sit on an activity beside it, but "{host}" is in another sub-process.', "Move it."
    if not definitions:
        yield (
            "Expected the event to have a trigger, but it has none.",
            "Make it a timer, message, signal or error event.",
        )
    for kind, words in (("errorEventDefinition", "An error"), ("cancelEventDefinition", "A cancellation")):
        if kind in definitions and not is_true(event, "cancelActivity", "true"):
            yield (
                f"{words} always interrupts its activity, but cancelActivity is false.",
                'Write cancelActivity="true".',
            )


# ---- links ---------------------------------------------------------------------------------------------------------


def _links(diagram: Diagram, scope: Scope) -> Iterator[Problem]:
    """Source: BPMN 2.0.2, 10.5.5 Link Events: many sources, one target, at the same level."""
    throwing, catching = _ends(scope, "intermediateThrowEvent"), _ends(scope, "intermediateCatchEvent")
    targets, sources = {name for _event, name in catching}, {name for _event, name in throwing}
    for event, name in throwing:
        if name not in targets:
            message = f'Expected a catching link event named "{name}" at the same level, but there is none.'
            fix = near_name(name, targets) or "Draw it, or correct the name."
            yield diagram.document.problem("link-invalid", event, message, fix)
        if scope.outgoing(event):
            message = "A flow leaves this throwing link event; the token goes on at the catching one."
            yield diagram.document.problem("link-invalid", event, message, "Delete the flow.")
    for event, name in catching if sources <= targets else ():
        if name not in sources and not scope.incoming(event):
            message = f'Expected a throwing link event named "{name}" at the same level, but there is none.'
            yield diagram.document.problem("link-invalid", event, message, "Draw it, or correct the name.")
    seen = set[str]()
    for event, name in catching:
        if name in seen:
            message = f'Expected one catching link event named "{name}", but there is another.'
            yield diagram.document.problem("link-invalid", event, message, "Give them different names.")
        seen.add(name)
        if scope.incoming(event):
            message = "A flow leads into this catching link event; its tokens come from the throwing ones."
            yield diagram.document.problem("link-invalid", event, message, "Delete the flow.")


def _ends(scope: Scope, tag: str) -> list[tuple[Node, str]]:
    """The link events of one kind, and what joins them to others."""
    named = ((event, link_name(event)) for event in scope.of(tag))
    return [(event, name) for event, name in named if name is not None]
