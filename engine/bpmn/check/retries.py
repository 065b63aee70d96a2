"""How the calls of a service are tried again."""

from __future__ import annotations

from collections.abc import Iterator

from engine.bpmn.check.diagram import SERVICES, Diagram
from engine.bpmn.check.http import may_call
from engine.bpmn.nodes import Node, bpmn, local
from engine.bpmn.parse import http, retries
from engine.model.problems import Problem

RULE = "retry"


def check(diagram: Diagram) -> Iterator[Problem]:
    for node in diagram.elements:
        told = list(node.iterfind(f"{bpmn('extensionElements')}/{retries.RETRY}"))
        if local(node) in SERVICES or (http.is_called(node) and may_call(diagram, node)):
            told += node.iterfind(f"{bpmn('extensionElements')}/{retries.CYCLE}")
            if len(told) > 1:
                message = "Expected to be told once how its calls are tried again, but it is told twice."
                yield diagram.document.problem(RULE, node, message, "Keep one.", place=diagram.document.place(told[1]))
            for each in told:
                yield from _fault(diagram, node, each)
        elif told:
            message = "Only calls of services are tried again."
            yield diagram.document.problem(RULE, node, message, "Delete it.", place=diagram.document.place(told[0]))


def _fault(diagram: Diagram, node: Node, told: Node) -> Iterator[Problem]:
    try:
        retries.read(told)
    except ValueError as cause:
        fix = 'Write R5/PT10S, or <procession:retry maxTries="5" initialDelay="PT1S" factor="2"/>.'
        yield diagram.document.problem(RULE, node, str(cause), fix, place=diagram.document.place(told))
