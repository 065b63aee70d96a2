"""Errors: what is thrown inside an activity, and what catches it around.

Services, scripts and people may throw any code. Told is a code that nothing can throw where it is waited for, and one
that is thrown where only others are.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

from lxml import etree

from engine.bpmn.check.diagram import SERVICES, Diagram
from engine.bpmn.nodes import Node, bpmn, is_bpmn, is_true, local
from engine.bpmn.suggestions import nearest
from engine.model.problems import Problem, Severity

RULE = "error-unmatched"
ALIKE = 0.8


class _Event(NamedTuple):
    """An event that throws or catches an error."""

    node: Node
    code: str
    """"": any."""


def check(diagram: Diagram) -> Iterator[Problem]:
    """Source: BPMN 2.0.2, 10.5.7 Handling Events."""
    catching: dict[Node | None, list[_Event]] = {}
    for event in _events(diagram, diagram.running, "boundaryEvent", "startEvent"):
        catching.setdefault(_guarded(diagram, event.node), []).append(event)
    told = set[Node]()
    for guarded, events in catching.items():
        thrown, is_open = ({""}, True) if guarded is None else _thrown_in(diagram, guarded, set())
        for event in events:
            problem = _never_thrown(diagram, event, thrown, is_open=is_open)
            if problem is not None:
                told.add(event.node)
                yield problem
    for event in _throwing(diagram, diagram.running) if catching else ():
        around = [each for holder in event.node.iterancestors() for each in catching.get(holder, ())]
        codes = {each.code for each in around}
        if codes and not codes & {"", event.code} and not told & {each.node for each in around}:
            yield _never_caught(diagram, event, codes)


def _never_thrown(diagram: Diagram, event: _Event, thrown: set[str], *, is_open: bool) -> Problem | None:
    near = nearest(event.code, thrown - {""}, cutoff=ALIKE)
    if not event.code or event.code in thrown or (is_open and not near):
        return None
    message = f'Nothing inside throws the error "{event.code:.60}" that is caught here.'
    fix = f'Did you mean "{near}"?' if near else "Choose an error that is thrown there, or delete the event."
    return diagram.document.problem(RULE, event.node, message, fix, severity=Severity.WARNING)


def _never_caught(diagram: Diagram, event: _Event, codes: Collection[str]) -> Problem:
    caught = ", ".join(f'"{code}"' for code in sorted(codes))
    message = f'Nothing catches the error "{event.code:.60}", so an instance fails here; caught is only {caught:.200}.'
    near = nearest(event.code, codes, cutoff=ALIKE)
    fix = f'Did you mean "{near}"?' if near else "Throw one that is caught, or draw an event that catches this one."
    return diagram.document.problem(RULE, event.node, message, fix, severity=Severity.WARNING)


# ---- who throws and who catches ------------------------------------------------------------------------------------


def _events(diagram: Diagram, nodes: Collection[Node], *tags: str) -> Iterator[_Event]:
    for node in nodes:
        for definition in diagram.definitions_of(node) if local(node) in tags else ():
            if local(definition) == "errorEventDefinition":
                error = diagram.referred(definition.get("errorRef", ""), "error")
                code = "" if error is None else error.get("errorCode", "").strip()
                if error is not None or not definition.get("errorRef"):  # else told by the rule about references
                    yield _Event(node, code)


def _throwing(diagram: Diagram, nodes: Collection[Node]) -> Iterator[_Event]:
    return (event for event in _events(diagram, nodes, "endEvent") if event.code)


def _guarded(diagram: Diagram, event: Node) -> Node | None:
    """The activity, sub-process or process whose errors an event catches."""
    if local(event) == "boundaryEvent":
        return diagram.referred(event.get("attachedToRef", ""))
    handler = event.getparent()
    return None if handler is None or not is_true(handler, "triggeredByEvent") else handler.getparent()


def _thrown_in(diagram: Diagram, guarded: Node, seen: set[Node]) -> tuple[set[str], bool]:
    """(codes that end events throw, whether something else may throw any)"""
    seen.add(guarded)
    inside = [node for node in guarded.iter(etree.Element) if is_bpmn(node)]
    codes, is_open = {event.code for event in _throwing(diagram, inside)}, False
    for node in inside:
        called = diagram.referred(node.get("calledElement", ""), "process") if local(node) == "callActivity" else None
        if called not in diagram.executable:
            is_open = is_open or _may_throw_any(node)
        elif called not in seen:
            more, may_be_any = _thrown_in(diagram, called, seen)
            codes, is_open = codes | more, is_open or may_be_any
    return codes, is_open


def _may_throw_any(node: Node) -> bool:
    """Whether code that is not drawn may throw here: of services, scripts and other processes."""
    throws = any("BpmnError" in (each.text or "") for each in node.iter("{*}script"))
    return throws or local(node) in _OPEN or node.find(f"{_LOOP}[@behavior]") is not None


_OPEN = SERVICES | {"callActivity", "userTask"}
_LOOP = bpmn("multiInstanceLoopCharacteristics")
