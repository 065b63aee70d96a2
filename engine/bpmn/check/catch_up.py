"""procession:catchUp: which turns of a timer's cycle fire that came while nothing ran."""

from __future__ import annotations

from collections.abc import Iterator

from engine.bpmn.check.diagram import EVENTS, Diagram, a, owner
from engine.bpmn.nodes import CATCH_UP, Node, bpmn, child_text, local
from engine.bpmn.schedule import CatchUp
from engine.model.problems import Problem

RULE = "catch-up"
_FORMS = "all (each fires), once (the first fires late) or skip (none fires)"


def check(diagram: Diagram) -> Iterator[Problem]:
    for node in diagram.elements:
        if CATCH_UP in node.attrib and local(node) in EVENTS | {"timerEventDefinition"}:
            yield from _problems(diagram, node, node.get(CATCH_UP, ""))


def _problems(diagram: Diagram, node: Node, told: str) -> Iterator[Problem]:
    place = diagram.document.attribute_place(node, CATCH_UP)
    if told.strip() not in list(CatchUp):
        message = f"Expected catchUp to be {_FORMS}, but it is {told!r}."
        yield diagram.document.problem(RULE, owner(node), message, "Without it, it is once.", place=place)
    elif not _has_cycle(diagram, node):
        message = f"Expected catchUp at a timer with a cycle, but it is at {a(local(node))} without one."
        yield diagram.document.problem(RULE, owner(node), message, "Delete it.", place=place)


def _has_cycle(diagram: Diagram, node: Node) -> bool:
    """Whether a timer has a cycle, or the event one that has."""
    definitions = [node] if local(node) == "timerEventDefinition" else diagram.definitions_of(node)
    return any(each.tag == bpmn("timerEventDefinition") and child_text(each, "timeCycle") for each in definitions)
