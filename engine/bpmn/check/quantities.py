"""Tokens: how many an activity needs to begin, and how many leave it. Source: BPMN 2.0.2, 10.3 Activities."""

from __future__ import annotations

from collections.abc import Iterator

from engine.bpmn.check.diagram import ACTIVITIES, FLOW_NODES, Diagram, Scope
from engine.bpmn.nodes import Node, local
from engine.model.problems import Problem

MOST = 1_000
"""Tokens of one activity."""


def check(diagram: Diagram) -> Iterator[Problem]:
    for node in diagram.running:
        for attribute in ("startQuantity", "completionQuantity") if local(node) in FLOW_NODES else ():
            message, fix = _fault(node, attribute)
            if message:
                place = diagram.document.attribute_place(node, attribute)
                yield diagram.document.problem("quantity", node, message, fix, place=place)
    for scope in diagram.scopes:
        yield from _uncounted(diagram, scope)


def _uncounted(diagram: Diagram, scope: Scope) -> Iterator[Problem]:
    """Where an activity begins without tokens before it, there is nothing to count."""
    for node in scope.of(*ACTIVITIES):
        sources = {local(scope.source(flow)) for flow in scope.incoming(node)}
        if node.get("startQuantity", "1").strip() != "1" and sources <= {"eventBasedGateway"}:
            message = "Expected tokens before the activity to count, but it begins without any."
            place = diagram.document.attribute_place(node, "startQuantity")
            yield diagram.document.problem("quantity", node, message, "Delete startQuantity.", place=place)


def _fault(node: Node, attribute: str) -> tuple[str, str]:
    text = node.get(attribute, "1").strip()
    if not (text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= MOST):
        return f'Expected {attribute} to be a number from 1 to {MOST:,}, but it is "{text:.20}".', "Usually it is 1."
    if int(text) > 1 and local(node) not in ACTIVITIES:
        return f"Expected {attribute} at activities only, but this is no activity.", "Delete the attribute."
    return "", ""
